#!/usr/bin/python3
"""A checker that never fires is worthless. Plant a bug, one at a time, and see that the simulator finds it.

The bugs are the table of planted.py. For each, a file or two are compiled from a changed text, linked in front of the library
that holds the right one, and the result (tests/sim/hunt.c) goes through seeds until something breaks. The healthy program
goes through the same runs, and must find nothing.

A hunt goes from seed 1 on, each seed in each profile. With --from-notes it begins with the run that showed the bug last
(planted.seeds), and goes on from seed 1 if that shows it no longer: then the output says so, and --note writes the runs anew.

A bug that the seeds once found for us has its shrunk script, tests/sim/case_*.c: that must fail with the bug planted, and
pass without; with --from-notes a bug without a note is not hunted then, for most of them are rare. --shrink writes the
script anew: hunts a seed, and shrinks it.

With --plant nothing is hunted: a bug is planted, and has to compile. That is enough after a change of text.

    mutants.py [--build DIR] [--jobs N] [--seconds S] [--from-notes] [--note] [--shrink] [--plant] [NAME ...]

DIR and, for what only a sanitizer sees, DIR-san are built by make as far as needed. A text that is not found, or is found
more than once, is a failure: the table must not rot."""

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
NOTES = ROOT / "tests/sim/planted.seeds"
NOTES_HEAD = """# Where each planted bug broke something: its name, the run (seed:profile), and how many runs it took from seed 1 on.
# Written by `tests/sim/mutants.py --note`; `make check` begins with these runs.
"""
HUNT = "tests/sim/hunt"
SIM = "bin/wsm-sim"
RUNS_MAX = 6000  # 2000 seeds, each in three profiles
FIRST_SEED = 1


def program_of(bug):
    """Its case, by the path below the build folder."""
    return f"tests/{bug.case}" if "/" in bug.case else f"tests/sim/{bug.case}"


class Build:
    """One way to compile: where the healthy program lies, and the commands that made it."""

    def __init__(self, folder, sanitize):
        folder = pathlib.Path(folder).resolve()
        self.folder = str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder)
        self.arguments = [f"BUILD={self.folder}", f"SANITIZE={int(sanitize)}"]
        if os.environ.get("CC"):
            self.arguments.append(f"CC={os.environ['CC']}")

    def make(self, *arguments):
        result = subprocess.run(["make", "--no-print-directory", "-j2", *self.arguments, *arguments], cwd=ROOT,
                                capture_output=True, text=True, env=self.environment())
        if result.returncode:
            sys.exit(result.stdout[-2000:] + result.stderr[-2000:] + f"\n{' '.join(arguments)} cannot be built")
        return result.stdout

    def commands(self, sources, targets):
        """What make would run to make each of the targets anew, after a change of the sources."""
        changed = [part for source in sources for part in ("-W", source)]
        lines = self.make("-n", *changed, *targets).splitlines()
        made = {target: [line for line in lines if f" -o {target} " in line + " "] for target in targets}
        for target in targets:
            if not made[target]:
                sys.exit(f"make -n says nothing of how {target} is made")
        return {target: shlex.split(found[-1]) for target, found in made.items()}

    @staticmethod
    def environment():
        return {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}

    def prepare(self, bugs, shrinks):
        """The healthy programs, and how each is linked. A case that is to be written is not there yet."""
        programs = [HUNT, *([SIM] if shrinks else [program_of(bug) for bug in bugs if self.has_case(bug)])]
        targets = [f"{self.folder}/{program}" for program in dict.fromkeys(programs)]
        self.make(*targets)
        self.links = self.commands(["lib/hub/hub.c"], targets)
        assert all(f"{self.folder}/lib/libwsm.a" in link for link in self.links.values())
        files = sorted({file for bug in bugs for file in bug.changes()})
        self.compiles = self.commands(files, [self.object(file) for file in files])

    def prepare_case(self, bug):
        """One that has just been written."""
        target = f"{self.folder}/{program_of(bug)}"
        self.make(target)
        self.links |= self.commands(["lib/hub/hub.c"], [target])

    @staticmethod
    def has_case(bug):
        return bug.case and (ROOT / f"{program_of(bug)}.c").exists()

    def object(self, file):
        return f"{self.folder}/obj/{file[:-2]}.o"

    def place(self, bug):
        return pathlib.Path(self.folder) / "planted" / bug.name

    def run(self, command):
        """What went wrong, or None."""
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        return "it does not compile: " + result.stderr[-600:] if result.returncode else None

    def plant(self, bug):
        """Compile what is changed with the bug in it. A sentence says why that cannot be."""
        (ROOT / self.place(bug)).mkdir(parents=True, exist_ok=True)
        for file, changes in bug.changes().items():
            text = (ROOT / file).read_text()
            for old, new in changes:
                if text.count(old) != 1:
                    return f"an old text is found {text.count(old)} times in {file}: {old.strip()[:60]}"
                text = text.replace(old, new)
            why = self.compile(bug, file, text)
            if why:
                return why
        return None

    def compile(self, bug, file, text):
        source, target = ROOT / self.place(bug) / pathlib.Path(file).name, self.object(file)
        source.write_text(text)
        command = [str(source) if part == file else str(source.with_suffix(".o")) if part == target else part
                   for part in self.compiles[target] if part not in ("-MMD", "-MP", "-Werror", "-g")]
        return self.run(command + ["-w", "-O1", "-iquote", str(pathlib.Path(file).parent)])

    def link(self, bug, program):
        """(a program with the bug in it, None), or (None, why not). The changed objects come before the library's."""
        made = self.place(bug) / pathlib.Path(program).name
        healthy = f"{self.folder}/{program}"
        command = [str(made) if part == healthy else part for part in self.links[healthy]]
        first_object = next(i for i, part in enumerate(command) if part.endswith(".o"))
        changed = [str(self.place(bug) / f"{pathlib.Path(file).stem}.o") for file in bug.changes()]
        why = self.run([*command[:first_object], *changed, *command[first_object:]])
        return (None, why) if why else (ROOT / made, None)


def hunt(program, seconds, runs_max=RUNS_MAX, first=FIRST_SEED, named=()):
    """(how many runs, seed, profile, invariant, what was seen); the invariant is None if nothing broke."""
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", UBSAN_OPTIONS="print_stacktrace=1")
    try:
        result = subprocess.run([str(program), str(first), str(runs_max), str(seconds), *named], cwd=ROOT,
                                capture_output=True, text=True, errors="replace", timeout=seconds + 60, env=environment)
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


def read_notes():
    """name -> (run, how many it took from seed 1 on)"""
    lines = NOTES.read_text().splitlines() if NOTES.exists() else []
    words = [line.split() for line in lines if line and line[0] != "#"]
    return {name: (run, int(runs)) for name, run, runs in words}


def write_notes(notes):
    NOTES.write_text(NOTES_HEAD + "".join(f"{bug.name} {notes[bug.name][0]} {notes[bug.name][1]}\n" for bug in BUGS
                                          if bug.name in notes))


def hunt_noted(program, bug, seconds, note):
    """A hunt that begins with the run of the note. The runs that it took are those from seed 1, then or now; and a word
    on the note."""
    result = hunt(program, 0, 0, named=[note[0]])
    if result[3]:
        return (note[1], *result[1:]), ""
    if bug.case:
        return result, f"  ({note[0]} shows it no longer)"
    return hunt(program, seconds, named=bug.worlds.split()), f"  ({note[0]} shows it no longer)"


def outcome(program):
    """Its exit code, or "hang"."""
    try:
        return subprocess.run([str(program)], cwd=ROOT, capture_output=True, timeout=120).returncode
    except subprocess.TimeoutExpired:
        return "hang"


def check_case(build, bug):
    """The case fails with the bug, and passes without; or a sentence that says what is wrong."""
    if not build.has_case(bug):
        return f"its case {bug.case} is not there"
    program, why = build.link(bug, program_of(bug))
    if why:
        return why
    if outcome(program) == 0:
        return f"its case {bug.case} passes with the bug planted"
    return None if outcome(f"{build.folder}/{program_of(bug)}") == 0 else f"its case {bug.case} fails without the bug"


def breaks_healthy(build, result):
    return hunt(pathlib.Path(build.folder) / HUNT, 0, 0, named=[f"{result[1]}:{result[2]}"])[3]


def shrink(build, bug, arguments, note):
    """Write the case of a bug anew, from the run of its note, or from the first seed that breaks what is expected. A sentence
    says why not."""
    program, why = build.link(bug, HUNT)
    shrinker, why_not = build.link(bug, SIM)
    if why or why_not:
        return None, why or why_not
    first, until = FIRST_SEED, time.monotonic() + arguments.seconds
    result = hunt(program, 0, 0, named=[note[0]]) if note else None
    if result and not result[3]:  # no longer
        result = None
    while not result or result[3] and (result[3] not in bug.expected or breaks_healthy(build, result)):
        result = hunt(program, until - time.monotonic(), first=first, named=bug.worlds.split())
        first = int(result[1]) + 1
    if not result[3]:
        return result, None
    command = [str(shrinker), "shrink", result[1], "--profile", result[2], "--runs", "1000000", "--seconds",
               str(arguments.shrink_seconds), "--out", f"tests/sim/{bug.case}.c"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(f"{bug.case}: {(done.stderr.splitlines() or ['?'])[-1]}", flush=True)
    if done.returncode:
        return result, "it cannot be shrunk"
    build.prepare_case(bug)
    return result, check_case(build, bug)


def look_for(build, bug, arguments, note):
    """(what a hunt says, a word on it, why it could not be)"""
    why = build.plant(bug)
    if not why and bug.case and "/" not in bug.case and arguments.shrink:
        result, why = shrink(build, bug, arguments, note)
        return result, "", why
    if arguments.plant:
        return (0, "", "", "planted", bug.sentence), "", why
    program, why = (None, why) if why else build.link(bug, HUNT)
    why = why or (check_case(build, bug) if bug.case else None)
    if why:
        return None, "", why
    if note:
        result, word = hunt_noted(program, bug, arguments.seconds, note)
    elif bug.case and arguments.from_notes:
        return (0, "", "", "case", f"by {bug.case}"), "", None
    else:
        result, word = hunt(program, arguments.seconds, named=bug.worlds.split()), ""
    if result[3] and result[3] not in bug.expected:
        word += f"  (expected {' '.join(sorted(bug.expected))})"
    if bug.case and not result[3]:  # the hunt ran out of time; the script needs none
        result = (result[0], "", "", "case", f"by {bug.case}")
    return result, word, None


def check_healthy(build, runs):
    """1 if the healthy program breaks something, too, in the runs that showed the bugs."""
    result = hunt(pathlib.Path(build.folder) / HUNT, 600, 0, named=runs)
    if result[3]:
        print(f"FAILED: the healthy program breaks {result[3]} with {result[1]}:{result[2]}: {result[4]}", flush=True)
        return 1
    print(f"{'(healthy)':34} {len(runs):5} runs  nothing found", flush=True)
    return 0


def report_areas(found):
    """How many of each area of the table, and the runs that each took."""
    for area in dict.fromkeys(bug.area for bug in BUGS):
        bugs = [bug for bug in BUGS if bug.area == area]
        took = [f"{bug.name} {found[bug.name]}" for bug in bugs if bug.name in found]
        if took:
            print(f"report: planted in {area}: {len(took)} of {len(bugs)} found, after so many runs: {', '.join(took)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=40, help="for one bug, before it counts as not found")
    parser.add_argument("--from-notes", action="store_true", help="begin with the runs of planted.seeds")
    parser.add_argument("--note", action="store_true", help="write planted.seeds anew")
    parser.add_argument("--shrink", action="store_true", help="write the cases of these bugs anew")
    parser.add_argument("--shrink-seconds", type=int, default=60, help="for one case")
    parser.add_argument("--plant", action="store_true", help="only see that each can be planted")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    bugs = [bug for bug in BUGS if not arguments.names or bug.name in arguments.names]
    builds = {False: Build(arguments.build, False), True: Build(f"{arguments.build}-san", True)}
    used = {sanitize: [bug for bug in bugs if bug.sanitize == sanitize] for sanitize in builds}
    for sanitize, build in builds.items():
        if used[sanitize]:
            build.prepare(used[sanitize], arguments.shrink)

    started = time.monotonic()
    notes, found, showed = read_notes(), {}, {False: [], True: []}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        def one(bug):
            return bug, *look_for(builds[bug.sanitize], bug, arguments, notes.get(bug.name) if arguments.from_notes else None)

        for bug, result, word, why in pool.map(one, bugs):
            if why:
                print(f"FAILED: {bug.name}: {why}", flush=True)
                continue
            runs, seed, profile, invariant, what = result
            if not invariant:
                print(f"FAILED: {bug.name}: not found in {runs} runs: {bug.sentence}{word}", flush=True)
                continue
            found[bug.name] = runs
            if seed:
                showed[bug.sanitize].append(f"{seed}:{profile}")
                notes[bug.name] = (f"{seed}:{profile}", runs)
            print(f"{bug.name:34} {runs:5} runs  {invariant:10} {what[:90]}{word}", flush=True)
    failures = sum(check_healthy(builds[sanitize], runs) for sanitize, runs in showed.items() if runs)
    if arguments.note:
        write_notes(notes)
    if not arguments.plant:
        report_areas(found)
    print(f"report: mutants {'planted' if arguments.plant else 'found'} {len(found)} of {len(bugs)}, the slowest after {max(found.values(), default=0)} runs, in "
          f"{time.monotonic() - started:.0f} s")
    failed = len(bugs) - len(found) + failures
    print(f"{len(found) + (failures == 0)} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
