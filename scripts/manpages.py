#!/usr/bin/python3
"""The pages of section 3 are the public headers in another dress: the comments there are the contract, said once.

`manpages.py --write` writes man/wsm_*.3, one page a header; without it the pages are compared with the headers, and a
difference is a failure (check_man.py asks that way). wsm.3, the overview, is written by hand."""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATE = "November 23, 2026"
# header -> (page, phrase of its NAME section, link option)
PAGES = {
    "error.h": ("wsm_error", "errors, their names and codes", "wsm"),
    "token.h": ("wsm_token", "tokens and the keys that sign them", "wsm"),
    "host.h": ("wsm_host", "the callbacks by which the library reaches the world", "wsm"),
    "log.h": ("wsm_log", "what keeps the records, and how it talks back to the hub", "wsm"),
    "conn.h": ("wsm_conn", "connections: bytes in, bytes out", "wsm"),
    "hub.h": ("wsm_hub", "the hub: configuration, life, commands", "wsm"),
    "client.h": ("wsm_client", "one connection to a server, from the client's side", "wsm"),
    "json.h": ("wsm_json", "strict JSON for hosts", "wsm"),
    "uv.h": ("wsm_uv", "hubs and clients on a libuv loop", "wsm-uv"),
    "sim.h": ("wsm_sim", "hubs, clients, network and logs in virtual time, with faults", "wsm-sim"),
    "log_test.h": ("wsm_log_test", "does a log keep its word?", "wsm-sim"),
    "sqlite.h": ("wsm_sqlite", "a durable log in one SQLite database", "wsm-sqlite"),
}
PROTOTYPE = re.compile(r"WSM_API\s+(?P<type>[^;{}()]*?)(?P<name>wsm_\w+)\s*\((?P<args>[^;]*)\)\s*;", re.S)


def blocks_of(text):
    """The header as (comment, code) pairs, in order: a comment at the margin and what follows it without a blank line."""
    text = re.sub(r"^#ifdef __cplusplus.*?^#endif\n", "", text, flags=re.S | re.M)
    text = re.sub(r"^#(ifndef WSM_\w+_H|define WSM_\w+_H|include .*|endif)\n", "", text, flags=re.M)
    pairs = []
    for chunk in re.split(r"\n\s*\n(?=\S)", text.strip()):
        match = re.match(r"/\*(.*?)\*/\n?(.*)", chunk, re.S)
        if match and not match.group(2).lstrip().startswith("/*"):
            comment = re.sub(r"^ \* ?", "", match.group(1), flags=re.M)
            pairs.append((comment.strip(), match.group(2).strip("\n")))
        elif chunk.strip():
            pairs.append(("", chunk.strip("\n")))
    return pairs


def escape(line):
    line = line.replace("\\", "\\e")
    return "\\&" + line if line.startswith((".", "'")) else line


def prose(comment):
    """Paragraphs of mdoc. Indented lines are shown as they are; `words` become bold."""
    out = []
    for number, paragraph in enumerate(re.split(r"\n\s*\n", comment)):
        if number:
            out.append(".Pp")
        if all(line.startswith("    ") for line in paragraph.splitlines()):
            out[-1:] = [".Bd -literal -offset indent", *map(escape, textwrap.dedent(paragraph).splitlines()), ".Ed"]
            continue
        flat = " ".join(paragraph.split())
        for sentence in re.split(r"(?<=[.?!:]) (?=[A-Z])", flat):
            for line in textwrap.wrap(sentence, 78, break_long_words=False, break_on_hyphens=False):
                out.append(re.sub(r"`([^`]+)`", r"\\fB\1\\fP", escape(line)))
    return out


def arguments_of(text):
    """The parameters of a prototype, cut at the commas that are not inside a function pointer's own list."""
    flat, depth, found = " ".join(text.split()), 0, [""]
    for c in flat:
        depth += (c == "(") - (c == ")")
        if c == "," and not depth:
            found.append("")
        else:
            found[-1] += c
    return [a.strip() for a in found]


def synopsis(header, prototypes):
    out = [".Sh SYNOPSIS", f".In wsm/{header}"]
    for match in prototypes:
        out += [f".Ft {' '.join(match['type'].split())}", f".Fo {match['name']}"]
        out += [f'.Fa "{a}"' for a in arguments_of(match["args"])] + [".Fc"]
    return out


def types_in(code):
    names = re.findall(r"^(?:typedef )?(?:struct|enum) (\w+) \{", code, re.M)
    names += re.findall(r"^typedef [^{};]*?\(\*(\w+)\)", code, re.M)
    names += re.findall(r"^typedef (?:struct )?\w+ (\w+);", code, re.M)
    names += re.findall(r"^#define (\w+)", code, re.M)
    return names


def page(header):
    name, phrase, library = PAGES[header]
    text = (ROOT / "include/wsm" / header).read_text()
    prototypes = list(PROTOTYPE.finditer(re.sub(r"/\*.*?\*/", "", text, flags=re.S)))
    functions = [m["name"] for m in prototypes]
    out = [f'.\\" Written by scripts/manpages.py from include/wsm/{header}: change that.',
           f".Dd {DATE}", f".Dt {name.upper()} 3", ".Os libwsm", ".Sh NAME"]
    names = [name] + [f for f in functions if f != name]
    out += [f".Nm {n} ,\n".rstrip() for n in names[:-1]] + [f".Nm {names[-1]}", f".Nd {phrase}"]
    out += [".Sh LIBRARY", f"lib{library} (pkg-config {library})", *synopsis(header, prototypes), ".Sh DESCRIPTION"]
    for number, (comment, code) in enumerate(blocks_of(text)):
        here = [m["name"] for m in PROTOTYPE.finditer(re.sub(r"/\*.*?\*/", "", code, flags=re.S))]
        rest = re.sub(r"/\*[^*]*\*/\s*$", "", code) if here else code
        rest = PROTOTYPE.sub("", rest).strip("\n ") if here else code
        title = here or types_in(code)
        if number and title:
            out.append(f".Ss {' , '.join(title[:6])}")
        elif number and comment:
            out.append(".Pp")
        if comment:
            out += prose(comment)
        if rest and not re.fullmatch(r"(\s|/\*.*?\*/)*", rest, re.S):
            out += [".Bd -literal", *map(escape, rest.splitlines()), ".Ed"]
    others = sorted({p for p, _, _ in PAGES.values()} - {name})
    out += [".Sh SEE ALSO", ".Xr wsm 3 ,"] + [f".Xr {o} 3 ," for o in others] + [".Xr wsm-protocol 7"]
    return "\n".join(out) + "\n"


def main():
    stale = []
    for header, (name, _, _) in PAGES.items():
        path = ROOT / "man" / f"{name}.3"
        text = page(header)
        if "--write" in sys.argv:
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            stale.append(path.name)
    if stale:
        print(f"not as the headers say: {', '.join(stale)}; run make man")
        sys.exit(1)


if __name__ == "__main__":
    main()
