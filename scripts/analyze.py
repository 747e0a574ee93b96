#!/usr/bin/python3
"""Static analysis of the library and the examples: clang-tidy with the file .clang-tidy, and gcc's -fanalyzer.

Nothing may be found. What a tool gets wrong is answered where it stands, with the reason: `NOLINT(check): why` for
clang-tidy, `NOLINT(gcc-analyzer): why`, on the line or the one before, for gcc. A NOLINT without a reason is an error."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["lib", "examples"]
SECONDS_MAX = 300
# gcc 12 loses sight of a block that is linked into a list or handed to uv_write, and calls it lost. Leaks are found by
# running: LeakSanitizer, and the loops over failing allocations.
GCC = ["-O2", "-fanalyzer", "-Wno-analyzer-malloc-leak", "-c", "-o", os.devnull]
GCC_FOUND = re.compile(r"^(\S+?):(\d+):\d+: warning: (.*) \[.*-Wanalyzer-", re.M)
TIDY_FOUND = re.compile(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$", re.M)


def sources():
    return sorted(p.relative_to(ROOT) for folder in FOLDERS for p in (ROOT / folder).rglob("*.c"))


def flags(source, build):
    options = ["-std=c11", "-Iinclude", f"-I{build}/gen"]
    return options if source.parts[0] == "examples" else options + ["-iquote", "lib"]


def run(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS_MAX)
    return done.stdout + done.stderr


def is_answered(path, line):
    lines = (ROOT / path).read_text().splitlines()
    return any("NOLINT(gcc-analyzer)" in text for text in lines[max(line - 2, 0):line])


def gcc(source, build):
    output = run(["gcc", *flags(source, build), *GCC, str(source)])
    found = [(path, int(line), what) for path, line, what in GCC_FOUND.findall(output)]
    return [f"{path}:{line}: {what} (gcc)" for path, line, what in found if not is_answered(path, line)]


def tidy(source, build):
    output = run(["clang-tidy", "--quiet", str(source), "--", *flags(source, build)])
    return [f"{os.path.relpath(path, ROOT)}:{line}: {what}" for path, line, what in TIDY_FOUND.findall(output)]


def reasons(source, _):
    """NOLINTs that say no reason."""
    lines = enumerate((ROOT / source).read_text().splitlines(), 1)
    return [f"{source}:{n}: NOLINT without a reason" for n, text in lines
            if "NOLINT" in text and not re.search(r"NOLINT\w*\([\w.,-]+\): \S", text)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="the build folder, for generated headers")
    parser.add_argument("--without-gcc", action="store_true", help="clang-tidy only, which takes seconds")
    arguments = parser.parse_args()
    files = sources()
    checks = (tidy, reasons) if arguments.without_gcc else (tidy, gcc, reasons)
    jobs = [(check, source) for check in checks for source in files]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda job: job[0](job[1], arguments.build), jobs)
        bad = {job: found for job, found in zip(jobs, results) if found}
    for line in sorted({line for found in bad.values() for line in found}):
        print(line)
    print(f"{len(jobs) - len(bad)} passed, {len(bad)} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
