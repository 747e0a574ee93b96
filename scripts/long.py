#!/usr/bin/python3
"""What takes time, for as long as it is told. The simulator has half of it: three quarters in release, one with the sanitizers.
The first seeds come from the commit, so that every commit meets seeds of its own; a seed that fails is printed with the command
that replays it; and after enough seeds each fault must have met each operation that it can meet. The other half goes to kills and
damaged databases, power losses, servers under load, also under ThreadSanitizer, transcripts of the corpus cut in every two
places. What cannot be shortened comes on top, and takes some minutes of processor time: stories of wsmd and some tests under
valgrind. At the end stands what each part took and counted."""

import argparse
import os
import pathlib
import subprocess
import sys
import time

import check

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
VALGRIND = check.VALGRIND
JOBS = len(os.sched_getaffinity(0))
SEEDS_MAX = 100_000_000


def first_seed():
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return int(found.stdout[:8] or "1", 16)


def simulated(folder, seconds, seed, *more):
    return [str(folder / "bin/wsm-sim"), "run", "--seeds", f"{seed}..{seed + SEEDS_MAX - 1}", "--jobs", str(JOBS), "--seconds", str(seconds),
            *more]


def tortured(folder, seconds, connections, kills):
    return [str(folder / "tests/acceptance/torture"), "--wsmd", str(folder / "bin/wsmd"), "--connections", str(connections),
            "--publishers", str(connections // 2), "--seconds", str(seconds), "--kills", str(kills)]


def parts(build, seconds):
    """(command, environment): one after the other. What is fast under valgrind is there as a whole."""
    def share(n):
        return max(seconds * n // 100, 1)

    san, tsan = (build.parent / (build.name + suffix) for suffix in ("-san", "-tsan"))
    seed = first_seed()
    yield simulated(build, share(37), seed, "--marks"), {}
    yield simulated(san, share(13), seed + SEEDS_MAX), {}
    yield [PYTHON, "tests/acceptance/test_faults.py"], {"WSM_KILL_CYCLES": str(share(15) * 2), "WSM_FLIPS": str(share(10) * 3)}
    yield [str(build / "tests/unit/test_sqlite_power")], {"WSM_POWER_SEEDS": str(share(10) // 3 + 1)}
    yield tortured(build, max(share(10), 10), 500, max(share(10) // 3, 3)), {}
    yield tortured(tsan, max(share(5), 10), 60, 1), {"TSAN_OPTIONS": "exitcode=66"}
    for name in ("integration/test_threads", "unit/test_sqlite_worker"):
        yield [str(tsan / "tests" / name)], {"TSAN_OPTIONS": "exitcode=66 second_deadlock_stack=1"}
    yield [str(build / "tests/fault/test_fault_uv")], {"WSM_FAULT_STRIDE": str(max(4000 // seconds, 1))}
    yield [PYTHON, "scripts/valgrind.py", "--build", str(build), "--seconds", str(max(share(5), 30))], {}
    yield [PYTHON, "scripts/splits.py", "--build", str(build), "--seconds", str(max(share(10), 10)), "--first", str(seed)], {}
    for name in ("integration/test_hub", "integration/test_threads", "integration/test_uv", "integration/test_uv_tls",
                 "integration/test_hub_sidebars", "integration/test_hub_mentions", "unit/test_sqlite_worker",
                 "unit/test_sqlite_store", "unit/test_client_client"):
        yield [*VALGRIND, str(build / "tests" / name)], {"WSM_SLOW": "1"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="the build folder")
    parser.add_argument("--seconds", type=int, default=600)
    arguments = parser.parse_args()
    build = (ROOT / arguments.build).resolve()
    environment = dict(os.environ, BUILD=str(build), WSM_BUILD=str(build))
    passed, failed, began, reports, told = 0, 0, time.monotonic(), [], []
    for command, more in parts(build, arguments.seconds):
        shown = " ".join([*(f"{name}={value}" for name, value in more.items()), *command])
        print("==", shown, flush=True)
        good, bad, seconds, output = check.run(command, {**environment, **more}, 4 * arguments.seconds + 3600, is_shown=True)
        passed, failed = passed + good, failed + bad
        reports += check.REPORT.findall(output)
        shown = shown.replace(f"{ROOT}/", "").replace(" ".join(VALGRIND), "valgrind")
        told.append(f"{'FAILED' if bad else 'ok    '} {seconds:5.0f} s {good:4} passed {bad} failed: {shown}")
        if bad:
            print(output.splitlines()[-1], flush=True)  # why, if the program itself has not said it
    print("\n".join(told))
    for i, line in enumerate(check.summary(reports)):
        print("in all: " if i == 0 else "        ", line, sep="")
    print(f"check-long: {'FAILED' if failed or not passed else 'ok'}: {len(told)} programs, {time.monotonic() - began:.0f} s of {arguments.seconds}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
