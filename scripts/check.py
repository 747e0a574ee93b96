#!/usr/bin/python3
"""Runs the whole test suite, one line for each program, and ends with the sum: `N passed, M failed`.

A program counts its own tests: cmocka's closing lines, or a line `N passed, M failed`. One that dies, runs out of time or
counts nothing is a failure. What a program prints is shown only when it fails, except its lines `report: …`: figures that
somebody wants to see."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
PROJECT_CHECKS = ["includes", "headers", "exports", "undefined", "man", "shell", "readme", "install"]
SECONDS_MAX = {"unit": 300, "fault": 300, "fuzz": 300, "integration": 600, "acceptance": 900, "interop": 300, "project": 300, "sim": 300,
               "tsan": 300, "valgrind": 300, "mutants": 600, "determinism": 600}

SEEDS = ["run", "--seeds", "1..20000", "--profile", "mixed", "--jobs", "2", "--seconds", "60"]

# What libraries keep for ever is reachable, and no leak. What counts as an error is shown, too.
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect,possible"]

ONLY_PLAIN = ("fault", "tsan", "valgrind", "mutants", "determinism")  # stages of a build without sanitizers

REPORT = re.compile(r"^report: (.*)$", re.M)

# What the end of the check adds up: the phrase in a program's `report: ` line, and what is told of the sums. A figure
# that no program has reported is not told.
FIGURES = [
    (r"(\d+) seeds, ([\d.]+) hub-hours", "{0:.0f} seeds, {1:.0f} simulated hours"),
    (r"(\d+) crashes recovered", "{0:.0f} crashes recovered"),
    (r"allocation points failed: (\d+)", "{0:.0f} allocation points failed"),
    (r"(\d+) kills(?: under load)?, .*?(\d+) updates acknowledged as durable, (\d+) lost",
     "{0:.0f} kill cycles, {1:.0f} updates acknowledged as durable, {2:.0f} lost"),
    (r"(\d+) kills, \d+ updates, (\d+) acknowledged as durable, (\d+) of them not in the log exactly once",
     "{0:.0f} kills under load, {1:.0f} updates acknowledged as durable, {2:.0f} not in the log exactly once"),
    (r"inputs, (\d+) runs, (\d+) more with failing allocations", "{2:.0f} fuzz executions"),
    (r"(\d+) transcripts; input .*? twice in (\d+) .*? output .*? twice in (\d+) ",
     "{0:.0f} transcripts, two cuts of what is received in {1:.0f} ways, of what is written in {2:.0f}"),
    (r"mutants found (\d+) of (\d+)", "mutants found {0:.0f} of {1:.0f}"),
]
FAULTS = re.compile(r"^faults: (.*)$")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)
EXECUTIONS = re.compile(r"^report: \w+: \d+ inputs, (\d+) runs, (\d+) more with failing allocations$", re.M)
CMOCKA_PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)", re.M)
CMOCKA_RUN = re.compile(r"^\[==========\] (\d+) test\(s\) run", re.M)


def is_sanitised(build):
    """What interposes malloc, and what has a sanitizer of its own, is not there in a build with sanitizers."""
    return not (build / "tests/fault").is_dir()


def programs(build):
    """stage -> list of (name, command), in the order in which they run."""
    def compiled(folder):
        sources = sorted((ROOT / "tests" / folder).glob("test_*.c"))
        return [(s.stem, [str(build / "tests" / folder / s.stem)]) for s in sources]

    interop = ROOT / "tests" / "interop"
    scripts = [(p.name, [PYTHON, str(p)]) for p in sorted(interop.glob("*.py"))]
    scripts += [(p.name, ["node", str(p)]) for p in sorted(interop.glob("*.mjs"))]
    acceptance = [(p.name, [PYTHON, str(p)]) for p in sorted((ROOT / "tests" / "acceptance").glob("test_*.py"))]
    acceptance.append(("torture", [str(build / "tests/acceptance/torture"), "--wsmd", str(build / "bin/wsmd")]))
    acceptance.append(("mailboxes", [str(build / "tests/acceptance/mailboxes")]))
    scanners = [str(build / "tests/unit" / name) for name in ("test_proto_scan", "test_proto_scan_portable")]
    documents = [str(build / "tools/protodoc"), str(build / "tests/unit/test_proto_messages")]
    compared = [("compare_json.py", [PYTHON, str(ROOT / "tests/unit/compare_json.py"), *scanners]),
                ("compare_schema.py", [PYTHON, str(ROOT / "tests/unit/compare_schema.py"), *documents])]
    corpora = ROOT / "tests" / "fuzz" / "corpus"
    targets = sorted(p.stem for p in (ROOT / "tests" / "fuzz").glob("fuzz_*.c"))
    fuzzed = [(t, [str(build / "tests/fuzz" / t), str(corpora / t[5:])]) for t in targets]
    fuzzed += [(f"{t} --splits", [str(build / "tests/fuzz" / t), "--splits", str(corpora / t[5:])])
               for t in ("fuzz_client", "fuzz_frame_stream", "fuzz_http_upgrade")]
    sanitised = build.parent / (build.name + "-san") / "bin/wsm-sim"
    seeds = [("seeds", [str(build / "bin/wsm-sim"), *SEEDS])]
    if not is_sanitised(build):
        seeds.append(("seeds, sanitised", [str(sanitised), *SEEDS]))
    cases = sorted((ROOT / "tests/sim").glob("case_*.c"))
    simulated = [(s.stem, [str(build / "tests/sim" / s.stem)]) for s in cases]
    simulated += [("sim_reconnect", [str(build / "bin/sim_reconnect")])] + seeds
    threads = build.parent / (build.name + "-tsan")
    threaded = [(name, [str(threads / "tests" / name)]) for name in ("integration/test_threads", "unit/test_sqlite_worker")]
    threaded.append(("wsmd under load", [str(threads / "tests/acceptance/torture"), "--wsmd", str(threads / "bin/wsmd"),
                                         "--connections", "60", "--publishers", "30", "--seconds", "10", "--kills", "2"]))
    return {
        "project": [(n, [PYTHON, str(ROOT / "scripts" / f"check_{n}.py")]) for n in PROJECT_CHECKS],
        "unit": compiled("unit") + compared,
        "integration": compiled("integration"),
        "fault": compiled("fault"),
        "tsan": threaded,
        "valgrind": [(name, [*VALGRIND, str(build / "tests" / name)])
                     for name in ("integration/test_hub", "integration/test_uv_tls", "unit/test_client_client",
                                  "unit/test_sqlite_store")]
                    + [("wsmd", [PYTHON, str(ROOT / "scripts/valgrind.py"), "--short", "--build", str(build)])],
        "fuzz": fuzzed,
        "sim": simulated,
        "mutants": [("mutants", [PYTHON, str(ROOT / "tests/sim/mutants.py"), "--build", str(build),
                                  "--from-notes"])],
        "determinism": [("determinism", [PYTHON, str(ROOT / "tests/sim/determinism.py"), "--build", str(build)])],
        "interop": scripts,
        "acceptance": acceptance,
    }


def count(output):
    """(passed, failed) as the program itself says, or None."""
    plain = PLAIN.findall(output)
    if plain:
        return int(plain[-1][0]), int(plain[-1][1])
    passed = [int(n) for n in CMOCKA_PASSED.findall(output)]
    ran = [int(n) for n in CMOCKA_RUN.findall(output)]
    return (sum(passed), sum(ran) - sum(passed)) if ran else None


def run(command, environment, seconds_max, is_shown=False):
    """(passed, failed, seconds, output) of one program, with all that it started ended when its time is over. Its output can
    be shown while it runs."""
    began, lines, why = time.monotonic(), [], []
    try:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
    except OSError as wrong:
        return 0, 1, 0.0, f"cannot be started: {wrong}\n"

    def end():
        why.append(f"still running after {seconds_max} s")
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(seconds_max, end)
    timer.start()
    try:
        for line in process.stdout:
            lines.append(line.decode("utf-8", "replace"))
            if is_shown:
                print(lines[-1], end="", flush=True)
        process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:  # somebody interrupts us
            os.killpg(process.pid, signal.SIGKILL)
    output = "".join(lines)
    passed, failed = count(output) or (0, 0)
    if not why and process.returncode and not failed:
        why.append(f"ended with {process.returncode}")
    if not why and not passed and not failed:
        why.append("ran no test")
    if why:
        output += f"\n{why[0]}\n"
        failed += 1
    return passed, failed, time.monotonic() - began, output


def unreported(lines):
    """The figures that should be there after all stages, and that no program has reported."""
    wanted = [pattern for pattern, _ in FIGURES] + [FAULTS.pattern]
    return [pattern for pattern in wanted if not any(re.search(pattern, line) for line in lines)]


def summary(lines):
    """The block of figures at the end, from the report lines of all programs."""
    for pattern, sentence in FIGURES:
        found = [[float(n) for n in match.groups()] for match in (re.search(pattern, line) for line in lines) if match]
        if found:
            sums = [sum(column) for column in zip(*found)]
            yield sentence.format(*sums, sum(sums))
    faults = {}
    for match in filter(None, (FAULTS.match(line) for line in lines)):
        words = match[1].split()
        for kind, times in zip(words[::2], words[1::2]):
            faults[kind] = faults.get(kind, 0) + int(times)
    if faults:
        yield f"{sum(faults.values())} faults injected: " + ", ".join(f"{kind} {n}" for kind, n in faults.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="the build folder")
    parser.add_argument("stages", nargs="*", help="project, unit, integration, fault, tsan, valgrind, fuzz, sim, mutants, determinism, interop, acceptance; default: all")
    arguments = parser.parse_args()
    build = (ROOT / arguments.build).resolve()
    plan = programs(build)
    unknown = [s for s in arguments.stages if s not in plan]
    if unknown:
        parser.error(f"no such stage: {' '.join(unknown)}")

    environment = dict(os.environ, BUILD=str(build), WSM_BUILD=str(build))
    environment.setdefault("TSAN_OPTIONS", "exitcode=66 second_deadlock_stack=1")
    environment.pop("MAKEFLAGS", None)
    environment.pop("MAKELEVEL", None)
    passed = failed = 0
    reports = []
    stages = arguments.stages or [s for s in plan if not (is_sanitised(build) and s in ONLY_PLAIN)]
    if not arguments.stages and len(stages) < len(plan):
        print("not run:", ", ".join(s for s in plan if s not in stages), flush=True)
    for stage in stages:
        # What measures time or loads the machine runs alone.
        executions = 0
        workers = os.cpu_count() if stage in ("unit", "fault", "valgrind", "fuzz", "project") else 1
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            more = {**environment, "WSM_SLOW": "1"} if stage == "valgrind" else environment
            futures = [(name, pool.submit(run, command, more, SECONDS_MAX[stage])) for name, command in plan[stage]]
            for name, future in futures:
                good, bad, seconds, output = future.result()
                passed, failed = passed + good, failed + bad
                verdict = "ok    " if not bad else "FAILED"
                print(f"{verdict} {stage}/{name}: {good} passed, {bad} failed ({seconds:.1f} s)", flush=True)
                executions += sum(int(n) for pair in EXECUTIONS.findall(output) for n in pair)
                reports += REPORT.findall(output)
                for line in REPORT.findall(output):
                    print(f"       {line}", flush=True)
                if bad:
                    print("\n".join("    " + line for line in output.splitlines()[:300]), flush=True)
        if stage == "fuzz":
            print(f"report: fuzz executions: {executions}", flush=True)
    for i, line in enumerate(summary(reports)):
        print("in all: " if i == 0 else "        ", line, sep="")
    for pattern in unreported(reports) if len(stages) == len(plan) else []:
        failed += 1
        print(f"FAILED: no program has reported “{pattern}”")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
