#!/usr/bin/python3
"""Fuzzes with libFuzzer, and keeps what it finds.

    fuzz.py --build build-fuzz --seconds N [TARGET...]

The seconds are shared out among the targets. Each starts from its corpus (tests/fuzz/corpus/TARGET) and the seeds that
tests/fuzz/seeds.py makes of the tests; what adds coverage is then merged into the corpus, smallest first (-merge=1). An input
that breaks an expectation, takes too long or too much memory is put into the corpus too, where `make check` will find it, and
the run ends with an error. Transcripts with a name (rfc6455-...) are never merged away."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
DICTS = ROOT / "tests" / "fuzz" / "dict"
INPUT_MAX, RSS_MB, TIMEOUT_S = 65536, 256, 5
SLOW = {"sim_choices": 120, "sim_session": 30, "sqlite_file": 15}  # seconds that one input may take: whole runs, a thread
STREAMS = ("client", "frame_stream", "http_upgrade")  # cut in every two places (splits.py): the corpus takes short ones
STREAM_MAX = 500
FOUND = re.compile(r"^(crash|timeout|oom|leak)-")


def run(command, environment):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def fuzz(program, name, seconds, work, environment):
    """(executions, what was found) of one target."""
    corpus, fresh, found = CORPUS / name, work / name, work / f"{name}-found"
    for folder in (corpus, fresh, found, work / "seeds" / name):
        folder.mkdir(parents=True, exist_ok=True)
    for named in (work / "seeds" / name).glob("rfc6455-*"):
        shutil.copy(named, corpus / named.name)
    common = [str(program), f"-max_len={INPUT_MAX}", f"-rss_limit_mb={RSS_MB}", f"-timeout={SLOW.get(name, TIMEOUT_S)}", f"-artifact_prefix={found}/"]
    dictionary = DICTS / f"{name}.dict"
    if dictionary.is_file():
        common.append(f"-dict={dictionary}")
    done = run(common + [f"-max_total_time={seconds}", "-print_final_stats=1", "-reload=0", str(fresh), str(corpus),
                         str(work / "seeds" / name)], environment)
    text = done.stderr.decode("utf-8", "replace")
    executed = re.search(r"number_of_executed_units:\s*(\d+)", text)
    runs = int(executed.group(1)) if executed else max((int(n) for n in re.findall(r"^#(\d+)", text, re.M)), default=0)
    findings = sorted(p for p in found.iterdir() if FOUND.match(p.name))
    for finding in findings:
        shutil.copy(finding, corpus / finding.name)
    if done.returncode and not findings:
        print(text[-3000:])
        sys.exit(f"fuzz: {name} ended with {done.returncode}")
    if findings:
        print(text[-3000:])
    return runs, findings


def merge(program, name, work, environment, minimise):
    """Adds to the corpus what covers something new. With `minimise` the corpus itself is gone through again."""
    corpus, fresh = CORPUS / name, work / name
    sources = [fresh, work / "seeds" / name]
    if minimise:
        old = work / f"{name}-old"
        old.mkdir()
        for path in corpus.iterdir():
            if not path.name.startswith(("rfc6455-", "session-", "crash-", "timeout-", "oom-", "leak-", "bug-")):
                path.rename(old / path.name)
        sources.append(old)
    if name in STREAMS:
        for source in sources:
            for path in source.iterdir():
                if path.stat().st_size > STREAM_MAX:
                    path.unlink()
    before = len(list(corpus.iterdir()))
    run([str(program), "-merge=1", "-use_counters=0", f"-max_len={INPUT_MAX}", f"-rss_limit_mb=1024", f"-timeout={SLOW.get(name, TIMEOUT_S)}", str(corpus),
         *map(str, sources)], environment)
    files = list(corpus.iterdir())
    return len(files) - before, len(files), sum(p.stat().st_size for p in files)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--minimise", action="store_true", help="go through the whole corpus again, and keep the least of it")
    parser.add_argument("targets", nargs="*")
    arguments = parser.parse_args()
    folder = ROOT / arguments.build / "tests" / "fuzz"
    names = arguments.targets or sorted(p.stem[5:] for p in (ROOT / "tests" / "fuzz").glob("fuzz_*.c"))
    environment = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=8:detect_leaks=1", UBSAN_OPTIONS="print_stacktrace=1")
    share = max(1, arguments.seconds // len(names))
    total, bad = 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        subprocess.run([sys.executable, str(ROOT / "tests" / "fuzz" / "seeds.py"), str(work / "seeds")], check=True, stdout=subprocess.DEVNULL)
        for name in names:
            program = folder / f"fuzz_{name}"
            runs, findings = fuzz(program, name, share, work, environment)
            more, files, size = merge(program, name, work, environment, arguments.minimise)
            total, bad = total + runs, bad + len(findings)
            print(f"{name}: {runs} executions in {share} s, {len(findings)} findings, {more} inputs more; corpus {files} files, {size} bytes", flush=True)
    print(f"report: fuzz executions: {total}")
    print(f"fuzz: {'FAILED' if bad else 'ok'}: {total} executions of {len(names)} targets, {bad} findings")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
