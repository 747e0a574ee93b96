#!/usr/bin/python3
"""wsmcat and echo from the outside: their command lines, and a conversation of wsmcat with the real server."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from tally import Tally  # noqa: E402

BIN = pathlib.Path(os.environ.get("BUILD", ROOT / "build")) / "bin"
PATIENCE_S = 30

# Program, its arguments, its exit status, what stderr tells.
COMMAND_LINES = [
    ("wsmcat", ["--help"], 0, ""),
    ("wsmcat", ["--nope"], 2, "unknown option: --nope"),
    ("wsmcat", ["url"], 2, "unknown option: url"),
    ("wsmcat", ["--pretty", "--url"], 2, "a value is missing: --url"),
    ("wsmcat", ["--token", "a", "--token-file", "b"], 2, "--token and --token-file"),
    ("wsmcat", ["--epoch", "0123456789abcdef"], 2, "--epoch and --after"),
    ("wsmcat", ["--epoch", "0123", "--after", "1"], 2, "not 16 hex digits: 0123"),
    ("wsmcat", ["--epoch", "0123456789abcdef", "--after", "-1"], 2, "not a number: -1"),
    ("wsmcat", ["--token-file", "/nonexistent", "--no-reconnect"], 2, "/nonexistent: cannot open it"),
    ("wsmcat", ["--url", "ws://127.0.0.1:1/ws", "--no-reconnect"], 3, "connection refused"),
    ("wsmcat", ["--url", "http://127.0.0.1:1/ws"], 2, "--url: expected ws://"),
    ("wsmcat", ["--url", "wss://127.0.0.1:1/ws"], 2, "--ca FILE"),
    ("wsmcat", ["--epoch", "0123456789ABCDEF", "--after", "1"], 2, "--epoch: expected 16 hex digits"),
    ("wsm-sim", ["--help"], 0, ""),
    ("wsm-sim", [], 2, "expected a command"),
    ("wsm-sim", ["nope"], 2, "no such command"),
    ("wsm-sim", ["replay"], 2, "expected a SEED"),
    ("wsm-sim", ["run", "--nope", "1"], 2, "an option is unknown"),
    ("echo", ["--help"], 0, ""),
    ("echo", ["--nope", "x"], 2, "unknown option: --nope"),
    ("echo", ["--listen"], 2, "a value is missing: --listen"),
    ("echo", ["--listen", "127.0.0.1:0", "--connect", "ws://x"], 2, "one of --listen and --connect"),
    ("echo", ["--listen", "127.0.0.1:0", "--cert", "x"], 2, "--cert and --key together"),
    ("echo", ["--connect", "ws://127.0.0.1:1/"], 3, "connection refused"),
]


def run(program, *args, stdin=""):
    return subprocess.run([str(BIN / program), *args], input=stdin, capture_output=True, text=True, timeout=PATIENCE_S)


def converse(tally, data):
    server = subprocess.Popen([str(BIN / "wsmd"), "--data", data, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    try:
        port = re.search(r":(\d+)$", server.stdout.readline().strip())[1]
        minted = subprocess.run([str(BIN / "wsmd"), "token", "--data", data, "--agent", "ada", "--permission", "active"],
                                capture_output=True, text=True, timeout=PATIENCE_S).stdout
        path = pathlib.Path(data) / "ada.token"
        path.write_text(minted.split()[-1] + "\n")
        url = ["--url", f"ws://127.0.0.1:{port}/ws", "--token-file", str(path)]

        said = run("wsmcat", *url, "--strict", stdin='hello "you"\n{"type":"memory_update","exchange":{"n":2}}\n')
        heard = [json.loads(line) for line in said.stdout.splitlines()]
        tally.check(said.returncode == 0, f"wsmcat ended with {said.returncode}: {said.stderr}")
        tally.check(any(m["type"] == "ack" for m in heard), "what is sent is answered before wsmcat ends")
        welcome = next(m for m in heard if m["type"] == "welcome")

        # It closes when all is answered, so what it has said itself is seen by the next one.
        for stdin, expected in (("third\n", [{"text": 'hello "you"'}, {"n": 2}]),
                                ("", [{"text": 'hello "you"'}, {"n": 2}, {"text": "third"}])):
            again = run("wsmcat", *url, "--epoch", welcome["epoch"], "--after", "0", stdin=stdin)
            exchanges = [m["exchange"] for m in map(json.loads, again.stdout.splitlines()) if m["type"] == "memory_update"]
            tally.check(exchanges[:len(expected)] == expected, f"after a position everything comes again: {exchanges}")

        type_and_read(tally, url)

        wrong = run("wsmcat", *url, "--strict", stdin='{"type":"nonsense","message_id":"00000000-0000-4000-8000-000000000001"}\n')
        tally.check(wrong.returncode == 7 and "answered with an error" in wrong.stderr,
                    f"--strict tells of an error: {wrong.returncode} {wrong.stderr}")
        path.write_text("x\n")
        refused = run("wsmcat", *url)
        tally.check(refused.returncode == 4 and "401: the token is not valid" in refused.stderr,
                    f"a wrong token is refused: {refused.returncode} {refused.stderr}")
    finally:
        server.kill()
        server.wait()


def type_and_read(tally, url):
    """Commands as people type them, and what comes as people read it."""
    def say(*lines, more=()):
        done = run("wsmcat", *url, "--strict", *more, stdin="\n".join(lines) + "\n")
        return done, done.stdout.splitlines()

    def all_that_was(*more):
        return run("wsmcat", *url, "--epoch", epoch, "--after", "0", *more).stdout.splitlines()

    done, heard = say(":sidebar_spawn participants=[bob, cy] task_description=x",
                      ':data_ref name=commit value={"id": "a b"}', ":memory_update exchange=true priority=low", ":) is no command")
    epoch = json.loads(heard[0])["epoch"]
    tally.check(done.returncode == 7 and "unknown_agent, participants: no agent" in done.stderr, f"an error is told: {done.stderr}")
    before = [json.loads(line) for line in all_that_was()]
    tally.check([m["value"] for m in before if m["type"] == "data_ref"] == [{"id": "a b"}], "an object is a value")
    tally.check([m["exchange"] for m in before if m["type"] == "memory_update"][-2:] == [True, {"text": ":) is no command"}],
                f"JSON is taken as JSON, and what is no command as text: {before}")

    task = 'task_description="why is it \\"red\\"" priority=high'
    done, heard = say(f":sidebar_spawn participants=[] {task}", more=["--pretty"])
    tally.check(done.returncode == 0, done.stderr)
    side = re.search(r'"sidebar_id":"([^"]+)"', next((line for line in heard if " ack:" in line), ""))
    tally.check(side is not None, f"the ack tells the id: {heard}")
    say("in there", more=["--context", side[1]])
    told = all_that_was("--pretty")
    for type_, rest in (("sidebar_spawn", 'why is it "red"; with ada; under main'), ("memory_update", "in there")):
        line = next((line for line in told if line.endswith(rest)), "")
        tally.check(re.fullmatch(rf"\d\d:\d\d:\d\d +#\d+ ada        {type_} \[{side[1]}\]: " + re.escape(rest), line),
                    f"one line tells it all: {line!r} of {told}")

    done, heard = say('{"type":"agent_list"}', ":agent_list", "{}")
    answers = [json.loads(line)["type"] for line in heard if "original_message_id" in line]
    tally.check(answers == ["ack", "ack", "error"], f"what has no message_id gets one, and is answered: {answers}")
    for line in (":memory_update exchange", ':memory_update exchange="open', ":memory_update =x", ":memory_update exchange="):
        done, _ = say(line)
        tally.check(done.returncode == 7 and "not sent" in done.stderr, f"{line} is not sent: {done.stderr}")


def main():
    tally = Tally()
    for program, args, status, told in COMMAND_LINES:
        done = run(program, *args)
        tally.check(done.returncode == status and told.lower() in done.stderr.lower(),
                    f"{program} {' '.join(args)}: {done.returncode}, expected {status} and {told!r}: {done.stderr}")
    with tempfile.TemporaryDirectory() as data:
        converse(tally, data)
    tally.finish()


if __name__ == "__main__":
    main()
