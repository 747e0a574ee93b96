#!/usr/bin/python3
"""A checker that never fires is worthless. Plant a bug, one at a time, and see that the simulator finds it.

The bugs are the table of planted.py. For each, one file is compiled from a changed text, linked in front of the library
that holds the right one, and the result (tests/sim/hunt.c) goes through seeds until something breaks. The healthy program
goes through as many first, and must find nothing.

A bug that the seeds once found for us has its shrunk script, tests/sim/case_*.c: that must fail with the bug planted, and
pass without. --shrink writes it anew: hunts a seed, and shrinks it.

    mutants.py [--build DIR] [--jobs N] [--seconds S] [--shrink] [NAME ...]

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
SIM = "bin/wsm-sim"
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

    def prepare(self, bugs, shrinks):
        """The healthy programs, and how each is linked. A case that is to be written is not there yet."""
        programs = [HUNT, *([SIM] if shrinks else [f"tests/sim/{bug.case}" for bug in bugs if bug.case])]
        self.make(*(f"{self.folder}/{program}" for program in programs))
        library = f"{self.folder}/lib/libwsm.a"
        self.links = {program: self.command("lib/hub/hub.c", f"{self.folder}/{program}") for program in programs}
        assert all(library in link for link in self.links.values())
        objects = {bug.file: f"{self.folder}/obj/{bug.file[:-2]}.o" for bug in bugs}
        self.compiles = {file: self.command(file, target) for file, target in objects.items()}

    def place(self, bug):
        return pathlib.Path(self.folder) / "planted" / bug.name

    def run(self, command):
        """What went wrong, or None."""
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        return "it does not compile: " + result.stderr[-600:] if result.returncode else None

    def plant(self, bug):
        """Compile the file with the bug in it. A sentence says why that cannot be."""
        text = (ROOT / bug.file).read_text()
        if text.count(bug.old) != 1:
            return f"the old text is found {text.count(bug.old)} times in {bug.file}"
        place = ROOT / self.place(bug)
        place.mkdir(parents=True, exist_ok=True)
        source, target = place / pathlib.Path(bug.file).name, f"{self.folder}/obj/{bug.file[:-2]}.o"
        source.write_text(text.replace(bug.old, bug.new))
        command = [str(source) if part == bug.file else str(place / "changed.o") if part == target else part
                   for part in self.compiles[bug.file] if part not in ("-MMD", "-MP", "-Werror")]
        return self.run(command + ["-w", "-iquote", str(pathlib.Path(bug.file).parent)])

    def link(self, bug, program):
        """(a program with the bug in it, None), or (None, why not). The changed object comes before the library's."""
        made = self.place(bug) / pathlib.Path(program).name
        command = [str(made) if part == f"{self.folder}/{program}" else part for part in self.links[program]]
        first_object = next(i for i, part in enumerate(command) if part.endswith(".o"))
        why = self.run([*command[:first_object], str(self.place(bug) / "changed.o"), *command[first_object:]])
        return (None, why) if why else (ROOT / made, None)


def hunt(program, seconds, runs_max=RUNS_MAX, first=FIRST_SEED):
    """(how many runs, seed, profile, invariant, what was seen); the invariant is None if nothing broke."""
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", UBSAN_OPTIONS="print_stacktrace=1")
    try:
        result = subprocess.run([str(program), str(first), str(runs_max), str(seconds)], cwd=ROOT, capture_output=True,
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


def check_case(build, bug):
    """The case fails with the bug, and passes without; or a sentence that says what is wrong."""
    if not (ROOT / f"tests/sim/{bug.case}.c").exists():
        return f"its case {bug.case} is not there"
    program, why = build.link(bug, f"tests/sim/{bug.case}")
    if why:
        return why
    if subprocess.run([str(program)], cwd=ROOT, capture_output=True, timeout=120).returncode != 1:
        return f"its case {bug.case} passes with the bug planted"
    healthy = subprocess.run([f"{build.folder}/tests/sim/{bug.case}"], cwd=ROOT, capture_output=True, timeout=120)
    return f"its case {bug.case} fails without the bug" if healthy.returncode else None


def shrink(build, bug, result):
    program, why = build.link(bug, SIM)
    if why:
        return why
    command = [str(program), "shrink", result[1], "--profile", result[2], "--runs", "100000", "--seconds", "60",
               "--out", f"tests/sim/{bug.case}.c"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(f"{bug.case}: {(done.stderr.splitlines() or ['?'])[-1]}", flush=True)
    return "it cannot be shrunk" if done.returncode else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=40, help="for one bug, before it counts as not found")
    parser.add_argument("--shrink", action="store_true", help="write the cases of these bugs anew")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    bugs = [bug for bug in BUGS if not arguments.names or bug.name in arguments.names]
    builds = {False: Build(f"{arguments.build}/mutants", False), True: Build(f"{arguments.build}/mutants-san", True)}
    builds[False].prepare([bug for bug in bugs if not bug.sanitize], arguments.shrink)
    if any(bug.sanitize for bug in bugs):
        builds[True].prepare([bug for bug in bugs if bug.sanitize], arguments.shrink)

    started = time.monotonic()
    failures = 0
    runs, seed, profile, invariant, what = hunt(pathlib.Path(builds[False].folder) / HUNT, 10)
    print(f"{'(healthy)':34} {runs:5} runs  {invariant or 'nothing found'} {what}", flush=True)
    if invariant:
        failures += 1
        print(f"FAILED: the healthy program breaks {invariant} with seed {seed}, {profile}: {what}")

    def one(bug):
        build = builds[bug.sanitize]
        why = build.plant(bug)
        program, why = (None, why) if why else build.link(bug, HUNT)
        if why:
            return bug, None, why
        result = hunt(program, arguments.seconds)
        while arguments.shrink and result[3] and result[3] not in bug.expected:
            result = hunt(program, arguments.seconds, first=int(result[1]) + 1)
        if bug.case and result[3] and arguments.shrink:
            why = shrink(build, bug, result)
        elif bug.case:
            why = check_case(build, bug)
            if not why and not result[3]:  # the hunt ran out of time; the script needs none
                result = (result[0], "its case", "", "case", f"by {bug.case}")
        return bug, result, why

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
    print(f"report: mutants found {found} of {len(bugs)}, the slowest after {most} runs, in "
          f"{time.monotonic() - started:.0f} s")
    passed, failed = found + (1 - failures), len(bugs) - found + failures
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
