#!/usr/bin/python3
"""The simulator for as long as it is told: three quarters of the time in release, one with the sanitizers. The first seed comes
from the commit, so that every commit meets seeds of its own; a seed that fails is printed with the command that replays it."""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def first_seed():
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return int(found.stdout[:8] or "1", 16)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="the build folder")
    parser.add_argument("--seconds", type=int, default=600)
    arguments = parser.parse_args()
    build = (ROOT / arguments.build).resolve()
    seed = first_seed()
    failed = 0
    for folder, seconds in ((build, arguments.seconds * 3 // 4), (build.parent / (build.name + "-san"), arguments.seconds // 4)):
        seeds = f"{seed}..{seed + 100_000_000}"
        command = [str(folder / "bin/wsm-sim"), "run", "--seeds", seeds, "--jobs", "2", "--seconds", str(max(seconds, 1))]
        print(" ".join(command), flush=True)
        failed += subprocess.run(command, cwd=ROOT).returncode != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
