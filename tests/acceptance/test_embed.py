#!/usr/bin/python3
"""The two smallest hosts, embed.c and embed.py, serve clients that others wrote (Python's websockets)."""

import asyncio
import json
import os
import pathlib
import re
import subprocess
import sys

import websockets

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
HOSTS = {
    "embed.c": [str(BUILD / "bin/embed")],
    "embed.py": [sys.executable, str(ROOT / "examples/embed.py")],
}
UPDATES = 3


async def updates_of(client):
    """The next few memory updates, as (offset, text)."""
    found = []
    while len(found) < UPDATES:
        message = json.loads(await asyncio.wait_for(client.recv(), 10))
        if message["type"] == "memory_update":
            found.append((message["offset"], message["exchange"]["text"]))
    return found


async def two_clients_hear_what_the_host_stores(url, token):
    headers = {"Authorization": f"Bearer {token}"}
    async with websockets.connect(url, extra_headers=headers, subprotocols=["wsm.v1"]) as first:
        welcome = json.loads(await asyncio.wait_for(first.recv(), 10))
        assert welcome["type"] == "welcome" and welcome["agent_id"] == "ada", welcome
        heard = await updates_of(first)
        offsets = [offset for offset, _ in heard]
        assert offsets == sorted(set(offsets)), heard
        # A second client resumes where the first was before its last update.
        resumed = f"{url}?epoch={welcome['epoch']}&after={offsets[-2]}"
        async with websockets.connect(resumed, extra_headers=headers, subprotocols=["wsm.v1"]) as second:
            again = await updates_of(second)
            assert again[0] == heard[-1], (heard, again)


async def a_wrong_token_is_refused(url, token):
    try:
        async with websockets.connect(url, extra_headers={"Authorization": f"Bearer {token}x"}, subprotocols=["wsm.v1"]):
            raise AssertionError("a wrong token was let in")
    except websockets.InvalidStatusCode as refusal:
        assert refusal.status_code == 401, refusal


TESTS = [two_clients_hear_what_the_host_stores, a_wrong_token_is_refused]


def main():
    passed = failed = 0
    for name, command in HOSTS.items():
        environment = dict(os.environ, WSM_LIB=str(BUILD / "lib/libwsm.so.0"))
        host = subprocess.Popen([*command, "0", "--seconds", "9"], stdout=subprocess.PIPE, text=True, env=environment)
        try:
            url, token = host.stdout.readline().strip(), host.stdout.readline().strip()
            for test in TESTS:
                try:
                    asyncio.run(test(url, token))
                    passed += 1
                except Exception as error:  # every failure is reported, and the rest still runs
                    failed += 1
                    print(f"FAILED: {name}: {test.__name__}: {error!r}")
            output = host.stdout.read()
            host.wait(timeout=30)
            # an agent that may take part has a record of its own: its card
            told = [(int(n), int(offset)) for n, offset in re.findall(r"update (\d+) is record (\d+)", output)]
            good = (host.returncode == 0 and [n for n, _ in told] == list(range(1, len(told) + 1)) and len(told) > 0
                    and all(a < b for (_, a), (_, b) in zip(told, told[1:])))
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(f"FAILED: {name} ended with {host.returncode} and said {output}")
        finally:
            host.kill()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
