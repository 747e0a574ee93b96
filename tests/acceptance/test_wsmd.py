#!/usr/bin/python3
"""wsmd as a black box: command line, configuration, secrets, tokens, HTTP, and what survives kill -9.

The WebSocket clients are those of Python's `websockets`. Each server listens on a port of its own choice and has a data
directory of its own."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import time
import unittest

import websockets

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
WSMD = os.environ.get("WSM_WSMD") or str((BUILD if BUILD.is_absolute() else ROOT / BUILD) / "bin/wsmd")
IS_SLOW = "WSM_SLOW" in os.environ  # under valgrind: everything takes longer, and all are ended so that they can be judged
PATIENCE_S = 20 * (5 if IS_SLOW else 1)
UUID = "0190f6a5-0000-7000-8000-%012x"


def clean_environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WSMD_")}
    return {**kept, **more}


def run(*args, **environment):
    return subprocess.run([WSMD, *args], capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
                          env=clean_environment(**environment))


def mint(data, *args):
    done = run("token", "--data", str(data), *args)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def unpack(token):
    def part(text):
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    head, body, _ = token.split(".")
    return part(head), part(body)


def sign(data, claims, alg="HS256"):
    """A token that `wsmd token` would not make."""
    kid, secret = (pathlib.Path(data) / "secret.key").read_text().split()[:2]
    def pack(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    text = pack({"alg": alg, "typ": "JWT", "kid": kid}) + b"." + pack(claims)
    mac = hmac.new(bytes.fromhex(secret), text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


class Reply:
    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]


class Server:
    """A running wsmd. `sets` are keys of the configuration."""

    def __init__(self, data=None, address="127.0.0.1", port=0, args=(), environment=None, **sets):
        self.own = tempfile.TemporaryDirectory() if data is None else None
        self.data = pathlib.Path(data if data is not None else self.own.name) / ("data" if data is None else "")
        self.log_path = self.data.parent / f"{self.data.name or 'wsmd'}.log"
        host = f"[{address}]" if ":" in address else address
        command = [WSMD, "--data", str(self.data), "--listen", f"{host}:{port}", *args]
        for name, value in sets.items():
            command += ["--set", f"{name}={value}"]
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            text=True, env=clean_environment(**(environment or {})))
        line = self.process.stdout.readline()
        found = re.fullmatch(r"wsmd: listening on (https?)://(.+):(\d+)\n", line)
        if not found:
            self.close()
            raise AssertionError(f"wsmd did not start: {line!r} {self.log}")
        self.scheme, self.host, self.port = found[1], found[2].strip("[]"), int(found[3])

    @property
    def log(self):
        return self.log_path.read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate() if IS_SLOW else self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        if self.own:
            self.own.cleanup()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def token(self, agent, *args):
        return mint(self.data, "--agent", agent, *args)

    def ask(self, method, path, body=None, token=None, headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        try:
            lines = dict(headers or {})
            if token:
                lines["Authorization"] = f"Bearer {token}"
            connection.request(method, path, body, lines)
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def store(self, token, exchange, **fields):
        return self.ask("POST", "/store", json.dumps({"exchange": exchange, **fields}), token)

    def page(self, token, **query):
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        reply = self.ask("GET", "/exchanges" + (f"?{asked}" if asked else ""), token=token)
        assert reply.status == 200, reply.body
        return reply.json

    def connect(self, token, epoch=None, after=0, **more):
        host = f"[{self.host}]" if ":" in self.host else self.host
        resume = f"?epoch={epoch}&after={after}" if epoch else ""
        return websockets.connect(f"ws://{host}:{self.port}/ws{resume}", subprotocols=["wsm.v1", f"wsm.token.{token}"],
                                  **more)


async def read(client, wanted, count=1):
    """The next `count` messages of this type."""
    found = []
    while len(found) < count:
        message = json.loads(await asyncio.wait_for(client.recv(), PATIENCE_S))
        if message["type"] == wanted:
            found.append(message)
    return found if count > 1 else found[0]


class CommandLine(unittest.TestCase):
    def refused(self, status, sentence, *args, **environment):
        done = run(*args, **environment)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertRegex(done.stderr, r"\Awsmd( token)?: .+\n\Z")
        self.assertIn(sentence, done.stderr)

    def test_help_version_and_keys_go_to_standard_output(self):
        for flag, word in (("--help", "--listen ADDR:PORT"), ("--version", "wsmd "), ("--keys", "ping_interval_ms\t")):
            done = run(flag)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(word, done.stdout)
        self.assertIn("--agent NAME", run("token", "--help").stdout)

    def test_a_wrong_flag_is_an_error_with_status_2(self):
        self.refused(2, "'--nonsense' is no flag", "--nonsense")
        self.refused(2, "'data' is no flag", "data")
        self.refused(2, "--set ping_interval_ms=VALUE", "--ping-interval-ms", "5000")
        self.refused(2, "workspace_key: expected a secret of at least 32 bytes", "--set", "workspace_key=short")
        self.refused(2, "ws_path: expected a path", "--set", "ws_path=ws")
        for origins in ("example.org", "https://example.org/", "https://", "https://a.example, b.example"):
            self.refused(2, "origins: expected a list", "--set", f"origins={origins}")
        self.refused(2, "--listen needs a value", "--listen")
        self.refused(2, "--banner takes no value", "--banner=yes")
        self.refused(2, "expected KEY=VALUE", "--set", "listen")
        self.refused(2, "there is no key 'nonsense'", "--set", "nonsense=1")
        self.refused(2, "listen has no value", "--set", "listen=")
        self.refused(2, "expected sqlite or memory", "--log", "disk")
        self.refused(2, "log_level: expected", "--set", "log_level=loud")
        self.refused(2, "belong together", "--tls-cert", "/nowhere")
        self.refused(2, "ping_interval_ms: not a whole number", "--set", "ping_interval_ms=-1")
        self.refused(2, "ping_interval_ms: not a whole number", "--set", "ping_interval_ms=30s")
        self.refused(2, "insecure_plaintext: not a whole number from 0 to 1", "--set", "insecure_plaintext=2")

    def test_an_address_that_cannot_be_used_is_an_error(self):
        with tempfile.TemporaryDirectory() as data:
            for address in ("127.0.0.1", "localhost:80", "127.0.0.1:70000", "[::1]", "::1:80", ":80", "127.0.0.1:",
                            "[127.0.0.1]:1", "127.0.0.1:-1"):
                self.refused(1, "expected ADDRESS:PORT", "--data", data, "--listen", address)

    def test_plain_text_beyond_loopback_must_be_asked_for(self):
        with tempfile.TemporaryDirectory() as data:
            for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
                self.refused(1, "--set insecure_plaintext=1", "--data", data, "--listen", address)
        with Server(address="0.0.0.0", insecure_plaintext=1) as server:
            self.assertEqual(server.host, "127.0.0.1")
            self.assertEqual(server.ask("GET", "/healthz").status, 200)

    def test_the_environment_knows_only_keys(self):
        self.refused(2, "environment, WSMD_NONSENSE: there is no key", WSMD_NONSENSE="1")
        self.refused(2, "environment, WSMD_LOG: ", "--data", "/nowhere", WSMD_LOG="")
        self.refused(2, "environment, WSMD_listen: ", WSMD_listen="127.0.0.1:1")
        self.refused(2, "environment, WSMD_PING_STRIKES: ping_strikes: not a whole number", WSMD_PING_STRIKES="many")
        self.refused(2, "/nowhere/wsmd.conf: No such file", WSMD_CONFIG="/nowhere/wsmd.conf")

    def test_the_manual_lists_every_key_with_its_default(self):
        page = (ROOT / "man/wsmd.1").read_text()
        listed = re.findall(r"^\.It Cm (\S+) Pq (\S+)\n(.+)$", page, re.M)
        keys = [tuple(line.split("\t")) for line in run("--keys").stdout.splitlines()]
        self.assertEqual(listed, keys)
        for name in ("agent_messages_per_s", "agent_deliveries_per_s", "connections_per_address", "connections_per_s",
                     "message_bytes_max", "queue_messages_agent", "queue_messages_human", "queue_bytes_max",
                     "ping_interval_ms"):
            self.assertIn(name, [key[0] for key in keys])


class ConfigFile(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "wsmd.conf"

    def test_a_broken_line_is_named_by_file_and_number(self):
        cases = [
            (b"nonsense = 1\n", 1, "there is no key 'nonsense'"),
            (b"# fine\n\nlisten 127.0.0.1:1\n", 3, "expected KEY = VALUE"),
            (b"log = memory\n  # also fine\nlog = sqlite\n", 3, "log is set already in line 1"),
            (b"log =\n", 1, "log has no value"),
            (b"= 1\n", 1, "there is no key ''"),
            (b"Log = memory\n", 1, "there is no key 'Log'"),
            (b"ping_strikes = 3 # three\n", 1, "ping_strikes: not a whole number"),
            (b"ping_strikes = 0x3\n", 1, "ping_strikes: not a whole number"),
            (b"connections_max = 99999999999999999999\n", 1, "connections_max: not a whole number"),
            (b"log = memory\r\nlog_level = in\0fo\r\n", 2, "a NUL byte"),
            (b"\n" * 41 + b"origins = " + b"x" * 5000, 42, "longer than 4095 bytes"),
        ]
        for content, line, sentence in cases:
            with self.subTest(sentence=sentence):
                self.path.write_bytes(content)
                done = run("--config", str(self.path))
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"wsmd: {self.path}:{line}: {sentence}", done.stderr)

    def test_a_file_that_cannot_be_read_is_an_error(self):
        self.assertIn("No such file", run("--config", str(self.path)).stderr)
        done = run("--config", self.folder.name)
        self.assertEqual(done.returncode, 2)
        self.assertIn("Is a directory", done.stderr)

    def test_flags_beat_the_environment_beats_the_file_beats_the_default(self):
        async def name_of(server):
            async with server.connect(server.token("ada")) as client:
                return (await read(client, "welcome"))["server"]["name"]

        self.path.write_text("server_name = from the file\r\nlog = memory\n")
        data, file = pathlib.Path(self.folder.name), ["--config", str(self.path)]
        environment = {"WSMD_SERVER_NAME": "from the environment"}
        with Server(log="memory") as server:
            self.assertEqual(asyncio.run(name_of(server)), "libwsm")
        with Server(data / "a", args=file) as server:
            self.assertEqual(asyncio.run(name_of(server)), "from the file")
        with Server(data / "b", environment={**environment, "WSMD_CONFIG": str(self.path)}) as server:
            self.assertEqual(asyncio.run(name_of(server)), "from the environment")
        with Server(data / "c", args=file, environment=environment, server_name="from a flag") as server:
            self.assertEqual(asyncio.run(name_of(server)), "from a flag")


class Secrets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name) / "data"
        self.secret = self.data / "secret.key"

    @staticmethod
    def mode(path):
        return stat.S_IMODE(path.stat().st_mode)

    def test_the_first_start_makes_them_for_the_owner_alone(self):
        with Server(self.data):
            self.assertEqual(self.mode(self.data), 0o700)
            self.assertEqual(self.mode(self.secret), 0o600)
            self.assertEqual(self.mode(self.data / "log.db"), 0o600)
            self.assertRegex(self.secret.read_text(), r"\A[0-9a-f]{8} [0-9a-f]{64}\n\Z")
            self.assertEqual([p.name for p in self.data.iterdir() if p.name.startswith("secret")], ["secret.key"])

    def test_a_token_can_be_made_before_the_first_start(self):
        token = mint(self.data, "--agent", "ada")
        before = self.secret.read_text()
        with Server(self.data) as server:
            self.assertEqual(server.store(token, 1).status, 200)
        self.assertEqual(self.secret.read_text(), before)

    def test_many_at_once_make_one_secret(self):
        command = [WSMD, "token", "--data", str(self.data), "--agent", "ada"]
        started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(12)]
        tokens = [process.communicate()[0] for process in started]
        self.assertEqual({process.returncode for process in started}, {0})
        self.assertEqual(len({unpack(token.strip())[0]["kid"] for token in tokens}), 1)

    def test_a_secret_that_others_may_touch_is_refused(self):
        mint(self.data, "--agent", "ada")
        for mode in (0o640, 0o604, 0o620):
            self.secret.chmod(mode)
            for args in (["--listen", "127.0.0.1:0"], ["token", "--agent", "ada"]):
                done = run(*args, "--data", str(self.data))
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"{self.secret}: group or others", done.stderr)

    def test_a_malformed_secret_is_refused_and_left_alone(self):
        mint(self.data, "--agent", "ada")
        good = self.secret.read_text()
        nine = "".join(f"k{i} {'0' * 64}\n" for i in range(9))
        for content in ("", "# nothing\n", good[:-2] + "\n", good[:-1] + "0\n", good + good, good.upper(), "a b c\n", good[9:],
                        good.replace(" ", "  "), nine, "#" * 5000, good + "\0"):
            self.secret.write_text(content)
            done = run("--data", str(self.data), "--listen", "127.0.0.1:0")
            self.assertEqual(done.returncode, 1, content)
            self.assertIn(str(self.secret), done.stderr)
            self.assertNotIn(good.split()[1], done.stderr)
            self.assertEqual(self.secret.read_text(), content)

    def test_a_link_in_place_of_the_secret_is_refused(self):
        mint(self.data, "--agent", "ada")
        self.secret.rename(self.data / "elsewhere")
        self.secret.symlink_to(self.data / "elsewhere")
        self.assertEqual(run("--data", str(self.data), "--listen", "127.0.0.1:0").returncode, 1)

    def test_a_key_is_rotated_by_a_new_line_on_top(self):
        old = mint(self.data, "--agent", "ada")
        line = self.secret.read_text()
        self.secret.write_text(f"# since today\nnew {'5a' * 32}\n{line}")
        new = mint(self.data, "--agent", "ada")
        self.assertEqual(unpack(new)[0]["kid"], "new")
        with Server(self.data) as server:
            self.assertEqual([server.store(token, 1).status for token in (old, new)], [200, 200])
        self.secret.write_text(f"new {'5a' * 32}\n")
        with Server(self.data) as server:
            self.assertEqual([server.store(token, 1).status for token in (old, new)], [401, 200])


class Tokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.data = cls.folder.name

    def test_the_output_ends_with_a_token_of_sensible_claims(self):
        head, claims = unpack(mint(self.data, "--agent", "ada"))
        self.assertEqual(head["alg"], "HS256")
        self.assertEqual(claims["sub"], "ada")
        self.assertEqual(claims["wsm"]["permission"], "active")
        self.assertEqual(claims["exp"] - claims["iat"], 3600)
        self.assertLess(abs(claims["iat"] - time.time()), 60)
        self.assertNotEqual(claims["jti"], unpack(mint(self.data, "--agent", "ada"))[1]["jti"])

    def test_every_flag_finds_its_claim(self):
        claims = unpack(mint(self.data, "--agent=eve.2", "--permission", "observer", "--kind", "service", "--purpose=backup",
                             "--ttl", "15m", "--can", "status,admin", "--contexts", "main,sb-*", "--specialties", "sql",
                             "--set", "audience=here"))[1]
        self.assertEqual((claims["sub"], claims["aud"], claims["exp"] - claims["iat"]), ("eve.2", "here", 900))
        self.assertEqual(claims["wsm"], {"permission": "observer", "kind": "service", "purpose": "backup",
                                         "specialties": ["sql"], "contexts": ["main", "sb-*"],
                                         "can": claims["wsm"]["can"]})
        self.assertEqual(sorted(claims["wsm"]["can"]), ["admin", "status"])

    def test_nonsense_is_refused_with_status_2(self):
        for args in ([], ["--agent", "hub"], ["--agent", "a b"], ["--agent", ""], ["--agent", "x" * 65], ["--agent"],
                     ["--agent", "a", "--ttl", "25h"], ["--agent", "a", "--ttl", "0s"], ["--agent", "a", "--ttl", "5"],
                     ["--agent", "a", "--ttl", "-1h"], ["--agent", "a", "--ttl", "1d"], ["--agent", "a", "--can", "fly"],
                     ["--agent", "a", "--can", "status,"], ["--agent", "a", "--kind", "robot"],
                     ["--agent", "a", "--purpose", ""], ["--agent", "a", "--permission", "root"],
                     ["--agent", "a", "--nonsense"]):
            done = run("token", "--data", self.data, *args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)
            self.assertRegex(done.stderr, r"\Awsmd token: .+\n\Z")
        for flag, value in (("--agent", "hub"), ("--specialties", "x" * 65), ("--specialties", ",".join("a" * 17)),
                            ("--contexts", "x" * 129), ("--contexts", ",".join("a" * 65))):
            done = run("token", "--data", self.data, "--agent", "ada", flag, value)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(f"wsmd token: {flag}: expected", done.stderr)

    def test_who_makes_the_secret_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            first, second = (run("token", "--data", f"{folder}/data", "--agent", "ada") for _ in range(2))
            self.assertIn(f"made {folder}/data/secret.key", first.stderr)
            self.assertEqual((second.returncode, second.stderr), (0, ""))


class Http(unittest.TestCase):
    """One server for all that does not change it for the others."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(auth_failures_per_min=0, agent_messages_per_s=0)
        cls.addClassCleanup(cls.server.close)
        cls.ada = cls.server.token("ada")

    def refused(self, reply, status, code, field=None):
        self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.error["code"], code)
        self.assertEqual(reply.error.get("field"), field)
        self.assertEqual(reply.headers["Content-Type"], "application/json")

    def post(self, body, token=None):
        return self.server.ask("POST", "/store", body, self.ada if token is None else token)

    # ---- POST /store

    def test_a_store_is_answered_with_its_place_once_it_is_kept(self):
        first, second = self.server.store(self.ada, {"n": 1}), self.server.store(self.ada, {"n": 2})
        self.assertEqual((first.status, second.status), (200, 200))
        self.assertEqual(set(first.json), {"offset", "epoch", "durable", "message_id", "duplicate"})
        self.assertEqual((first.json["durable"], first.json["duplicate"]), (True, False))
        self.assertEqual(second.json["offset"], first.json["offset"] + 1)
        self.assertEqual(second.json["epoch"], first.json["epoch"])
        self.assertRegex(first.json["message_id"], r"\A[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")

    def test_a_store_reaches_two_clients_as_it_was_sent(self):
        async def scenario():
            async with self.server.connect(self.server.token("eve")) as one, \
                       self.server.connect(self.server.token("bob", "--permission", "observer")) as two:
                await read(one, "welcome")
                await read(two, "welcome")
                body = ('{"exchange":{"text":"gr\u00fc\u00df \\"dich\\"","n":12345678901234567890,"n2":1.0},"topic":"a/b",'
                        '"tags":[ "x\\n" , "y,\\"z\\\\" ],"key":"k","priority":"critical","context_id":"main"}')
                reply = await asyncio.to_thread(self.post, body.encode())
                self.assertEqual(reply.status, 200, reply.body)
                for client in (one, two):
                    raw = ""
                    while '"memory_update"' not in raw:
                        raw = await asyncio.wait_for(client.recv(), PATIENCE_S)
                    message = json.loads(raw)
                    self.assertIn('"exchange":{"text":"gr\u00fc\u00df \\"dich\\"","n":12345678901234567890,"n2":1.0}', raw)
                    self.assertEqual(message["sender_agent_id"], "ada")
                    self.assertEqual(message["offset"], reply.json["offset"])
                    self.assertEqual(message["message_id"], reply.json["message_id"])
                    self.assertEqual((message["topic"], message["key"], message["priority"], message["context_id"]),
                                     ("a/b", "k", "critical", "main"))
                    self.assertEqual(message["tags"], ["x\n", 'y,"z\\'])
        asyncio.run(scenario())

    def test_the_same_message_id_is_stored_once(self):
        first = self.server.store(self.ada, "x", message_id=UUID % 1)
        again = self.server.store(self.ada, "x", message_id=UUID % 1)
        self.assertEqual((first.status, again.status), (200, 200))
        self.assertEqual(again.json, {**first.json, "duplicate": True})
        self.refused(self.server.store(self.ada, "y", message_id=UUID % 1), 409, "id_conflict", "message_id")
        # Ids are scoped by their sender.
        other = self.server.store(self.server.token("eve"), "y", message_id=UUID % 1)
        self.assertEqual((other.status, other.json["duplicate"]), (200, False))

    def test_a_body_that_is_no_store_is_refused(self):
        cases = [
            (b"", "bad_json", None),
            (b"{", "bad_json", None),
            (b"[]", "bad_json", None),
            (b'"text"', "bad_json", None),
            (b'{"exchange":1}x', "bad_json", None),
            (b'{"exchange":1,"exchange":2}', "bad_json", None),
            (b'{"exchange":"\xff"}', "bad_json", None),
            (b'{"exchange":"\\ud800"}', "bad_json", None),
            (b'{"exchange":01}', "bad_json", None),
            (b'{"exchange":' + b"[" * 40 + b"]" * 40 + b"}", "bad_json", None),
            (b"{}", "bad_message", "exchange"),
            (b'{"topic":"x"}', "bad_message", "exchange"),
            (b'{"exchange":null}', "bad_message", "exchange"),
            (b'{"Exchange":1}', "bad_message", "Exchange"),
            (b'{"exchange":1,"sender_agent_id":"bob"}', "bad_message", "sender_agent_id"),
            (b'{"exchange":1,"offset":3}', "bad_message", "offset"),
            (b'{"exchange":1,"<script>":3}', "bad_message", None),
            (b'{"exchange":1,"\\u0041":3}', "bad_message", None),
            (b'{"exchange":1,"topic":7}', "bad_message", "topic"),
            (b'{"exchange":1,"topic":""}', "bad_message", "topic"),
            (b'{"exchange":1,"topic":"' + b"x" * 300 + b'"}', "bad_message", "topic"),
            (b'{"exchange":1,"topic":null}', "bad_message", "topic"),
            (b'{"exchange":1,"priority":"loud"}', "bad_message", "priority"),
            (b'{"exchange":1,"priority":3}', "bad_message", "priority"),
            (b'{"exchange":1,"tags":"x"}', "bad_message", "tags"),
            (b'{"exchange":1,"tags":["x",1]}', "bad_message", "tags"),
            (b'{"exchange":1,"tags":[["x"]]}', "bad_message", "tags"),
            (b'{"exchange":1,"tags":[' + b",".join([b'"x"'] * 17) + b"]}", "bad_message", "tags"),
            (b'{"exchange":1,"message_id":"7"}', "bad_message", "message_id"),
            (b'{"exchange":1,"context_id":"a b"}', "bad_message", "context_id"),
        ]
        before = self.server.page(self.ada)["next_after"]
        for body, code, field in cases:
            with self.subTest(body=body):
                self.refused(self.post(body), 400, code, field)
        for accepted in (b' {"exchange" : 1 } \n', b'{"exchange":1,"tags":[]}', b'{"exchange":1,"tags":[ ]}'):
            reply = self.post(accepted)
            self.assertEqual(reply.status, 200, reply.body)
        page = self.server.page(self.ada, after=before)
        self.assertEqual([message["exchange"] for message in page["exchanges"]], [1, 1, 1])

    def test_an_unknown_context_is_not_found(self):
        self.refused(self.server.store(self.ada, 1, context_id="sb-unknown"), 404, "not_found", "context_id")

    def test_a_body_over_the_limit_is_413(self):
        self.assertEqual(self.server.store(self.ada, "x" * 300000).status, 413)

    # ---- tokens and rights

    def test_without_a_good_token_nothing_is_stored_or_read(self):
        now, wsm = int(time.time()), {"permission": "active"}
        bad = {
            "nonsense": "a.b.c",
            "another's key": self.ada[:-4] + ("AAAA" if self.ada[-4:] != "AAAA" else "BBBB"),
            "alg none": sign(self.server.data, {"sub": "ada", "iat": now, "exp": now + 60, "wsm": wsm}, alg="none"),
            "no exp": sign(self.server.data, {"sub": "ada", "iat": now, "wsm": wsm}),
            "too long a life": sign(self.server.data, {"sub": "ada", "iat": now, "exp": now + 90000, "wsm": wsm}),
            "the hub's name": sign(self.server.data, {"sub": "hub", "iat": now, "exp": now + 60, "wsm": wsm}),
        }
        for method, path, body in (("POST", "/store", '{"exchange":1}'), ("GET", "/exchanges", None)):
            for name, token in {"none": None, **bad}.items():
                with self.subTest(path=path, token=name):
                    reply = self.server.ask(method, path, body, token)
                    self.refused(reply, 401, "unauthorized")
                    self.assertEqual(reply.headers["WWW-Authenticate"], "Bearer")
            old = sign(self.server.data, {"sub": "ada", "iat": now - 900, "exp": now - 600, "wsm": wsm})
            self.refused(self.server.ask(method, path, body, old), 401, "token_expired")

    def test_the_token_may_stand_in_x_memory_auth(self):
        body = '{"exchange":1}'
        self.assertEqual(self.server.ask("POST", "/store", body, headers={"X-Memory-Auth": self.ada}).status, 200)
        both = {"X-Memory-Auth": self.server.token("eve")}
        self.assertEqual(self.server.ask("POST", "/store", body, self.ada, both).status, 401)
        self.assertEqual(self.server.ask("POST", f"/store?token={self.ada}", body).status, 401)

    def test_an_observer_reads_and_does_not_store(self):
        observer = self.server.token("bob", "--permission", "observer")
        self.refused(self.server.store(observer, 1), 403, "forbidden")
        self.assertIn("exchanges", self.server.page(observer))

    def test_a_token_is_bounded_to_its_contexts(self):
        self.server.store(self.ada, "seen by those who may")
        elsewhere = self.server.token("eve", "--contexts", "sb-*,mai")
        self.refused(self.server.store(elsewhere, 1), 403, "forbidden", "context_id")
        self.assertEqual(self.server.page(elsewhere)["exchanges"], [])
        for pattern in ("main", "m*n", "*", "x,*in"):
            self.assertEqual(self.server.store(self.server.token("eve", "--contexts", pattern), 1).status, 200, pattern)

    # ---- GET /exchanges

    def test_exchanges_are_read_page_by_page(self):
        start = self.server.page(self.ada)["next_after"]
        kept = [self.server.store(self.ada, {"n": n}).json["offset"] for n in range(7)]
        found, after = [], start
        for size in (3, 3, 1):
            page = self.server.page(self.ada, after=after, limit=3)
            self.assertEqual((len(page["exchanges"]), page["more"]), (size, size == 3))
            found += page["exchanges"]
            after = page["next_after"]
        self.assertEqual([message["offset"] for message in found], kept)
        self.assertEqual([message["exchange"]["n"] for message in found], list(range(7)))
        self.assertEqual({message["type"] for message in found}, {"memory_update"})
        self.assertEqual(after, kept[-1])
        rest = self.server.page(self.ada, after=after)
        self.assertEqual((rest["exchanges"], rest["more"], rest["next_after"]), ([], False, after))
        self.assertEqual(self.server.page(self.ada, after=after, epoch=rest["epoch"])["exchanges"], [])

    def test_a_question_that_makes_no_sense_is_refused(self):
        cases = [("after=x", "after"), ("after=-1", "after"), ("after=", "after"), ("after=9007199254740992", "after"),
                 ("limit=0", "limit"), ("limit=1025", "limit"), ("limit=1e2", "limit"), ("before=3", None), ("after", None),
                 ("after=1&&limit=1", None)]
        for query, field in cases:
            with self.subTest(query=query):
                self.refused(self.server.ask("GET", "/exchanges?" + query, token=self.ada), 400, "bad_message", field)
        self.refused(self.server.ask("GET", "/exchanges?after=1&epoch=0123456789abcdef", token=self.ada), 409,
                     "resync_required", "epoch")

    # ---- paths, methods, Host, Origin

    def test_an_unknown_path_is_404(self):
        for path in ("/nothing", "/store/", "//", "/healthz/x", "/%73tore", "/secret.key", "/../etc/passwd"):
            self.refused(self.server.ask("GET", path), 404, "not_found")

    def test_another_method_is_405_and_names_those_that_go(self):
        paths = {"/": "GET, HEAD", "/store": "POST", "/exchanges": "GET, HEAD", "/healthz": "GET, HEAD",
                 "/readyz": "GET, HEAD", "/metrics": "GET, HEAD"}
        for path, allow in paths.items():
            for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "GET" if allow == "POST" else "POST"):
                with self.subTest(path=path, method=method):
                    reply = self.server.ask(method, path, token=self.ada)
                    self.refused(reply, 405, "bad_message")
                    self.assertEqual(reply.headers["Allow"], allow)

    def test_head_is_get_without_the_body(self):
        for path in ("/", "/exchanges", "/healthz", "/readyz", "/metrics"):
            with socket.create_connection((self.server.host, self.server.port), PATIENCE_S) as raw:
                raw.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost:{self.server.port}\r\n"
                            f"Authorization: Bearer {self.ada}\r\n\r\n".encode())
                answer = b""
                while more := raw.recv(65536):
                    answer += more
            head, _, body = answer.partition(b"\r\n\r\n")
            self.assertIn(b"HTTP/1.1 200 ", head)
            self.assertRegex(head, rb"\r\nContent-Length: [1-9]")
            self.assertEqual(body, b"", path)

    def test_the_host_must_be_one_of_the_servers_names(self):
        port = self.server.port
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
            self.assertEqual(self.server.ask("GET", "/healthz", headers={"Host": host}).status, 200, host)
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1:{port}.evil.example", ""):
            for path in ("/healthz", "/", "/ws", "/exchanges"):
                reply = self.server.ask("GET", path, token=self.ada, headers={"Host": host})
                self.assertIn(reply.status, (400, 403), (host, path))
                self.assertNotIn(b"evil", reply.body)

    def test_a_foreign_origin_is_refused_everywhere(self):
        for origin in ("http://evil.example", "null", f"https://127.0.0.1:{self.server.port}", "http://127.0.0.1"):
            for method, path in (("GET", "/"), ("GET", "/exchanges"), ("POST", "/store"), ("GET", "/metrics")):
                reply = self.server.ask(method, path, '{"exchange":1}' if method == "POST" else None, self.ada,
                                        {"Origin": origin})
                self.refused(reply, 403, "forbidden")
            with self.assertRaises(websockets.InvalidStatusCode) as refusal:
                asyncio.run(self.open_and_close(origin))
            self.assertEqual(refusal.exception.status_code, 403)

    def test_the_servers_own_origin_is_welcome(self):
        own = f"http://localhost:{self.server.port}"
        self.assertEqual(self.server.ask("POST", "/store", '{"exchange":1}', self.ada, {"Origin": own}).status, 200)
        asyncio.run(self.open_and_close(own))

    async def open_and_close(self, origin):
        async with self.server.connect(self.ada, origin=origin) as client:
            await read(client, "welcome")

    # ---- what needs no token

    def test_health_says_that_it_runs(self):
        reply = self.server.ask("GET", "/healthz")
        self.assertEqual((reply.status, reply.json["status"]), (200, "ok"))
        self.assertEqual(reply.json["version"], run("--version").stdout.split()[1])
        self.assertGreaterEqual(reply.json["uptime_s"], 0)
        self.assertEqual(self.server.ask("GET", "/readyz").json, {"status": "ready"})

    def test_metrics_are_prometheus_text(self):
        self.server.store(self.ada, 1)
        reply = self.server.ask("GET", "/metrics")
        self.assertEqual(reply.headers.get_all("Content-Type"), ["text/plain; version=0.0.4; charset=utf-8"])
        helped, typed, samples, text = [], {}, {}, reply.body.decode()
        self.assertTrue(text.endswith("\n"))
        for line in text.splitlines():
            if help_line := re.fullmatch(r"# HELP ([a-z_]+) (.+)", line):
                helped.append(help_line[1])
            elif type_line := re.fullmatch(r"# TYPE ([a-z_]+) (counter|gauge)", line):
                self.assertEqual(type_line[1], helped[-1])
                self.assertNotIn(type_line[1], typed)
                typed[type_line[1]] = type_line[2]
            else:
                sample = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[a-z_]+"\})? ([0-9.e+]+)', line)
                self.assertIsNotNone(sample, line)
                self.assertEqual(sample[1], helped[-1], "the samples of one name stand together")
                self.assertNotIn(sample[1] + (sample[2] or ""), samples)
                samples[sample[1] + (sample[2] or "")] = float(sample[3])
        self.assertEqual(len(helped), len(set(helped)))
        self.assertTrue(all(kind == "counter" for name, kind in typed.items() if name.endswith("_total")))
        for name in ("wsm_records_appended_total", "wsm_sqlite_commits_total", "process_resident_memory_bytes"):
            self.assertGreater(samples[name], 0)
        self.assertEqual(samples["wsm_ready"], 1)

    def test_the_page_is_whole_in_itself_and_runs_nothing_else(self):
        replies = [self.server.ask("GET", "/") for _ in range(2)]
        nonces = set()
        for reply in replies:
            text = reply.body.decode()
            policy = reply.headers["Content-Security-Policy"]
            self.assertEqual(reply.headers.get_all("Content-Type"), ["text/html; charset=utf-8"])
            self.assertEqual(reply.headers["X-Frame-Options"], "DENY")
            self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(reply.headers["Cache-Control"], "no-store")
            nonce = re.search(r"script-src 'nonce-([0-9a-f]{32})'", policy)[1]
            nonces.add(nonce)
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(text.count(f'nonce="{nonce}"'), 2)
            self.assertEqual(len(re.findall(r"<(?:script|style)\b", text)), 2)
            self.assertIsNone(re.search(r"\b(?:src|href)=(?!\"(?:data:|#))", text))
            for name in ("status", "stream", "presence", "store-text", "store-send", "connections", "token", "connect"):
                self.assertEqual(text.count(f'id="{name}"'), 1)
        self.assertEqual(len(nonces), 2)

    def test_what_comes_from_outside_stands_escaped_in_the_log(self):
        self.server.ask("GET", "/ws", headers={"Host": "evil\\\x1b[31m\tname"})
        self.server.ask("GET", "/exchanges", token="not.a.token")
        for line in self.server.log.splitlines():
            self.assertRegex(line, r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) [\x20-\x7e]+\Z")
            self.assertLess(len(line), 1024)
        self.assertIn("auth_failed", self.server.log)
        self.assertNotIn(self.ada.split(".")[2], self.server.log)


class Limits(unittest.TestCase):
    def test_an_agent_over_its_rate_is_told_when_to_come_again(self):
        with Server(agent_messages_per_s=1, agent_messages_burst=3, log="memory") as server:
            ada, eve = server.token("ada"), server.token("eve")
            replies = [server.store(ada, n) for n in range(6)]
            self.assertEqual([reply.status for reply in replies[:3]], [200] * 3)
            self.assertEqual(replies[-1].status, 429)
            self.assertEqual(replies[-1].error["code"], "rate_limited")
            self.assertGreaterEqual(int(replies[-1].headers["Retry-After"]), 1)
            self.assertEqual(server.store(eve, 1).status, 200)

    def test_an_address_that_guesses_tokens_is_blocked(self):
        with Server(auth_failures_per_min=3, log="memory") as server:
            ada = server.token("ada")
            self.assertEqual([server.ask("GET", "/exchanges", token="a.b.c").status for _ in range(3)], [401] * 3)
            reply = server.ask("GET", "/exchanges", token=ada)
            self.assertEqual(reply.status, 429)
            self.assertIn("Retry-After", reply.headers)
            self.assertEqual(server.ask("GET", "/healthz").status, 200)

    def test_a_larger_body_can_be_allowed(self):
        with Server(http_body_bytes_max=2000000, message_bytes_max=2000000, queue_bytes_max=8000000) as server:
            self.assertEqual(server.store(server.token("ada"), "x" * 1000000).status, 200)

    def test_what_memory_has_given_up_is_read_from_the_disk_or_told(self):
        with Server(history_records_max=10, agent_messages_per_s=0) as server:
            ada = server.token("ada")
            for n in range(30):
                server.store(ada, n)
            found, after, more = [], 0, True
            while more:
                page = server.page(ada, after=after, limit=7)
                self.assertNotIn("trimmed_to", page)
                found += [message["exchange"] for message in page["exchanges"]]
                after, more = page["next_after"], page["more"]
            self.assertEqual(found, list(range(30)))
        with Server(history_records_max=10, agent_messages_per_s=0, log="memory") as server:
            ada = server.token("ada")
            for n in range(30):
                server.store(ada, n)
            page = server.page(ada)
            # ada's card was the first record
            self.assertEqual((page["trimmed_to"], page["exchanges"][0]["offset"]), (21, 22))


class Life(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name) / "data"

    def test_sigterm_and_sigint_end_it_cleanly(self):
        async def scenario(server, number):
            async with server.connect(server.token("ada")) as client:
                await read(client, "welcome")
                server.process.send_signal(number)
                with contextlib.suppress(websockets.ConnectionClosed):
                    while True:
                        await asyncio.wait_for(client.recv(), PATIENCE_S)
                return client.close_code

        for number in (signal.SIGTERM, signal.SIGINT):
            with Server(self.data) as server:
                kept = server.store(server.token("bob"), number.name).json
                self.assertEqual(asyncio.run(scenario(server, number)), 1001)
                self.assertEqual(server.process.wait(PATIENCE_S), 0)
            with Server(self.data) as server:
                found = server.page(server.token("bob"), after=kept["offset"] - 1)
                self.assertEqual(found["epoch"], kept["epoch"])
                self.assertEqual([message["exchange"] for message in found["exchanges"]], [number.name])

    def test_the_second_signal_does_not_wait(self):
        with Server(self.data) as server:
            ada = server.token("ada")
            raw = socket.create_connection((server.host, server.port), PATIENCE_S)
            key = base64.b64encode(b"0123456789abcdef").decode()
            raw.sendall(f"GET /ws HTTP/1.1\r\nHost: localhost:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {ada}\r\n"
                        "Sec-WebSocket-Protocol: wsm.v1\r\n\r\n".encode())
            self.assertIn(b"101 ", raw.recv(65536))
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)  # the client does not answer the close, so the server is still waiting
            self.assertIsNone(server.process.poll())
            self.assertEqual(server.end(), 1)
            raw.close()

    def test_a_second_server_on_the_same_data_is_refused(self):
        with Server(self.data) as server:
            done = run("--data", str(self.data), "--listen", "127.0.0.1:0")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr.splitlines()[-1], r"\Awsmd: .*log\.db.*")
            self.assertEqual(server.store(server.token("ada"), 1).status, 200)

    def test_a_port_in_use_is_refused(self):
        with Server(self.data) as server:
            done = run("--data", str(self.data) + "2", "--listen", f"127.0.0.1:{server.port}")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(str(server.port), done.stderr)
            self.assertIn("in use", done.stderr)

    def test_data_that_is_no_directory_or_no_log_is_refused(self):
        self.data.parent.mkdir(exist_ok=True)
        self.data.write_text("x")
        self.assertIn("not a directory", run("--data", str(self.data)).stderr)
        self.data.unlink()
        self.data.mkdir(0o700)
        (self.data / "log.db").write_bytes(b"not a database" * 100)
        done = run("--data", str(self.data), "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("log.db", done.stderr)
        self.assertEqual((self.data / "log.db").read_bytes(), b"not a database" * 100)
        self.assertEqual(run("--data", "/nowhere/at/all").returncode, 1)

    def test_it_listens_on_ipv6(self):
        with contextlib.closing(socket.socket(socket.AF_INET6)) as probe:
            try:
                probe.bind(("::1", 0))
            except OSError:
                self.skipTest("no IPv6 here")
        with Server(self.data, address="::1") as server:
            self.assertEqual(server.store(server.token("ada"), 1).status, 200)

    def test_it_speaks_tls(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl here")
        key, cert = self.data.parent / "key.pem", self.data.parent / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", cert], check=True, capture_output=True)
        with Server(self.data, args=["--tls-cert", str(cert), "--tls-key", str(key)]) as server:
            self.assertEqual(server.scheme, "https")
            trust = ssl.create_default_context(cafile=str(cert))

            async def scenario():
                address = f"wss://127.0.0.1:{server.port}/ws"
                async with websockets.connect(address, ssl=trust, origin=f"https://127.0.0.1:{server.port}",
                                              subprotocols=["wsm.v1", f"wsm.token.{server.token('ada')}"]) as client:
                    await read(client, "welcome")
                    await client.send(json.dumps({"type": "memory_update", "message_id": UUID % 2, "exchange": "sealed"}))
                    return (await read(client, "ack"))["durable"]

            self.assertTrue(asyncio.run(scenario()))
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE_S, context=trust)
            connection.request("GET", "/healthz")
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
        done = run("--data", str(self.data), "--listen", "127.0.0.1:0", "--tls-cert", str(key), "--tls-key", str(key))
        self.assertEqual(done.returncode, 1)

    def test_the_banner_has_all_that_a_newcomer_needs(self):
        server = subprocess.Popen([WSMD, "--data", str(self.data), "--listen", "127.0.0.1:0", "--banner"], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment())
        try:
            lines = []
            while "/store" not in (line := server.stdout.readline()):
                self.assertTrue(line, lines)
                lines.append(line)
            url, token = re.search(r"(http://127\.0\.0\.1:\d+)/#token=(\S+)", "".join(lines)).groups()
            claims = unpack(token)[1]
            self.assertEqual((claims["sub"], claims["wsm"]["kind"]), ("operator", "human"))
            words = line.split()
            self.assertEqual((words[0], words[-1]), ("curl", url + "/store"))
            bearer = re.search(r"Bearer ([\w.-]+)'", line)[1]
            self.assertEqual(unpack(bearer)[1]["sub"], "ada")
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE_S)
            connection.request("POST", "/store", re.search(r"-d '(.+)' ", line)[1], {"Authorization": f"Bearer {bearer}"})
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
        finally:
            server.terminate()
            self.assertEqual(server.wait(PATIENCE_S), 0)
            server.stdout.close()

    def test_a_log_in_memory_begins_anew_and_says_that_it_keeps_nothing(self):
        epochs = set()
        for _ in range(2):
            with Server(self.data, args=["--log", "memory"]) as server:
                reply = server.store(server.token("ada"), 1).json
                self.assertEqual((reply["offset"], reply["durable"]), (2, False))  # behind ada's card
                epochs.add(reply["epoch"])
        self.assertEqual(len(epochs), 2)

    def test_kill_and_restart_lose_nothing_that_was_acknowledged(self):
        """Clients store over both ways while the server is killed five times; each resumes from its last position."""
        async def listen(server, token, state):
            with contextlib.suppress(websockets.ConnectionClosed, OSError):
                async with server.connect(token, state["epoch"], state["position"]) as client:
                    while True:
                        message = json.loads(await client.recv())
                        if message["type"] == "welcome":
                            state["epoch"] = state["epoch"] or message["epoch"]
                            state["resumes"].append(message["resume"])
                        elif message["type"] == "position":
                            state["position"] = message["offset"]
                        elif message["type"] == "gap":
                            state["gaps"].append(message)
                        elif message["type"] == "memory_update" and message["offset"] not in state["seen"]:
                            state["seen"][message["offset"]] = message["exchange"]

        async def publish(server, token, durable, prefix):
            for n in range(1000):
                try:
                    reply = await asyncio.to_thread(server.store, token, f"{prefix}-{n}")
                except (OSError, http.client.HTTPException):
                    return
                if reply.status == 200 and reply.json["durable"]:
                    durable[reply.json["offset"]] = f"{prefix}-{n}"

        async def scenario():
            tokens = {name: mint(self.data, "--agent", name) for name in ("ada", "eve", "pub")}
            states = [{"epoch": None, "position": 0, "seen": {}, "gaps": [], "resumes": []} for _ in range(2)]
            durable, port = {}, 0
            for life in range(6):
                server = Server(self.data, port=port, agent_messages_per_s=0)
                port = server.port
                listeners = [asyncio.create_task(listen(server, tokens[name], state))
                             for name, state in zip(("ada", "eve"), states)]
                while any(len(state["resumes"]) <= life for state in states):
                    await asyncio.sleep(0.01)
                publisher = asyncio.create_task(publish(server, tokens["pub"], durable, f"life{life}"))
                await asyncio.sleep(0.4)
                server.kill()
                await asyncio.gather(publisher, *listeners)
                server.close()
            with Server(self.data, port=port) as server:
                last = max(durable)
                listeners = [asyncio.create_task(listen(server, tokens[name], state))
                             for name, state in zip(("ada", "eve"), states)]
                end = time.monotonic() + PATIENCE_S
                while (any(last not in state["seen"] or len(state["resumes"]) < 7 for state in states)
                       and time.monotonic() < end):
                    await asyncio.sleep(0.02)
                for listener in listeners:
                    listener.cancel()
                kept, numbers, after, more = {}, [], 0, True
                while more:
                    page = await asyncio.to_thread(server.page, tokens["pub"], after=after, limit=1000)
                    kept.update((message["offset"], message["exchange"]) for message in page["exchanges"])
                    numbers += [message["seq"] for message in page["exchanges"]]
                    after, more = page["next_after"], page["more"]
            return durable, kept, numbers, states

        durable, kept, numbers, states = asyncio.run(scenario())
        self.assertGreater(len(durable), 20)
        self.assertEqual(numbers, list(range(1, len(kept) + 1)), "the log has a hole")
        self.assertEqual(len(set(kept.values())), len(kept), "something is in the log twice")
        self.assertEqual({offset: kept.get(offset) for offset in durable}, durable)
        for state in states:
            self.assertEqual(state["gaps"], [])
            self.assertEqual(state["resumes"], ["none"] + ["replayed"] * 6)
            self.assertEqual({offset: state["seen"].get(offset) for offset in kept if offset <= max(durable)},
                             {offset: text for offset, text in kept.items() if offset <= max(durable)})


class Count(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main(module):
    names, loader = sys.argv[1:], unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Count).run(suite)
    failed = len(result.failures) + len(result.errors)
    sys.stderr.flush()
    if result.skipped:
        print("report: not tested here:", "; ".join(f"{test.id().split('.')[-1]} ({why})" for test, why in result.skipped))
    print(f"{result.passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
