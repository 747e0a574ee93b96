#!/usr/bin/python3
"""make bench: what libwsm costs, beside what the machine costs, from one run.

CPU time only, of the measured process alone, so that the other side and the scheduler do not count; figures of libwsm and of
the limit program are taken in turns, and compared pair by pair. The median is what counts; the least is printed beside it."""

import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECEIVERS = [100, 1000]
EXCHANGES = [256, 1024, 16384]
TARGET_ONE, TARGET_BURST = 1.15, 1.5
TARGET_CORE_HEAP, TARGET_UV_HEAP = 1536, 3072
TARGET_INBOUND_NS = 5000
COUNTED_AMONG, TARGET_MENTION_RATIO = [100, 1000, 10000, 100000, 1000000], 1.1


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
    return [float(word) for word in done.stdout.split()]


def row(what, median, least, target, unit, met):
    verdict = "" if target is None else "met" if met else "MISSED"
    shown = "" if target is None else target
    print(f"  {what:<52} {median:>9} {least:>9} {unit:<7} {shown:>9}  {verdict}", flush=True)
    return met or target is None


class Bench:
    def __init__(self, build, turns, ms):
        self.folder, self.turns, self.ms = build / "tests/bench", turns, ms
        self.missed = 0

    def compare(self, what, unit, values, target):
        """A figure with a target in its own unit."""
        median, least = statistics.median(values), min(values)
        shown = f"<= {target:g}" if target else None
        self.missed += not row(what, f"{median:.0f}", f"{least:.0f}", shown, unit, not target or median <= target)

    def fanout(self, receivers, exchange):
        drain = [self.folder / "drain", "fanout"]
        one, burst, ours, limits = [], [], [[], []], [[], []]
        for _ in range(self.turns):
            frame, our_one, our_burst = run(*drain, self.folder / "server", receivers, exchange, self.ms)
            _, limit_one, limit_burst = run(*drain, self.folder / "limit", receivers, exchange, self.ms, int(frame))
            one.append(our_one / limit_one)
            burst.append(our_burst / limit_burst)
            for values, value in zip(ours + limits, (our_one, our_burst, limit_one, limit_burst)):
                values.append(value)
        for n, (what, ratios, target) in enumerate((("one in flight", one, TARGET_ONE), ("bursts of 16", burst, TARGET_BURST))):
            label = f"{receivers} receivers, {exchange} B, {what}"
            row(f"{label}: libwsm", f"{statistics.median(ours[n]):.0f}", f"{min(ours[n]):.0f}", None, "ns", True)
            row(f"{label}: limit", f"{statistics.median(limits[n]):.0f}", f"{min(limits[n]):.0f}", None, "ns", True)
            ratio = statistics.median(ratios)
            self.missed += not row(f"{label}: ratio", f"{ratio:.2f}", f"{min(ratios):.2f}", f"<= {target}", "", ratio <= target)

    def all(self):
        head = f"  {'':<52} {'median':>9} {'least':>9} {'':<7} {'target':>9}"
        print("CPU time of the server per delivery, beside a loop that only sends the same bytes\n" + head)
        for receivers in RECEIVERS:
            for exchange in EXCHANGES:
                self.fanout(receivers, exchange)
        print("heap per idle connection\n" + head)
        core = run(self.folder / "idle", 1000)
        self.compare("core, eight of an agent", "bytes", core[:1], TARGET_CORE_HEAP)
        self.compare("core, each with an agent of its own", "bytes", core[1:], TARGET_CORE_HEAP)
        with_uv = [run(self.folder / "drain", "idle", self.folder / "server", 1000)[0] for _ in range(self.turns)]
        self.compare("with libwsm-uv (as malloc counts), each its own agent", "bytes", with_uv, TARGET_UV_HEAP)
        print("one update of 1 KiB, from bytes to a queued frame, in the core\n" + head)
        self.compare("one receiver", "ns", run(self.folder / "inbound", 1024, 5)[:-1], TARGET_INBOUND_NS)
        print("storm of 2000 reconnects, each with token, resume and a replay of 10 updates\n" + head)
        storms = [run(self.folder / "drain", "storm", self.folder / "server", 2000)[0] for _ in range(self.turns)]
        self.compare("CPU time of the server per reconnect", "ns", storms, None)
        print("sidebars, in one process without sockets")
        done = subprocess.run([str(self.folder / "sidebars"), "10000", "100"], capture_output=True, text=True, timeout=300)
        print("".join(f"  {line}\n" for line in done.stdout.splitlines()), end="")
        self.mentions()

    def mentions(self):
        print("mentions, in one process without sockets")
        done = subprocess.run([str(self.folder / "mention")], capture_output=True, text=True, timeout=900)
        print("".join(f"  {line}\n" for line in done.stdout.splitlines()), end="")
        self.instructions()

    def instructions(self):
        """What a mention does, counted by valgrind where that is there: no load of others and no cache has a say in it."""
        if not shutil.which("valgrind"):
            print("  no valgrind: the instructions of a mention are not counted")
            return
        counted = {agents: self.count(agents) for agents in COUNTED_AMONG}
        for agents, each in counted.items():
            print(f"  {'instructions of a routed mention, counted':<44} {agents:>9} {each:>10.0f}")
        ratio = counted[COUNTED_AMONG[-1]] / counted[COUNTED_AMONG[0]]
        self.missed += not row("instructions, most agents to fewest", f"{ratio:.2f}", f"{ratio:.2f}", f"<= {TARGET_MENTION_RATIO}",
                               "", ratio <= TARGET_MENTION_RATIO)

    def count(self, agents):
        done = subprocess.run(["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null",
                               str(self.folder / "mention"), "count", str(agents)], capture_output=True, text=True, timeout=1800)
        return int(re.search(r"Collected : (\d+)", done.stderr)[1]) / int(re.search(r"mentions (\d+)", done.stdout)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--turns", type=int, default=9, help="how often each pair is measured")
    parser.add_argument("--ms", type=int, default=200, help="how long each measurement lasts")
    parser.add_argument("--mentions", action="store_true", help="measure mentions alone")
    arguments = parser.parse_args()
    began = time.monotonic()
    bench = Bench((ROOT / arguments.build).resolve(), arguments.turns, arguments.ms)
    bench.mentions() if arguments.mentions else bench.all()
    print(f"{bench.missed} targets missed; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
