#!/usr/bin/python3
"""The manual: every page passes mandoc's lint, every exported function has a page, pages made from sources are current."""

import os
import pathlib
import re
import subprocess
import sys

from tally import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
MAPS = ["lib/wsm.map", "lib/adapters/uv/wsm-uv.map", "lib/adapters/sqlite/wsm-sqlite.map",
        "lib/adapters/sim/wsm-sim.map"]


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def main():
    tally = Tally()
    pages = sorted((ROOT / "man").glob("*.[0-9]"))
    names, titles = set(), {p.name for p in pages}
    for path in pages:
        lint = output_of("mandoc", "-Tlint", "-Wwarning", str(path))
        tally.check(lint.returncode == 0 and not lint.stdout, f"{path.name}:\n{lint.stdout}{lint.stderr}")
        text = path.read_text()
        names |= set(re.findall(r"^\.Nm (\w+)", text.partition(".Sh SYNOPSIS")[0], re.M))
        others = {f"{n}.{s}" for n, s in re.findall(r"^\.Xr ([\w.-]+) (\d)", text, re.M)}
        missing = {o for o in others if o.startswith("wsm") and o not in titles}
        tally.check(not missing, f"{path.name} refers to {', '.join(sorted(missing))}")
    for path in MAPS:
        text = re.sub(r"/\*.*?\*/", "", (ROOT / path).read_text(), flags=re.S)
        exported = set(re.findall(r"\b(wsm_\w+);", text))
        tally.check(exported <= names, f"{path}: no page for {', '.join(sorted(exported - names))}")
    for name in ("wsm.3", "wsmd.1", "wsmcat.1", "wsm-protocol.7"):
        tally.check(name in titles, f"man/{name} is missing")
    current = output_of(sys.executable, "scripts/manpages.py")
    tally.check(current.returncode == 0, current.stdout + current.stderr)
    protocol = output_of(str(BUILD / "tools/protodoc"), "--man")
    tally.check(protocol.stdout == (ROOT / "man/wsm-protocol.7").read_text(), "wsm-protocol.7 is old; run make man")
    tally.finish()


if __name__ == "__main__":
    main()
