#!/usr/bin/python3
"""The same seed is the same run, whoever compiled it: -O2, -O0 and sanitised builds, and with --clang one of clang's, print
the same traces, and the first prints them twice alike (I-68). What differs would be an address, a clock or a byte that
nobody has set."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"))
from tally import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = "tests/sim/traces"


def traces(folder, first, count):
    result = subprocess.run([f"{folder}/{PROGRAM}", str(first), str(count)], cwd=ROOT, capture_output=True, text=True,
                            timeout=600)
    return result.stdout.splitlines() + ([result.stderr[-500:]] if result.returncode else [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--clang", action="store_true", help="a build of clang's, too")
    arguments = parser.parse_args()
    tally = Tally()
    cc = os.environ.get("CC", "cc")
    builds = {"-O2": (arguments.build, []), "-O0": (f"{arguments.build}/O0", ["CFLAGS=-O0"]),
              "sanitised": (f"{arguments.build}-san", ["SANITIZE=1"])}
    if arguments.clang and shutil.which("clang"):
        builds["clang"] = (f"{arguments.build}/clang", [f"CC={'ccache clang' if 'ccache' in cc else 'clang'}"])
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    first = None
    for name, (folder, extra) in builds.items():
        made = subprocess.run(["make", "--no-print-directory", "-j2", f"BUILD={folder}", f"CC={cc}", *extra,
                               f"{folder}/{PROGRAM}"], cwd=ROOT, capture_output=True, text=True, env=environment)
        if not tally.check(made.returncode == 0, f"{name} cannot be built: {made.stderr[-500:]}"):
            continue
        seen = traces(folder, 1, arguments.seeds)
        first = first or seen
        different = [a for a, b in zip(first, seen) if a != b]
        tally.check(len(seen) == arguments.seeds and not different, f"{name} differs: {different[:3]}")
        if name == "-O2":
            tally.check(traces(folder, 1, arguments.seeds) == seen, f"{name} differs from itself")
    print(f"{arguments.seeds} seeds in builds {', '.join(builds)}: the same traces")
    tally.finish()


if __name__ == "__main__":
    main()
