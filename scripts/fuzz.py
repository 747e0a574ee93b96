#!/usr/bin/python3
"""Fuzzes with libFuzzer, and keeps what it finds.

    fuzz.py --build build-fuzz --seconds N [TARGET...]

The seconds are shared out among the targets; building, merging, and a corpus that takes longer than its target's share
come on top. Each starts from its corpus (tests/fuzz/corpus/TARGET) and the seeds that
tests/fuzz/seeds.py makes of the tests; what adds coverage is then merged into the corpus, smallest first (-merge=1). An input
that breaks an expectation, takes too long or too much memory is put into the corpus too, where `make check` will find it; the
target goes on with what is left of its share, and the run ends with an error. So it does where a target executed nothing, or
ended or merged with an error of its own. Transcripts with a name (rfc6455-...) are never merged away."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
DICTS = ROOT / "tests" / "fuzz" / "dict"
INPUT_MAX, RSS_MB, TIMEOUT_S = 65536, 256, 5
SLOW = {"sim_choices": 120, "sim_session": 30, "sqlite_file": 15}  # seconds that one input may take: whole runs, a thread
STREAMS = ("client", "frame_stream", "http_upgrade")  # cut in every two places (splits.py): the corpus takes short ones
STREAM_MAX = 500
FINDINGS_MAX = 5  # of one target in one run
FOUND = re.compile(r"^(crash|timeout|oom|leak)-")


def run(command, environment):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def executed(text):
    last = re.search(r"number_of_executed_units:\s*(\d+)", text)
    return int(last.group(1)) if last else max((int(n) for n in re.findall(r"^#(\d+)", text, re.M)), default=0)


def fuzz(program, name, seconds, work, environment):
    """(executions, findings, whether it ended as it should) of one target. libFuzzer ends with its first finding, and then
    begins anew, unless it finds the same again."""
    corpus, fresh, found = CORPUS / name, work / name, work / f"{name}-found"
    for folder in (corpus, fresh, found, work / "seeds" / name):
        folder.mkdir(parents=True, exist_ok=True)
    for named in (work / "seeds" / name).glob("rfc6455-*"):
        shutil.copy(named, corpus / named.name)
    common = [str(program), f"-max_len={INPUT_MAX}", f"-rss_limit_mb={RSS_MB}", f"-timeout={SLOW.get(name, TIMEOUT_S)}", f"-artifact_prefix={found}/"]
    dictionary = DICTS / f"{name}.dict"
    if dictionary.is_file():
        common.append(f"-dict={dictionary}")
    runs, findings, end, is_sound = 0, set(), time.monotonic() + seconds, True
    while (left := round(end - time.monotonic())) > 0 and len(findings) < FINDINGS_MAX:
        done = run(common + [f"-max_total_time={left}", "-print_final_stats=1", "-reload=0", str(fresh), str(corpus),
                             str(work / "seeds" / name)], environment)
        text = done.stderr.decode("utf-8", "replace")
        runs += executed(text)
        more = {p for p in found.iterdir() if FOUND.match(p.name)} - findings
        findings |= more
        if done.returncode or more:
            print(text[-3000:])
        if done.returncode and not more:
            is_sound = bool(findings)
            print(f"fuzz: {name} ended with {done.returncode}" + ("" if not findings else ", at what it had found before"))
        if not more:
            break
    for finding in findings:
        shutil.copy(finding, corpus / finding.name)
    return runs, sorted(findings), is_sound and runs > 0


def merge(program, name, work, environment, minimise):
    """Adds to the corpus what covers something new: (how many, files, bytes, whether it went well). With `minimise` the corpus
    itself is gone through again."""
    corpus, fresh = CORPUS / name, work / name
    sources = [fresh, work / "seeds" / name]
    if minimise:
        old = work / f"{name}-old"
        old.mkdir()
        for path in corpus.iterdir():
            if not path.name.startswith(("rfc6455-", "session-", "output-", "crash-", "timeout-", "oom-", "leak-", "bug-")):
                path.rename(old / path.name)
        sources.append(old)
    if name in STREAMS:
        for source in sources:
            for path in source.iterdir():
                if path.stat().st_size > STREAM_MAX:
                    path.unlink()
    before = len(list(corpus.iterdir()))
    done = run([str(program), "-merge=1", "-use_counters=0", f"-max_len={INPUT_MAX}", "-rss_limit_mb=1024", f"-artifact_prefix={work}/", f"-timeout={SLOW.get(name, TIMEOUT_S)}", str(corpus),
         *map(str, sources)], environment)
    if done.returncode:
        print(done.stderr.decode("utf-8", "replace")[-3000:])
        print(f"fuzz: merging {name} ended with {done.returncode}")
    files = list(corpus.iterdir())
    return len(files) - before, len(files), sum(p.stat().st_size for p in files), done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--minimise", action="store_true", help="go through the whole corpus again, and keep the least of it")
    parser.add_argument("targets", nargs="*")
    arguments = parser.parse_args()
    folder = ROOT / arguments.build / "tests" / "fuzz"
    names = arguments.targets or sorted(p.stem[5:] for p in (ROOT / "tests" / "fuzz").glob("fuzz_*.c"))
    missing = [name for name in names if not (folder / f"fuzz_{name}").is_file()]
    if missing:
        parser.error(f"no such target in {folder}: {' '.join(missing)}")
    environment = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=8:detect_leaks=1", UBSAN_OPTIONS="print_stacktrace=1")
    share = max(1, arguments.seconds // len(names))
    total, bad, broken, begun = 0, 0, [], time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        subprocess.run([sys.executable, str(ROOT / "tests" / "fuzz" / "seeds.py"), str(work / "seeds")], check=True, stdout=subprocess.DEVNULL)
        for name in names:
            program, began = folder / f"fuzz_{name}", time.monotonic()
            runs, findings, is_sound = fuzz(program, name, share, work, environment)
            merging = time.monotonic()
            more, files, size, is_merged = merge(program, name, work, environment, arguments.minimise)
            total, bad = total + runs, bad + len(findings)
            if not is_sound or not is_merged:
                broken.append(name)
            print(f"{name}: {runs} executions in {merging - began:.0f} s, {len(findings)} findings; {more} inputs more after"
                  f" {time.monotonic() - merging:.0f} s of merging; corpus {files} files, {size} bytes", flush=True)
    print(f"report: fuzz executions: {total}")
    if broken:
        print(f"fuzz: these did not run as they should: {' '.join(broken)}")
    is_bad = bad or broken
    print(f"fuzz: {'FAILED' if is_bad else 'ok'}: {total} executions of {len(names)} targets, {bad} findings, in {time.monotonic() - begun:.0f} s")
    sys.exit(1 if is_bad else 0)


if __name__ == "__main__":
    main()
