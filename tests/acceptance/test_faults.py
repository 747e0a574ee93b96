#!/usr/bin/python3
"""wsmd when things go wrong around it: killed at any instant, a disk that is full, files that may not be written, bytes
of its database that are not what it wrote. It may refuse to start, with a sentence; it never crashes, never serves
other bytes than it was given, and never loses what it acknowledged.

WSM_KILL_CYCLES and WSM_FLIPS say how often (25 and 30)."""

import asyncio
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import test_wsmd
from test_wsmd import PATIENCE_S, WSMD, Server, clean_environment, mint, read

KILL_CYCLES = int(os.environ.get("WSM_KILL_CYCLES", "25"))
FLIPS = int(os.environ.get("WSM_FLIPS", "30"))
UUID = "0190f6a5-0000-7000-8000-%012x"
NOBODY = 65534


def pages(server, token):
    """Every update that the server has: offset -> message."""
    found, after = {}, 0
    while True:
        page = server.page(token, after=after, limit=1000)
        found.update({message["offset"]: message for message in page["exchanges"]})
        if not page["more"]:
            return found
        after = page["next_after"]


def digest(folder):
    """What the database is made of; the lock and the shared memory beside it are nobody's content."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())
            if path.name.startswith("log.db") and not path.name.endswith((".lock", "-shm"))}


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = self.folder / "data"


class Kills(Folder):
    def store_until_killed(self, server, token, who, acked, sent):
        """One agent that stores, and stores the same again when it had no answer."""
        while server.process.poll() is None:
            number = sent[who] + 1
            try:
                reply = server.store(token, {"who": who, "number": number}, message_id=UUID % (who * 1000000 + number))
            except OSError:
                return
            except Exception as error:  # half an answer, because the server is gone
                if server.process.poll() is None:
                    raise error
                return
            if reply.status == 200:
                if reply.json["durable"]:
                    acked[(who, number)] = reply.json["offset"]
                sent[who] = number

    def test_nothing_acknowledged_is_lost_by_kill_9_at_any_instant(self):
        draw = random.Random(20261125)
        acked, sent = {}, dict.fromkeys(range(4), 0)
        tokens = [mint(self.data, "--agent", f"agent-{who}") for who in sent]
        for _ in range(KILL_CYCLES):
            with Server(self.data, agent_messages_per_s=0) as server:
                threads = [threading.Thread(target=self.store_until_killed, args=(server, tokens[who], who, acked, sent))
                           for who in sent]
                for thread in threads:
                    thread.start()
                time.sleep(draw.uniform(0.0, 0.4))
                server.kill()
                for thread in threads:
                    thread.join()
        with Server(self.data) as server:
            kept = pages(server, tokens[0])
        texts = [(message["exchange"]["who"], message["exchange"]["number"]) for message in kept.values()]
        self.assertEqual(len(set(texts)), len(texts), "something is in the log twice")
        self.assertEqual([message["seq"] for message in kept.values()], list(range(1, len(kept) + 1)))
        where = {text: offset for text, offset in zip(texts, kept)}
        lost = {text: offset for text, offset in acked.items() if where.get(text) != offset}
        self.assertEqual(lost, {})
        self.assertGreater(len(acked), KILL_CYCLES)
        print(f"\nreport: {KILL_CYCLES} kills under load, {len(acked)} updates acknowledged as durable, {len(lost)} lost")

    def test_a_start_that_is_killed_is_started_again(self):
        draw = random.Random(7)
        for _ in range(KILL_CYCLES):  # most of them while the database is being made, or opened
            process = subprocess.Popen([WSMD, "--data", str(self.data), "--listen", "127.0.0.1:0"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment())
            time.sleep(draw.uniform(0.0, 0.06))
            process.kill()
            process.wait()
        with Server(self.data) as server:
            self.assertEqual(server.store(server.token("ada"), 1).status, 200)


class LimitedServer(Server):
    """A server whose files may not grow beyond `bytes_max`: a write then fails, as on a full disk."""

    def __init__(self, data, bytes_max):
        self.bytes_max = bytes_max
        popen = subprocess.Popen
        subprocess.Popen = lambda *args, **more: popen(*args, preexec_fn=self.limit, **more)
        try:
            super().__init__(data, agent_messages_per_s=0)
        finally:
            subprocess.Popen = popen

    def limit(self):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # kept over the exec
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.bytes_max, resource.RLIM_INFINITY))

    def lift(self):
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Disk(Folder):
    def test_a_full_disk_refuses_stores_and_serves_what_it_has_until_there_is_room(self):
        token, text = mint(self.data, "--agent", "ada"), "x" * 4000
        acked = {}
        with LimitedServer(self.data, 300000) as server:
            refused = 0
            for number in range(400):
                reply = server.store(token, {"number": number, "text": text})
                if reply.status == 200:
                    acked[reply.json["offset"]] = number
                else:
                    refused += 1
                    self.assertEqual((reply.status, reply.error["code"]), (503, "store_failed"), reply.body)
                if refused == 5:
                    break
            self.assertGreater(len(acked), 10)
            self.assertEqual(refused, 5)
            self.assertEqual(server.ask("GET", "/healthz").status, 200)
            shown = pages(server, token)
            self.assertEqual({offset: shown[offset]["exchange"]["number"] for offset in acked}, acked)
            server.lift()
            deadline = time.monotonic() + PATIENCE_S
            while True:
                reply = server.store(token, {"number": 1000, "text": text})
                if reply.status == 200:
                    break
                self.assertLess(time.monotonic(), deadline, reply.body)
                time.sleep(0.1)
            acked[reply.json["offset"]] = 1000
            server.kill()
        with Server(self.data) as server:
            kept = pages(server, token)
            self.assertEqual({offset: kept[offset]["exchange"]["number"] for offset in acked}, acked)

    @unittest.skipUnless(os.getuid() == 0, "only root can give files away")
    def test_what_may_not_be_written_is_refused_and_left_as_it_is(self):
        with Server(self.data) as server:
            server.store(server.token("ada"), 1)
            server.end()
        self.folder.chmod(0o755)
        program = shutil.copy(WSMD, self.folder)  # where the tree lies, nobody need be allowed to look
        for path in (self.data, *self.data.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        for what, mode in ((self.data / "log.db", 0o400), (self.data, 0o500)):
            with self.subTest(what=what.name):
                before, usual = digest(self.data), what.stat().st_mode
                what.chmod(mode)
                done = subprocess.run([program, "--data", str(self.data), "--listen", "127.0.0.1:0"], capture_output=True,
                                      text=True, timeout=PATIENCE_S, env=clean_environment(), user=NOBODY, group=NOBODY)
                what.chmod(usual)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("wsmd: ", done.stderr)
                self.assertIn("log.db", done.stderr)
                self.assertEqual(digest(self.data), before)


class Damage(Folder):
    """Bytes of the database change while the server is down."""

    RECORDS = 60

    def setUp(self):
        super().setUp()
        self.original = self.folder / "original"
        draw = random.Random(1)
        with Server(self.original, agent_messages_per_s=0, snapshot_records=20) as server:
            self.token = server.token("ada")
            for number in range(self.RECORDS):
                reply = server.store(self.token, {"number": number, "text": "y" * draw.randrange(20, 900)})
                self.assertEqual(reply.status, 200)
            self.told = pages(server, self.token)
            self.epoch = server.page(self.token)["epoch"]
            self.assertEqual(server.end(), 0)

    def damaged(self, draw):
        """A copy of the data with some bytes of the database changed."""
        data = self.folder / "damaged"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self.original, data, ignore=shutil.ignore_patterns("*.lock"))
        database = bytearray((data / "log.db").read_bytes())
        kind, at = draw.choice(("bit", "bit", "byte", "sector")), draw.randrange(len(database))
        if kind == "bit":
            database[at] ^= 1 << draw.randrange(8)
        elif kind == "byte":
            database[at] ^= draw.randrange(1, 256)
        else:
            at -= at % 512
            database[at:at + 512] = bytes(512)
        (data / "log.db").write_bytes(database)
        return data, f"{kind} at {at}"

    async def replay(self, server):
        """What somebody is told who has seen nothing: the records, and the offsets that a gap covers."""
        seen, gaps = {}, []
        async with server.connect(self.token, self.epoch, 0) as client:
            while True:
                message = json.loads(await asyncio.wait_for(client.recv(), PATIENCE_S))
                if message["type"] == "memory_update":
                    seen[message["offset"]] = message
                elif message["type"] == "gap":
                    gaps.append((message["from_offset"], message["to_offset"]))
                elif message["type"] == "replay_end" or message.get("resume") in ("none", "resync"):
                    return seen, gaps, message["type"] == "replay_end"

    def check_runs(self, server, what):
        for shown in (pages(server, self.token), None):
            gaps, is_replayed = [], False
            if shown is None:
                shown, gaps, is_replayed = asyncio.run(self.replay(server))
            for offset, message in shown.items():
                self.assertEqual(message["exchange"], self.told.get(offset, {}).get("exchange"), what)
            missing = [offset for offset in self.told if offset not in shown]
            if is_replayed:
                silent = [o for o in missing if not any(first <= o <= last for first, last in gaps)]
                self.assertEqual(silent, [], f"{what}: lost in silence")
        reply = server.store(self.token, {"number": "after"})
        self.assertIn(reply.status, (200, 503), what)
        self.assertEqual(server.end(), 0, what)
        return len(missing)

    def test_damaged_bytes_are_never_served_and_never_a_crash(self):
        draw = random.Random(20261125)
        refused = unharmed = quarantined = 0
        for _ in range(FLIPS):
            data, what = self.damaged(draw)
            before = digest(data)
            try:
                server = Server(data)
            except AssertionError as error:
                log = (data.parent / "damaged.log").read_text()
                self.assertRegex(log.splitlines()[-1], r"^wsmd: .*log\.db", f"{what}: {error}")
                self.assertEqual(digest(data), before, f"{what}: refused, and changed")
                refused += 1
            else:
                with server:
                    missing = self.check_runs(server, what)
                quarantined += missing > 0
                unharmed += missing == 0
            (data.parent / "damaged.log").unlink(missing_ok=True)
        print(f"\nreport: {FLIPS} damaged databases: {refused} refused with a sentence and untouched, {quarantined} served with "
              f"gaps, {unharmed} served whole; 0 altered bytes")


if __name__ == "__main__":
    sys.exit(test_wsmd.main(sys.modules[__name__]))
