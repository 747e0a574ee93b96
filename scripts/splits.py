#!/usr/bin/python3
"""Every way to cut every transcript of the fuzz corpus in two places, its input and its output (I-60, I-61): what `make check`
does for the short ones. All of them take about half an hour of processor time; with --seconds it begins with those that --first
picks, and stops when the time is over."""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = ("frame_stream", "http_upgrade", "client")
NO_BOUND = 1_000_000
FILES = 5  # that one process goes through
TRANSCRIPTS = re.compile(r": (\d+) transcripts;")
TWICE = re.compile(r"twice in (\d+) \(of (\d+)\)")


def run(program, paths, until):
    if time.monotonic() > until:
        return None
    done = subprocess.run([str(program), f"--splits={NO_BOUND}", *paths], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace")
    return text if done.returncode == 0 else f"ended with {done.returncode}\n{text}"


def target(pool, build, name, first, until):
    """(transcripts, how many of them were cut in every two places, what failed)"""
    paths = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "tests/fuzz/corpus" / name).iterdir())
    program = build / "tests/fuzz" / f"fuzz_{name}"
    random.Random(first).shuffle(paths)
    futures = [pool.submit(run, program, paths[at:at + FILES], until if at else float("inf")) for at in range(0, len(paths), FILES)]
    known, cut, ways, wrong = 0, 0, [0, 0], []
    for text in filter(None, (future.result() for future in futures)):
        found, twice = TRANSCRIPTS.search(text), TWICE.findall(text)
        if not found or len(twice) != 2:
            wrong.append(text)
            continue
        known += int(found[1])
        cut += min(int(of) for _, of in twice)
        ways = [sum_ + int(n) for sum_, (n, _) in zip(ways, twice)]
    print(f"report: {name}: {cut} of {len(paths)} transcripts cut in every two places: input in {ways[0]} ways, output in {ways[1]}", flush=True)
    return known, cut, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=int, default=0, help="0: all of them")
    parser.add_argument("--first", type=int, default=1, help="a number that picks an order")
    arguments = parser.parse_args()
    build = (ROOT / arguments.build).resolve()
    passed, wrong, began = 0, [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for i, name in enumerate(TARGETS):
            left = arguments.seconds * (i + 1) / len(TARGETS) if arguments.seconds else float("inf")
            known, cut, failed = target(pool, build, name, arguments.first, began + left)
            passed, wrong = passed + cut, wrong + failed
            if known != cut:
                wrong.append(f"{name}: {known - cut} transcripts were not cut in every two places")
    for text in wrong:
        print(text[-4000:])
    print(f"{passed} passed, {len(wrong)} failed")
    sys.exit(1 if wrong or not passed else 0)


if __name__ == "__main__":
    main()
