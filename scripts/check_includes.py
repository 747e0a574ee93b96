#!/usr/bin/python3
"""Who may include whom, read from the #include lines.

The table below is the architecture: layers point one way, siblings do not know each other, and hosts (adapters, programs,
tests from outside) see the public headers only. Each third-party header stands in exactly one file of lib/, so what we
depend on can be changed without a search."""

import pathlib
import re

from tally import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# Folder of lib/ -> folders (or single headers) it may include, besides itself, lib/*.h, libc and include/wsm.
LAYERS = {
    "": ["util", "proto", "wire", "auth", "memory", "sidebar", "route", "conn", "hub", "client"],
    "util": [],
    "proto": ["util"],
    "wire": ["util"],
    "auth": ["util", "proto"],
    "memory": ["util", "proto", "wire/frame.h"],
    "sidebar": ["util", "proto", "memory", "wire/frame.h"],
    "route": ["util", "proto", "wire/frame.h"],
    "conn": ["util", "wire", "proto"],
    "hub": ["util", "proto", "wire", "auth", "memory", "sidebar", "route", "conn"],
    "client": ["util", "proto", "wire", "auth"],
}
# The library's own base, next to the folders.
BASE = {p.name for p in (ROOT / "lib").glob("*.h")}

# Third party: pattern -> the only file of lib/ that may include it.
THIRD_PARTY = {
    r"wslay/.*": "lib/wire/ws.c",
    r"cjson/.*": "lib/proto/json.c",
    r"(mbedtls|psa)/.*": "lib/util/crypto.c or lib/adapters/uv/tls.c",
    r"uthash\.h": "lib/util/map.c",
    r"uv\.h": "lib/adapters/uv/",
    r"sqlite3\.h": "lib/adapters/sqlite/",
    r"valgrind/.*": "tests/bench/",
}
STANDARD = set("""assert ctype errno float inttypes limits math setjmp signal stdalign stdarg stdatomic stdbool stddef stdint
stdio stdlib stdnoreturn string threads time""".split())
# Headers of the operating system: not for the core, its built-in defaults excepted.
SYSTEM = re.compile(r"(sys|netinet|arpa|linux)/.*|(unistd|fcntl|poll|pthread|sched|netdb|dirent|getopt|link|malloc|termios|"
                    r"dlfcn|libgen|spawn|strings|sysexits)\.h")
CORE_NOT = {"stdio.h", "time.h", "threads.h", "signal.h", "setjmp.h", "errno.h", "math.h", "ctype.h"}
SYSTEM_FILE = "lib/defaults.c"
INSIDE = [("tests", "unit"), ("tests", "fuzz"),
          ("tests", "bench", "mention.c"),  # times a lookup that no call does alone
          ("tests", "sim", "hunt.c")]       # picks the worlds in which it hunts
INTRINSICS = {"lib/proto/scan.c": "emmintrin.h"}  # of the compiler; a portable way stands beside


def layer_of(path):
    return path.parts[1] if len(path.parts) > 2 else ""


def third_party(name):
    return next((home for pattern, home in THIRD_PARTY.items() if re.fullmatch(pattern, name)), None)


def may_include_inside(path, name):
    """A quoted include of a file of the core."""
    if name.startswith("wsm/") or name in BASE:
        return True
    layer = layer_of(path)
    folder = name.split("/")[0]
    return folder == layer or folder in LAYERS[layer] or name in LAYERS[layer]


def may_include_system(path, name, core):
    stem = name[:-2] if name.endswith(".h") else name
    if core and str(path) != SYSTEM_FILE:
        return stem in STANDARD and name not in CORE_NOT or INTRINSICS.get(str(path)) == name
    return stem in STANDARD or bool(SYSTEM.fullmatch(name))


def main():
    tally = Tally()
    users = {}
    files = [p for top in ("include", "lib", "examples", "bindings", "tests", "tools") if (ROOT / top).is_dir()
             for p in sorted((ROOT / top).rglob("*")) if p.suffix in (".c", ".h", ".def") and "node_modules" not in p.parts]
    for full in files:
        path = full.relative_to(ROOT)
        top = path.parts[0]
        core = top == "lib" and path.parts[1] != "adapters"
        inside = core or top == "tools" or any(path.parts[:len(i)] == i for i in INSIDE)
        bad = []
        for kind, name in INCLUDE.findall(full.read_text()):
            home = third_party(name)
            if home:
                if top == "lib":
                    users.setdefault(name.split("/")[0].replace("psa", "mbedtls"), set()).add(str(path))
                    if not any(str(path).startswith(h) for h in home.split(" or ")):
                        bad.append(f"{name} belongs into {home}")
                elif top == "include":
                    bad.append(f"{name} in a public header")
            elif kind == "<" and not name.startswith("wsm/"):
                known = may_include_system(path, name, core) or (top == "tests" and name == "cmocka.h")
                known = known and (top != "include" or name in ("stddef.h", "stdint.h"))
                if not known:
                    bad.append(f"<{name}>")
            elif top == "include":
                if not (ROOT / "include" / "wsm" / name).is_file():
                    bad.append(f'"{name}" is no public header')
            elif core:
                if not may_include_inside(path, name):
                    bad.append(f'"{name}" is above or beside {path.parent}')
            elif not inside:
                own = name.endswith(".inc") or (full.parent / name).is_file() or (ROOT / "tests" / "support" / name).is_file() and top == "tests"
                if not (name.startswith("wsm/") or own and "lib" not in pathlib.PurePath(name).parts):
                    bad.append(f'"{name}" is not public')
        tally.check(not bad, f"{path} includes {', '.join(bad)}")
    for name, paths in sorted(users.items()):
        # mbedTLS has two homes: the core's crypto and the adapter's TLS, which are different libraries of it.
        for library in ("lib/adapters", "lib"):
            mine = [p for p in paths if p.startswith("lib/adapters") == (library == "lib/adapters")]
            if mine:
                tally.check(len(mine) == 1, f"{name} is included by {', '.join(sorted(mine))}")
    tally.finish()


if __name__ == "__main__":
    main()
