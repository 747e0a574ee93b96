#!/usr/bin/python3
"""What the shared objects export is what the maps list and what the headers declare; static libraries keep to our names."""

import os
import pathlib
import re
import subprocess

from tally import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
ADAPTERS = {"uv": ["uv.h"], "sqlite": ["sqlite.h"], "sim": ["log_test.h", "sim.h"]}


def declared(headers):
    """Functions that headers declare with WSM_API."""
    names = set()
    for header in headers:
        text = re.sub(r"/\*.*?\*/", "", (ROOT / "include/wsm" / header).read_text(), flags=re.S)
        names |= set(re.findall(r"\bWSM_API\s[^;{]*?\b(wsm_\w+)\s*\(", text))
    return names


def listed(path):
    """Names of a version script, and its node."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    shown = text.partition("local:")[0]
    return set(re.findall(r"\b(wsm_\w+);", shown)), re.search(r"(\w+\.?[\w.]*)\s*\{", text).group(1), text


def exported(library):
    """Name -> version of what a shared object defines for others."""
    output = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True).stdout
    names = {}
    for line in output.splitlines():
        kind, _, symbol = line.partition(" ")[2].partition(" ")
        name, _, version = symbol.replace("@@", "@").partition("@")
        if kind != "A":
            names[name] = version
    return names


def differences(left, right):
    return ", ".join(sorted(left ^ right))


def check_library(tally, stem, headers, map_path):
    names, node, text = listed(map_path)
    found = exported(BUILD / "lib" / f"{stem}.so.0")
    tally.check("*" in text.partition("local:")[2], f"{map_path.name} leaves other names visible")
    tally.check(names == declared(headers), f"{map_path.name} and the headers differ: {differences(names, declared(headers))}")
    tally.check(names == set(found), f"{map_path.name} and {stem}.so.0 differ: {differences(names, set(found))}")
    tally.check(set(found.values()) == {node}, f"{stem}.so.0 has versions {set(found.values())}, expected {node}")

    archive = subprocess.run(["nm", "-g", "--defined-only", str(BUILD / "lib" / f"{stem}.a")],
                             capture_output=True, text=True, check=True).stdout
    own = {line.split()[2] for line in archive.splitlines() if len(line.split()) == 3}
    foreign = {n for n in own if not n.startswith(("wsm_", "wsm__"))}
    tally.check(not foreign, f"{stem}.a defines names that are not ours: {', '.join(sorted(foreign))}")
    soname = subprocess.run(["readelf", "-d", str(BUILD / "lib" / f"{stem}.so.0")], capture_output=True, text=True).stdout
    tally.check(f"[{stem}.so.0]" in soname, f"{stem}.so.0 has no SONAME of its own")


def main():
    tally = Tally()
    of_adapters = {h for headers in ADAPTERS.values() for h in headers}
    core = [p.name for p in sorted((ROOT / "include/wsm").glob("*.h")) if p.name not in of_adapters]
    check_library(tally, "libwsm", core, ROOT / "lib/wsm.map")
    for name, headers in ADAPTERS.items():
        check_library(tally, f"libwsm-{name}", headers, ROOT / f"lib/adapters/{name}/wsm-{name}.map")
    tally.finish()


if __name__ == "__main__":
    main()
