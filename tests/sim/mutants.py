#!/usr/bin/python3
"""A checker that never fires is worthless. Plant a bug, one at a time, and see that the simulator finds it.

The bugs are the table of planted.py. For each, one file is compiled from a changed text, linked in front of the library
that holds the right one, and the result (tests/sim/hunt.c) goes through seeds until something breaks. The healthy program
goes through as many first, and must find nothing.

    mutants.py [--build DIR] [--jobs N] [--seconds S] [NAME ...]

Builds of its own (DIR/mutants and, for what only a sanitizer sees, DIR/mutants-san) are made by make. A text that is not
found, or is found more than once, is a failure: the table must not rot."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from planted import BUGS

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HUNT = "tests/sim/hunt"
RUNS_MAX = 6000
FIRST_SEED = 1


class Build:
    """One way to compile: where the healthy program lies, and the commands that made it."""

    def __init__(self, folder, sanitize):
        self.folder = folder
        self.arguments = [f"BUILD={folder}", f"SANITIZE={int(sanitize)}"]
        if os.environ.get("CC"):
            self.arguments.append(f"CC={os.environ['CC']}")

    def make(self, *targets):
        result = subprocess.run(["make", "--no-print-directory", "-j2", *self.arguments, *targets], cwd=ROOT,
                                capture_output=True, text=True, env=self.environment())
        if result.returncode:
            sys.exit(result.stdout[-2000:] + result.stderr[-2000:] + f"\n{' '.join(targets)} cannot be built")

    def command(self, source, target):
        """What make would run to make target anew from source."""
        result = subprocess.run(["make", "--no-print-directory", "-n", "-W", source, *self.arguments, target], cwd=ROOT,
                                capture_output=True, text=True, env=self.environment())
        lines = [line for line in result.stdout.splitlines() if f" -o {target} " in line + " "]
        if not lines:
            sys.exit(f"make -n says nothing of how {target} is made:\n{result.stdout}{result.stderr}")
        return shlex.split(lines[-1])

    @staticmethod
    def environment():
        return {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}

    def prepare(self):
        self.make(f"{self.folder}/{HUNT}")
        self.link = self.command(f"{HUNT}.c", f"{self.folder}/{HUNT}")

    def plant(self, bug):
        """The program with the bug in it, or a sentence that says why there is none."""
        text = (ROOT / bug.file).read_text()
        if text.count(bug.old) != 1:
            return None, f"the old text is found {text.count(bug.old)} times in {bug.file}"
        place = pathlib.Path(self.folder) / "planted" / bug.name
        place.mkdir(parents=True, exist_ok=True)
        source, changed, program = place / pathlib.Path(bug.file).name, place / "changed.o", place / "hunt"
        source.write_text(text.replace(bug.old, bug.new))
        target = f"{self.folder}/obj/{bug.file[:-2]}.o"
        compile_command = [str(source) if part == bug.file else str(changed) if part == target else part
                           for part in self.command(bug.file, target) if part not in ("-MMD", "-MP", "-Werror")]
        compile_command += ["-w", "-iquote", str(pathlib.Path(bug.file).parent)]
        link_command = [str(program) if part == f"{self.folder}/{HUNT}" else part for part in self.link]
        first_object = next(i for i, part in enumerate(link_command) if part.endswith(".o"))
        link_command.insert(first_object, str(changed))
        for command in (compile_command, link_command):
            result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if result.returncode:
                return None, "it does not compile: " + result.stderr[-600:]
        return program, None


def hunt(program, seconds, runs_max=RUNS_MAX):
    """(how many runs, seed, profile, invariant, what was seen); the invariant is None if nothing broke."""
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", UBSAN_OPTIONS="print_stacktrace=1")
    try:
        result = subprocess.run([str(program), str(FIRST_SEED), str(runs_max), str(seconds)], cwd=ROOT, capture_output=True,
                                text=True, errors="replace", timeout=seconds + 60, env=environment)
        output, errors, code = result.stdout, result.stderr, result.returncode
    except subprocess.TimeoutExpired as expired:
        output, errors, code = (expired.stdout or b"").decode(errors="replace"), "", "hang"
    last = output.splitlines()[-1] if output else ""
    started = re.findall(r"^at (\d+) (\d+) (\w+)$", output, re.M)
    runs, seed, profile = started[-1] if started else ("0", "0", "?")
    if match := re.match(r"found (\d+) (\d+) (\w+) (\S+) ?(.*)", last):
        return int(match[1]), match[2], match[3], match[4], match[5]
    if code == "hang":
        return int(runs), seed, profile, "hang", "a run did not end"
    for pattern, name in ((r"(AddressSanitizer): (\S+)", "sanitizer"), (r"(LeakSanitizer): (.*)", "sanitizer"),
                          (r"(runtime error): (.*)", "sanitizer"), (r"(Assertion) (`.*' failed)", "assertion")):
        if match := re.search(pattern, errors):
            return int(runs), seed, profile, name, f"{match[1]} {match[2]}"
    if code != 0:
        return int(runs), seed, profile, "crash", f"it ended with {code}: {errors[-200:]}"
    return int(runs), seed, profile, None, ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=40, help="for one bug, before it counts as not found")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    bugs = [bug for bug in BUGS if not arguments.names or bug.name in arguments.names]
    builds = {False: Build(f"{arguments.build}/mutants", False), True: Build(f"{arguments.build}/mutants-san", True)}
    for sanitize in {bug.sanitize for bug in bugs}:
        builds[sanitize].prepare()

    started = time.monotonic()
    failures = 0
    runs, seed, profile, invariant, what = hunt(pathlib.Path(builds[False].folder) / HUNT, 10)
    print(f"{'(healthy)':34} {runs:5} runs  {invariant or 'nothing found'} {what}", flush=True)
    if invariant:
        failures += 1
        print(f"FAILED: the healthy program breaks {invariant} with seed {seed}, {profile}: {what}")

    def one(bug):
        program, why = builds[bug.sanitize].plant(bug)
        return (bug, None, why) if why else (bug, hunt(program, arguments.seconds), None)

    found, most = 0, 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for bug, result, why in pool.map(one, bugs):
            if why:
                print(f"FAILED: {bug.name}: {why}", flush=True)
                continue
            runs, seed, profile, invariant, what = result
            if not invariant:
                print(f"FAILED: {bug.name}: not found in {runs} runs: {bug.sentence}", flush=True)
                continue
            found += 1
            most = max(most, runs)
            note = "" if invariant in bug.expected else f"  (expected {' '.join(sorted(bug.expected))})"
            print(f"{bug.name:34} {runs:5} runs  {invariant:10} {what[:90]}{note}", flush=True)
    print(f"{found} of {len(bugs)} mutants found, the slowest after {most} runs, in {time.monotonic() - started:.0f} s")
    passed, failed = found + (1 - failures), len(bugs) - found + failures
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
