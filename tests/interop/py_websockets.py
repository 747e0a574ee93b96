#!/usr/bin/python3
"""Python's `websockets` against wsmd and echo: as a client of both, and as the server that `echo --connect` talks to.

WSM_BUILD names the build folder. Ends with `N passed, M failed`; every process that it starts, it ends by its id."""

import asyncio
import collections
import contextlib
import http
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import uuid

import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatusCode, NegotiationError

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = (ROOT / os.environ.get("WSM_BUILD", "build") / "bin").resolve()
TEST_SECONDS = 60
LARGE = 16 << 20


# ---- programs --------------------------------------------------------------------------------------------------------


async def start(program, *args):
    """A program, and the URL in the first line of its output."""
    process = await asyncio.create_subprocess_exec(
        BIN / program, *args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    line = (await asyncio.wait_for(process.stdout.readline(), 10)).decode()
    url = re.search(r"(?:http|ws)s?://\S+", line)
    if not url:
        await stop(process, signal.SIGKILL)
        raise RuntimeError(f"{program} said {line!r}")
    return process, url.group().rstrip("/").replace("http", "ws")


async def stop(process, how=signal.SIGTERM):
    """The exit status; a program that does not end is killed, and that is a failure."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(how)
    try:
        return await asyncio.wait_for(process.wait(), 15)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        raise RuntimeError("did not end when asked to") from None


class Hub:
    """wsmd on a port of its own, which can be killed and come back."""

    def __init__(self, folder):
        self.folder, self.process, self.url, self.port = folder, None, None, 0

    async def up(self):
        self.process, self.url = await start("wsmd", "--data", self.folder, "--listen", f"127.0.0.1:{self.port}")
        self.port = int(self.url.rsplit(":", 1)[1])

    async def down(self, how=signal.SIGTERM):
        process, self.process = self.process, None
        return await stop(process, how) if process else 0

    def token(self, agent, *more):
        made = subprocess.run([BIN / "wsmd", "token", "--data", self.folder, "--agent", agent, *more],
                              check=True, capture_output=True, text=True, timeout=10)
        return made.stdout.split()[-1]

    def connect(self, agent, query="", **more):
        return Agent(self.url + "/ws" + query, self.token(agent, *more.pop("claims", [])), **more)


class Agent:
    """A client of the hub: `async with hub.connect("ada") as ada`."""

    def __init__(self, url, token, **more):
        more.setdefault("extra_headers", {"Authorization": f"Bearer {token}"})
        more.setdefault("subprotocols", ["wsm.v1"])
        self.args = (url,), dict(max_size=None, **more)
        self.ws, self.welcome, self.before = None, None, collections.deque()

    async def __aenter__(self):
        self.ws = await websockets.connect(*self.args[0], **self.args[1])
        self.welcome = await self.get("welcome")
        return self

    async def __aexit__(self, *_):
        await self.ws.close()

    async def get(self, kind, **fields):
        """The next message of that type with these fields; others are passed over."""
        while True:
            message = json.loads(await asyncio.wait_for(self.ws.recv(), 10))
            if message["type"] == kind and all(message.get(k) == v for k, v in fields.items()):
                return message

    async def ask(self, kind, **fields):
        """Send a command and get its answer, whatever it is."""
        name = fields.setdefault("message_id", str(uuid.uuid4()))
        await self.ws.send(json.dumps({"type": kind, **fields}))
        while True:
            message = json.loads(await asyncio.wait_for(self.ws.recv(), 10))
            if message.get("original_message_id") == name:
                return message
            self.before.append(message)

    async def store(self, exchange, **fields):
        answer = await self.ask("memory_update", exchange=exchange, **fields)
        check(answer["type"] == "ack", answer)
        return answer


def check(truth, *what):
    if not truth:
        raise AssertionError(*what)


async def closed_with(ws, code):
    """The other side closes within ten seconds, with that code."""
    try:
        while True:
            await asyncio.wait_for(ws.recv(), 10)
    except ConnectionClosed as closed:
        got = closed.rcvd.code if closed.rcvd else 1006
        check(got == code, f"closed with {closed}, not {code}")


# ---- a client of wsmd ------------------------------------------------------------------------------------------------


async def upgrade_with_token_and_subprotocol(hub):
    async with hub.connect("up") as agent:
        check(agent.ws.subprotocol == "wsm.v1", agent.ws.subprotocol)
        check(agent.welcome["agent_id"] == "up" and agent.welcome["resume"] == "none", agent.welcome)
        check(re.fullmatch("[0-9a-f]{16}", agent.welcome["epoch"]), agent.welcome)


async def token_as_second_subprotocol_is_not_echoed(hub):
    protocols = ["wsm.v1", "wsm.token." + hub.token("sub")]
    async with Agent(hub.url + "/ws", "", extra_headers={}, subprotocols=protocols) as agent:
        check(agent.ws.subprotocol == "wsm.v1", agent.ws.subprotocol)
        check(agent.welcome["agent_id"] == "sub", agent.welcome)


async def refusals_are_plain_http(hub):
    async def status(expected, path="/ws", **more):
        try:
            async with Agent(hub.url + path, "none", **more):
                raise AssertionError(f"upgraded, {expected} expected")
        except InvalidStatusCode as refused:
            check(refused.status_code == expected, refused)

    good = {"Authorization": "Bearer " + hub.token("refused")}
    await status(401, extra_headers={})
    await status(401)
    await status(403, extra_headers=good, origin="http://elsewhere.test")
    await status(404, path="/nowhere", extra_headers=good)
    await status(400, path="/ws?epoch=zz&after=1", extra_headers=good)


async def a_store_reaches_the_other_client_and_its_sender(hub):
    async with hub.connect("ada") as ada, hub.connect("bob") as bob:
        exchange = {"text": "größe \u2713 \U0001f600", "n": 12345678901234567890, "deep": [[[1]]]}
        answer = await ada.store(exchange, topic="interop")
        check(answer["durable"] is True, answer)
        record = await bob.get("memory_update", offset=answer["offset"])
        check(record["exchange"] == exchange and record["sender_agent_id"] == "ada", record)
        check(record["topic"] == "interop" and record["context_id"] == "main", record)
        own = [m for m in ada.before if m.get("offset") == answer["offset"]]
        own = own[0] if own else await ada.get("memory_update", offset=answer["offset"])
        check(own == record, own)


async def order_is_the_same_for_all(hub):
    async with hub.connect("ada") as ada, hub.connect("bob") as bob, hub.connect("eve") as eve:
        async def some(agent, count):
            for i in range(count):
                await agent.ws.send(json.dumps({"type": "memory_update", "exchange": f"{i}"}))

        await asyncio.gather(some(ada, 40), some(bob, 40))
        seen = []
        for agent in (ada, bob, eve):
            records = [await agent.get("memory_update") for _ in range(80)]
            seen.append([(r["offset"], r["sender_agent_id"], r["exchange"]) for r in records])
        check(seen[0] == seen[1] == seen[2], "three clients, three orders")
        check(seen[0] == sorted(seen[0]), "offsets do not rise")


async def the_same_id_is_stored_once(hub):
    async with hub.connect("dup") as agent:
        name = str(uuid.uuid4())
        first = await agent.ask("memory_update", exchange=1, message_id=name)
        again = await agent.ask("memory_update", exchange=1, message_id=name)
        other = await agent.ask("memory_update", exchange=2, message_id=name)
        check(first["type"] == "ack" and again["type"] == "duplicate_ack", again)
        check(again["offset"] == first["offset"], again)
        check(other["type"] == "error" and other["code"] == "id_conflict", other)


async def an_error_names_what_is_wrong(hub):
    async with hub.connect("wrong") as agent:
        await agent.ws.send("{not json")
        answer = await agent.get("error")
        check(answer["code"] == "bad_json" and answer["original_message_id"] is None, answer)
        answer = await agent.ask("memory_update")
        check(answer["code"] == "bad_message" and answer["field"] == "exchange", answer)
        answer = await agent.ask("of_tomorrow")
        check(answer["code"] == "unknown_type", answer)


async def an_observer_may_not_store(hub):
    async with hub.connect("watcher", claims=["--permission", "observer"]) as agent:
        answer = await agent.ask("memory_update", exchange=1)
        check(answer["type"] == "error" and answer["code"] == "forbidden", answer)


async def pings_are_answered(hub):
    async with hub.connect("ping") as agent:
        for _ in range(10):
            await asyncio.wait_for(await agent.ws.ping(), 5)
        await asyncio.wait_for(await agent.ws.ping(b"x" * 125), 5)
        await agent.ws.pong(b"unasked for")
        await asyncio.wait_for(await agent.ws.ping(b""), 5)


async def fragments_make_one_message(hub):
    async with hub.connect("frag") as agent, hub.connect("other") as other:
        text = json.dumps({"type": "memory_update", "message_id": str(uuid.uuid4()), "exchange": "é" * 40})
        await agent.ws.send(text[i:i + 3] for i in range(0, len(text), 3))
        record = await other.get("memory_update", sender_agent_id="frag")
        check(record["exchange"] == "é" * 40, record)


async def a_message_over_the_limit_closes_with_1009(hub):
    async with hub.connect("big") as agent:
        await agent.ws.send(json.dumps({"type": "memory_update", "exchange": "x" * (300 << 10)}))
        await closed_with(agent.ws, 1009)


async def a_binary_message_closes_with_1003(hub):
    async with hub.connect("binary") as agent:
        await agent.ws.send(b"\0\1")
        await closed_with(agent.ws, 1003)


async def a_clean_close_is_answered(hub):
    for code, reason in ((1000, "bye"), (1001, ""), (4321, "ünïcode")):
        async with hub.connect("closing") as agent:
            await agent.ws.close(code, reason)
            check(agent.ws.close_code == code, agent.ws.close_code)


async def a_second_primary_replaces_the_first(hub):
    async with hub.connect("twin") as first, hub.connect("twin") as second:
        await closed_with(first.ws, 4009)
        await second.store("still here")


async def presence_is_announced(hub):
    async with hub.connect("host") as host:
        async with hub.connect("guest"):
            online = await host.get("agent_presence", agent_id="guest")
            check(online["status"] == "online", online)
        answer = await host.ask("agent_list")
        check("guest" in json.dumps(answer["result"]), answer)


async def a_client_resumes_after_its_position(hub):
    async with hub.connect("res") as agent, hub.connect("writer") as writer:
        await writer.store("before")
        await agent.get("memory_update", exchange="before")
        position = (await agent.get("position"))["offset"]
        epoch = agent.welcome["epoch"]
        await agent.ws.close()
        offsets = [(await writer.store(f"missed {i}"))["offset"] for i in range(20)]
        check(position < offsets[0], position, offsets)
        async with hub.connect("res", f"?epoch={epoch}&after={position}") as back:
            check(back.welcome["resume"] == "replayed", back.welcome)
            begin = await back.get("replay_start")
            got = [await back.get("memory_update") for _ in range(20)]
            check([r["offset"] for r in got] == offsets, got)
            check([r["exchange"] for r in got] == [f"missed {i}" for i in range(20)], got)
            end = await back.get("replay_end")
            check(end["count"] == 20 and begin["from"] <= offsets[0], begin, end)


async def an_unknown_epoch_is_a_resync(hub):
    async with hub.connect("lost", "?epoch=0123456789abcdef&after=1") as agent:
        check(agent.welcome["resume"] == "resync", agent.welcome)
    async with hub.connect("lost") as agent:
        epoch = agent.welcome["epoch"]
    async with hub.connect("lost", f"?epoch={epoch}&after=9007199254740991") as agent:
        check(agent.welcome["resume"] == "resync", agent.welcome)


async def nothing_durable_is_lost_by_kill_9(hub):
    async with hub.connect("kill") as agent:
        epoch, position = agent.welcome["epoch"], agent.welcome["offset"]
        answers = [await agent.store(f"kept {i}") for i in range(10)]
        await hub.down(signal.SIGKILL)
        await closed_with(agent.ws, 1006)
    check(all(a["durable"] for a in answers), answers)
    await hub.up()
    async with hub.connect("kill", f"?epoch={epoch}&after={position}") as agent:
        check(agent.welcome["resume"] == "replayed" and agent.welcome["epoch"] == epoch, agent.welcome)
        got = [await agent.get("memory_update") for _ in range(10)]
        check([(r["offset"], r["exchange"]) for r in got] ==
              [(a["offset"], f"kept {i}") for i, a in enumerate(answers)], got)


async def sigterm_closes_with_1001_and_ends_cleanly(hub):
    async with hub.connect("last") as agent:
        ending = asyncio.ensure_future(hub.down())
        await closed_with(agent.ws, 1001)
        check(await ending == 0, "exit status")
    await hub.up()


# ---- a client of echo ------------------------------------------------------------------------------------------------


async def echo_sends_back_text_and_binary(url):
    async with websockets.connect(url, max_size=None) as ws:
        for message in ("", "a", "é" * 125, b"", bytes(range(256)), "x" * 65535, b"y" * 65536, "z" * (1 << 20)):
            await ws.send(message)
            check(await asyncio.wait_for(ws.recv(), 10) == message, message[:80])


async def echo_takes_16_mib(url):
    async with websockets.connect(url, max_size=None, compression=None) as ws:
        for message in (os.urandom(LARGE), "\u20ac" * (LARGE // 3)):
            await ws.send(message)
            check(await asyncio.wait_for(ws.recv(), 40) == message, "another message came back")


async def echo_takes_many_fragments(url):
    async with websockets.connect(url, max_size=None) as ws:
        await ws.send("é" for _ in range(20000))
        check(await asyncio.wait_for(ws.recv(), 30) == "é" * 20000, "another message came back")
        await ws.send(os.urandom(65536) for _ in range(64))
        check(len(await asyncio.wait_for(ws.recv(), 30)) == 64 * 65536, "another message came back")


async def echo_over_16_mib_closes_with_1009(url):
    async with websockets.connect(url, max_size=None, compression=None) as ws:
        try:
            await ws.send(bytes(LARGE + 1))
        except ConnectionClosed:
            pass
        await closed_with(ws, 1009)


async def echo_answers_pings_amid_a_message(url):
    async with websockets.connect(url, max_size=None) as ws:
        async def parts():
            yield "one "
            await asyncio.wait_for(await ws.ping(b"amid"), 5)
            yield "two"

        await ws.send(parts())
        check(await asyncio.wait_for(ws.recv(), 10) == "one two", "another message came back")


async def echo_closes_as_asked(url):
    for code in (1000, 1001, 1011, 3000, 4999):
        async with websockets.connect(url) as ws:
            await ws.close(code, "because")
            check(ws.close_code == code, ws.close_code)


# ---- the server that echo connects to --------------------------------------------------------------------------------


async def served(handler, **more):
    """Run `echo --connect` against a server with this handler; its exit status."""
    failures = []

    async def guarded(ws, _path=None):
        try:
            await asyncio.wait_for(handler(ws), TEST_SECONDS - 10)
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    async with websockets.serve(guarded, "127.0.0.1", 0, max_size=None, **more) as server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            BIN / "echo", "--connect", f"ws://127.0.0.1:{port}/path?query=1",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            status = await asyncio.wait_for(process.wait(), TEST_SECONDS - 5)
        finally:
            if process.returncode is None:
                await stop(process, signal.SIGKILL)
    if failures:
        raise failures[0]
    return status


async def the_client_echoes_what_a_server_sends():
    async def handler(ws):
        check(ws.path == "/path?query=1", ws.path)
        for message in ("", "é" * 1000, bytes(range(256)), b"q" * 65536, os.urandom(LARGE)):
            await ws.send(message)
            check(await ws.recv() == message, message[:80])
        await ws.send("é" for _ in range(5000))
        check(await ws.recv() == "é" * 5000, "another message came back")
        await asyncio.wait_for(await ws.ping(b"p" * 125), 5)
        await ws.close(1000, "done")
        check(ws.close_code == 1000, ws.close_code)

    check(await served(handler, compression=None) == 0, "exit status")


async def the_client_needs_no_extension():
    async def handler(ws):
        check(not ws.extensions, ws.extensions)
        await ws.send("plain")
        check(await ws.recv() == "plain", "another message came back")

    check(await served(handler) == 0, "exit status")


async def the_client_tells_a_close_with_an_error():
    async def handler(ws):
        await ws.close(1011, "sorry")
        check(ws.close_code == 1011, ws.close_code)

    check(await served(handler) == 5, "exit status")


async def the_client_tells_a_refusal():
    async def refuse(_path, _headers):
        return http.HTTPStatus.UNAUTHORIZED, [("Content-Type", "text/plain")], b"no\n"

    async def handler(_ws):
        raise AssertionError("upgraded")

    check(await served(handler, process_request=refuse) == 4, "exit status")


async def the_client_tells_a_cut():
    async def handler(ws):
        await ws.send("are you there?")
        await ws.recv()  # or the cut could come before the client has read the 101
        ws.transport.abort()

    status = await served(handler)
    check(status == 6, f"exit status {status}")


# ---- all of it -------------------------------------------------------------------------------------------------------

WITH_HUB = [
    upgrade_with_token_and_subprotocol, token_as_second_subprotocol_is_not_echoed, refusals_are_plain_http,
    a_store_reaches_the_other_client_and_its_sender, order_is_the_same_for_all, the_same_id_is_stored_once,
    an_error_names_what_is_wrong, an_observer_may_not_store, pings_are_answered, fragments_make_one_message,
    a_message_over_the_limit_closes_with_1009, a_binary_message_closes_with_1003, a_clean_close_is_answered,
    a_second_primary_replaces_the_first, presence_is_announced, a_client_resumes_after_its_position,
    an_unknown_epoch_is_a_resync, nothing_durable_is_lost_by_kill_9, sigterm_closes_with_1001_and_ends_cleanly,
]
WITH_ECHO = [
    echo_sends_back_text_and_binary, echo_takes_16_mib, echo_takes_many_fragments, echo_over_16_mib_closes_with_1009,
    echo_answers_pings_amid_a_message, echo_closes_as_asked,
]
AS_SERVER = [
    the_client_echoes_what_a_server_sends, the_client_needs_no_extension, the_client_tells_a_close_with_an_error,
    the_client_tells_a_refusal, the_client_tells_a_cut,
]


async def run(test, *args):
    try:
        await asyncio.wait_for(test(*args), TEST_SECONDS)
    except Exception as error:  # pylint: disable=broad-except
        print(f"FAILED {test.__name__}: {type(error).__name__}: {str(error)[:500]}", flush=True)
        return False
    print(f"ok {test.__name__}", flush=True)
    return True


async def main():
    results = []
    with tempfile.TemporaryDirectory(prefix="wsm-interop-") as folder:
        hub = Hub(os.path.join(folder, "data"))
        await hub.up()
        try:
            for test in WITH_HUB:
                results.append(await run(test, hub))
                if not hub.process:
                    await hub.up()
        finally:
            await hub.down()
    echo, url = await start("echo", "--listen", "127.0.0.1:0")
    try:
        for test in WITH_ECHO:
            results.append(await run(test, url))
    finally:
        await stop(echo)
    for test in AS_SERVER:
        results.append(await run(test))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
