#!/usr/bin/python3
"""How much of the library runs: lines and branches of each file of lib/, as gcov counts them.

    coverage.py --build build-cov [--run corpus|all] [--expect]

The fuzz corpus runs first, alone, and the parser files are listed with the targets: 95 % of lines, 90 % of branches, in each
of them (with --expect, one below them is an error). With `all` the units, the integration tests and the simulator's cases run
then, and every file of lib/ is listed, those that nothing has run too. Assertions have branches that no test takes, and so
have calls that end a loop of a switch; they count as they are, as missed. What only a failing allocation reaches counts as
well: the driver runs each input with its allocations failing. A program that fails is an error in any case."""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

import check

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_WANTED, BRANCHES_WANTED = 95.0, 90.0
SECONDS_MAX = 1800  # of one program: nothing is optimised, and every branch counts

# What reads bytes that others have written.
PARSERS = """lib/auth/claims.c lib/auth/claims_json.c lib/auth/jwt.c lib/proto/decode.c lib/proto/field.c lib/proto/json.c
lib/proto/json_public.c lib/proto/json_text.c lib/proto/json_walk.c lib/proto/messages.c lib/proto/record.c lib/proto/scan.c
lib/route/mention.c lib/util/base64.c lib/util/utf8.c lib/util/slice.c lib/wire/http.c lib/wire/upgrade.c lib/wire/ws.c lib/wire/link.c
lib/hub/handshake.c lib/client/handshake.c lib/client/session.c""".split()


def corpora(build):
    fuzz = ROOT / "tests" / "fuzz"
    return [[str(build / "tests/fuzz" / p.stem), str(fuzz / "corpus" / p.stem[5:])] for p in sorted(fuzz.glob("fuzz_*.c"))]


def tests(build):
    found = [p for folder, names in (("unit", "test"), ("integration", "test"), ("sim", "case"))
             for p in sorted((ROOT / "tests" / folder).glob(f"{names}_*.c"))]
    return [[str(build / p.relative_to(ROOT).with_suffix(""))] for p in found]


def run(build, what, commands, workers):
    """How many of the programs failed; the counters of all add up. Inputs of fuzz targets share out the processors, tests
    measure time and run alone."""
    environment = dict(os.environ, BUILD=str(build), WSM_BUILD=str(build))
    passed, wrong, began = 0, 0, time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for command, done in zip(commands, pool.map(lambda c: check.run(c, environment, SECONDS_MAX), commands)):
            good, bad, seconds, output = done
            passed, wrong = passed + good, wrong + (bad > 0)
            if bad:
                print(f"FAILED {' '.join(command)}: {good} passed, {bad} failed\n{output[-2000:]}", flush=True)
            elif seconds >= 20:
                print(f"{pathlib.Path(command[0]).name} took {seconds:.0f} s", flush=True)
    print(f"{what}: {len(commands)} programs, {wrong} of them failed, {passed} tests passed, in {time.monotonic() - began:.0f} s", flush=True)
    return wrong


def counted(build):
    """file -> line -> [times run, [times of each branch]], over all objects that hold the file."""
    files = collections.defaultdict(dict)
    notes = sorted(str(p) for p in (build / "obj" / "lib").rglob("*.gcno"))  # one that never ran has no .gcda
    for at in range(0, len(notes), 50):
        output = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *notes[at:at + 50]],
                                cwd=ROOT, capture_output=True, check=True).stdout
        for text in output.decode().splitlines():
            if not text.strip():
                continue
            for file in json.loads(text)["files"]:
                name = os.path.relpath(ROOT / file["file"], ROOT)
                if not name.startswith("lib/"):
                    continue
                for line in file["lines"]:
                    branches = [b["count"] for b in line["branches"]]
                    known = files[name].setdefault((line.get("function_name", ""), line["line_number"]), [0, [0] * len(branches)])
                    known[0] += line["count"]
                    known[1] = [a + b for a, b in zip(known[1], branches)] if len(known[1]) == len(branches) else branches
    return files


def figures(lines):
    branches = [b for _, row in lines.values() for b in row]
    return (sum(1 for count, _ in lines.values() if count), len(lines), sum(1 for b in branches if b), len(branches))


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def is_met(counts):
    return percent(counts[0], counts[1]) >= LINES_WANTED and percent(counts[2], counts[3]) >= BRANCHES_WANTED


def report(files, wanted, expected=False):
    """How many of the files are below what is wanted, which is told of each if it is expected of them."""
    total, below = [0, 0, 0, 0], 0
    print(f"{'file':34} {'lines':>16} {'branches':>20}")
    for name in wanted:
        mine = figures(files.get(name, {}))
        total = [a + b for a, b in zip(total, mine)]
        is_below = mine[1] == 0 or not is_met(mine)
        below += is_below
        print(row(name, mine) + ("  BELOW" if expected and is_below else ""))
    print(row("all of these", total), flush=True)
    return below


def row(name, counts):
    return (f"{name:34} {counts[0]:5}/{counts[1]:<5}{percent(counts[0], counts[1]):5.1f}"
            f" {counts[2]:7}/{counts[3]:<6}{percent(counts[2], counts[3]):5.1f}")


def missed(files, names):
    for name in names:
        for (_, number), (count, branches) in sorted(files.get(name, {}).items(), key=lambda item: item[0][1]):
            if count == 0 or 0 in branches:
                text = (ROOT / name).read_text().splitlines()[number - 1].strip()
                print(f"{name}:{number}: {'never' if count == 0 else str(branches)}: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-cov")
    parser.add_argument("--run", choices=["corpus", "all"], default="all")
    parser.add_argument("--expect", action="store_true")
    parser.add_argument("--missed", action="store_true", help="list the lines and branches that did not run")
    arguments = parser.parse_args()
    build = (ROOT / arguments.build).resolve()
    if not any((build / "obj" / "lib").rglob("*.gcno")):
        parser.error(f"nothing in {build} was built with --coverage: `make coverage` does")
    for old in build.rglob("*.gcda"):
        old.unlink()
    workers = len(os.sched_getaffinity(0))
    failed = run(build, "fuzz corpus", corpora(build), workers)
    files = counted(build)
    print("The fuzz corpus alone, what reads bytes of others:")
    below = report(files, PARSERS, True)
    if arguments.missed:
        missed(files, PARSERS)
    print(f"wanted of each: {LINES_WANTED:g} % of lines, {BRANCHES_WANTED:g} % of branches: "
          + (f"MISSED by {below} of {len(PARSERS)}" if below else f"met by all {len(PARSERS)}"))
    if arguments.run == "all":
        failed += run(build, "units, integration tests, cases of the simulator", tests(build), 1)
        files = counted(build)
        print("All of these and the fuzz corpus, all of lib/:")
        report(files, sorted(n for n in files if n.endswith(".c")))
    is_bad = failed or (arguments.expect and below)
    print(f"coverage: {'FAILED' if is_bad else 'ok'}: {failed} programs failed, {below} of {len(PARSERS)} parser files below the targets")
    sys.exit(1 if is_bad else 0)


if __name__ == "__main__":
    main()
