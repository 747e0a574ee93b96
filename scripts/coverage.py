#!/usr/bin/python3
"""How much of the library runs: lines and branches of each file of lib/, as gcov counts them.

    coverage.py --build build-cov --run corpus|all [--expect]

`corpus` runs the fuzz corpus alone and lists the parser files, with the targets: 95 % of lines, 90 % of branches, in each of
them (with --expect, one below them is an error). `all` runs the units, the integration tests and the corpus, and lists every file of lib/.
Assertions have branches that no test takes, and so have calls that end a loop of a switch; they count as they are, as
missed. What only a failing allocation reaches counts as well: the driver runs each input with its allocations failing."""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_WANTED, BRANCHES_WANTED = 95.0, 90.0

# What reads bytes that others have written.
PARSERS = """lib/auth/claims.c lib/auth/claims_json.c lib/auth/jwt.c lib/proto/decode.c lib/proto/field.c lib/proto/json.c
lib/proto/json_public.c lib/proto/json_text.c lib/proto/json_walk.c lib/proto/messages.c lib/proto/record.c lib/proto/scan.c
lib/util/base64.c lib/util/utf8.c lib/util/slice.c lib/wire/http.c lib/wire/upgrade.c lib/wire/ws.c lib/wire/link.c
lib/hub/handshake.c lib/client/handshake.c lib/client/session.c""".split()


def programs(build, what):
    """Commands that are run one after the other, with counters that add up."""
    fuzz = ROOT / "tests" / "fuzz"
    corpus = [[str(build / "tests/fuzz" / p.stem), str(fuzz / "corpus" / p.stem[5:])] for p in sorted(fuzz.glob("fuzz_*.c"))]
    if what == "corpus":
        return corpus
    tests = [[str(build / "tests" / stage / p.stem)] for stage in ("unit", "integration") for p in sorted((ROOT / "tests" / stage).glob("test_*.c"))]
    return tests + corpus


def run(build, what):
    for old in build.rglob("*.gcda"):
        old.unlink()
    bad = 0
    for command in programs(build, what):
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
        if done.returncode:
            bad += 1
            print(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout.decode('utf-8', 'replace')[-2000:]}")
    return bad


def counted(build):
    """file -> line -> [times run, [times of each branch]], over all objects that hold the file."""
    files = collections.defaultdict(dict)
    notes = sorted(str(p) for p in (build / "obj" / "lib").rglob("*.gcda"))
    for at in range(0, len(notes), 50):
        output = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *notes[at:at + 50]],
                                cwd=ROOT, capture_output=True, check=True).stdout
        for text in output.decode().splitlines():
            if not text.strip():
                continue
            for file in json.loads(text)["files"]:
                name = os.path.relpath(ROOT / file["file"], ROOT)
                if not name.startswith("lib/"):
                    continue
                for line in file["lines"]:
                    branches = [b["count"] for b in line["branches"]]
                    known = files[name].setdefault((line.get("function_name", ""), line["line_number"]), [0, [0] * len(branches)])
                    known[0] += line["count"]
                    known[1] = [a + b for a, b in zip(known[1], branches)] if len(known[1]) == len(branches) else branches
    return files


def figures(lines):
    branches = [b for _, row in lines.values() for b in row]
    return (sum(1 for count, _ in lines.values() if count), len(lines), sum(1 for b in branches if b), len(branches))


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def is_met(counts):
    return percent(counts[0], counts[1]) >= LINES_WANTED and percent(counts[2], counts[3]) >= BRANCHES_WANTED


def report(files, wanted, expected=False):
    """How many of the files are below what is wanted, which is told of each if it is expected of them."""
    total, below = [0, 0, 0, 0], 0
    print(f"{'file':34} {'lines':>16} {'branches':>20}")
    for name in wanted:
        if name not in files:
            print(f"{name:34} did not run")
            below += 1
            continue
        mine = figures(files[name])
        total = [a + b for a, b in zip(total, mine)]
        below += not is_met(mine)
        verdict = "  BELOW" if expected and not is_met(mine) else ""
        print(row(name, mine) + verdict)
    print(row("all of these", total))
    return below


def row(name, counts):
    return (f"{name:34} {counts[0]:5}/{counts[1]:<5}{percent(counts[0], counts[1]):5.1f}"
            f" {counts[2]:7}/{counts[3]:<6}{percent(counts[2], counts[3]):5.1f}")


def missed(files, names):
    for name in names:
        for (_, number), (count, branches) in sorted(files.get(name, {}).items(), key=lambda item: item[0][1]):
            if count == 0 or 0 in branches:
                text = (ROOT / name).read_text().splitlines()[number - 1].strip()
                print(f"{name}:{number}: {'never' if count == 0 else str(branches)}: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-cov")
    parser.add_argument("--run", choices=["corpus", "all"], default="corpus")
    parser.add_argument("--expect", action="store_true")
    parser.add_argument("--missed", action="store_true", help="list the lines and branches that did not run")
    arguments = parser.parse_args()
    build = (ROOT / arguments.build).resolve()
    bad = run(build, arguments.run)
    files = counted(build)
    if arguments.run == "all":
        print("Units, integration tests and fuzz corpus, all of lib/:")
        report(files, sorted(n for n in files if n.endswith(".c")))
    else:
        print("The fuzz corpus alone, what reads bytes of others:")
        below = report(files, PARSERS, True)
        if arguments.missed:
            missed(files, PARSERS)
        print(f"wanted of each: {LINES_WANTED:g} % of lines, {BRANCHES_WANTED:g} % of branches: "
              + (f"MISSED by {below} of {len(PARSERS)}" if below else f"met by all {len(PARSERS)}"))
        bad += arguments.expect and below
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
