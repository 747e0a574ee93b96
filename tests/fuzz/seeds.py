#!/usr/bin/python3
"""Seeds for the fuzz targets, from what the tests know already.

    seeds.py FOLDER     writes FOLDER/<target>/<name>

* The tables of the unit tests (HTTP heads, upgrades, frames, JSON), read after the preprocessor has run over them. The rows
  of frames are the rules of RFC 6455, each a transcript: named rfc6455-..., they stay in the corpus as they are.
* Every bad input of tests/acceptance/test_bad_input.py: its functions run against a server and a client that only write down
  what they are given.
* The types of lib/proto/messages.def, and a few scripts for targets that read operations.

`make fuzz` merges them into the corpus; what adds no coverage is not kept, named transcripts excepted."""

import base64
import hashlib
import hmac
import importlib.util
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STRING = r'(?:"(?:\\.|[^"\\])*"\s*)+'
ROW = re.compile(r"\{\s*(" + STRING + r"),\s*(" + STRING + r")")
ESCAPES = {"n": 10, "r": 13, "t": 9, "0": 0, "\\": 92, '"': 34, "'": 39, "a": 7, "b": 8, "f": 12, "v": 11}

# Mode bytes of the targets (see the head of each).
HTTP_HUB, HTTP_PLAIN, HTTP_HELLO, HTTP_SMALL, HTTP_ANSWERS, HTTP_LATER, HTTP_DEFERS, HTTP_ORIGINS = 0, 1, 2, 4, 8, 16, 32, 64
FRAMES_HUB, FRAMES_PLAIN, FRAMES_SMALL, FRAMES_CALM, FRAMES_WAITS = 0, 1, 2, 4, 8
CLIENT_PLAIN, CLIENT_UPGRADED, CLIENT_SMALL, CLIENT_WAITS, CLIENT_RESUMES = 1, 2, 4, 8, 16

UUID = "0190e0a0-7b1c-7def-8123-%012x"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = (f"GET /ws HTTP/1.1\r\nHost: hub.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: wsm.v1\r\nAuthorization: Bearer {{T}}\r\n\r\n").encode()

seeds = {}


SAID = "0190e0a0-7b1c-7def-8123-0000000004"  # and two digits: an id


def add(target, name, content):
    name = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")[:60] or "nameless"
    seeds.setdefault(target, {})
    while name in seeds[target] and seeds[target][name] != content:
        name += "x"
    if len(content) <= 65536:
        seeds[target][name] = content


# ---- C tables ----------------------------------------------------------------------------------------------------------


def unquote(literals):
    """The bytes of adjacent C string literals."""
    out = bytearray()
    for body in re.findall(r'"((?:\\.|[^"\\])*)"', literals, re.S):
        at = 0
        raw = body.encode("utf-8", "surrogateescape")
        while at < len(raw):
            if raw[at] != 92:
                out.append(raw[at])
                at += 1
                continue
            c = chr(raw[at + 1])
            at += 2
            if c == "x":
                digits = re.match(rb"[0-9a-fA-F]+", raw[at:]).group()
                out.append(int(digits, 16) & 255)
                at += len(digits)
            elif c in "01234567":
                digits = re.match(rb"[0-7]{1,3}", raw[at - 1:]).group()
                out.append(int(digits, 8) & 255)
                at += len(digits) - 1
            else:
                out.append(ESCAPES.get(c, ord(c)))
    return bytes(out)


def preprocessed(source):
    command = ["cc", "-E", "-P", "-std=c11", "-Iinclude", "-iquote", "lib", "-Itests/support", "-Itests/unit", source]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode("utf-8", "surrogateescape")


def rows(source):
    """(name, second string) of each row of each table."""
    return [(unquote(a).decode("latin-1"), unquote(b)) for a, b in ROW.findall(preprocessed(source))]


# ---- frames, in the notation of tests/unit/wire_build.h --------------------------------------------------------------------


def payload_of(text):
    if text.startswith("*"):
        count = re.match(r"\*(\d+)", text).group(1)
        return b"a" * int(count), text[1 + len(count):]
    end = text.find(" ") if " " in text else len(text)
    body = text[1:end] if text.startswith(":") else text[:end]
    raw = re.sub(rb"%([0-9a-fA-F]{2})", lambda m: bytes([int(m.group(1), 16)]), body.encode("latin-1"))
    return raw, text[end:]


def frame(first, payload, masked, form=0, mask=b"\x37\xfa\x21\x3d"):
    form = form or (1 if len(payload) < 126 else 2 if len(payload) < 65536 else 8)
    m = 0x80 if masked else 0
    head = bytes([first, m | (len(payload) & 127 if form == 1 else 126 if form == 2 else 127)])
    if form > 1:
        head += len(payload).to_bytes(form, "big")
    if masked:
        head += mask
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return head + payload


def frames(script, masked):
    out = b""
    while script:
        if script[0] == " ":
            script = script[1:]
            continue
        if script[0] == "#":
            digits = re.match(r"[0-9a-fA-F]*", script[1:]).group()
            out += bytes.fromhex(digits)
            script = script[1 + len(digits):]
            continue
        turned = script[0] == "!"
        script = script[turned:]
        rsv = form = 0
        if script[0] == "R":
            rsv, script = int(re.match(r"R(\d+)", script).group(1)), re.sub(r"^R\d+", "", script)
        if script[0] == "L":
            form, script = int(script[1]), script[2:]
        kind, script = script[0], script[1:]
        body = b""
        opcode = {"T": 1, "B": 2, "C": 0, "P": 9, "O": 10, "X": 8}.get(kind.upper())
        digits = re.match(r"\d*", script).group()
        if kind.upper() == "N":
            opcode, script = int(digits), script[len(digits):]
        elif kind.upper() == "X" and digits:
            body, script = int(digits).to_bytes(2, "big"), script[len(digits):]
        more, script = payload_of(script)
        out += frame((0x80 if kind.isupper() else 0) | rsv << 4 | opcode, body + more, masked != turned, form)
    return out


def frame_tables():
    for name, script in rows("tests/unit/test_wire_ws.c"):
        try:
            ours, theirs = frames(script.decode("latin-1"), True), frames(script.decode("latin-1"), False)
        except (ValueError, IndexError, AttributeError, TypeError):
            continue  # a row of another table
        if not ours or len(ours) > 700:
            continue
        add("frame_stream", "rfc6455 " + name, bytes([FRAMES_PLAIN]) + ours)
        add("client", "rfc6455 " + name, bytes([CLIENT_PLAIN | CLIENT_UPGRADED]) + theirs)
    hub = {
        "update": '{"type":"memory_update","message_id":"%s","exchange":{"a":1}}' % (UUID % 1),
        "update twice": '{"type":"memory_update","message_id":"%s","exchange":{"a":1}}' % (UUID % 1),
        "presence": '{"type":"agent_presence","status":"working","note":"at it"}',
        "list": '{"type":"agent_list","message_id":"%s"}' % (UUID % 2),
        "nonsense": "{",
    }
    whole = b"".join(frame(0x81, text.encode(), True) for text in hub.values())
    add("frame_stream", "session all", bytes([FRAMES_HUB]) + whole + frame(0x88, b"\x03\xe8bye", True))
    for name, text in hub.items():
        add("frame_stream", "session " + name, bytes([FRAMES_HUB]) + frame(0x81, text.encode(), True))
    # What stands between the rules: the ends of a connection, floods, silence.
    scripts = {
        "rfc6455 5.5.2 pings flood": (FRAMES_PLAIN, "P:1 " * 25),
        "rfc6455 5.5.2 pings coalesce": (FRAMES_PLAIN | FRAMES_CALM, "P:1 " * 20 + "P:last"),
        "rfc6455 5.5.1 nothing after close": (FRAMES_PLAIN, "X1000:bye T:late P:late"),
        "rfc6455 7.1.5 empty close": (FRAMES_PLAIN, "T:a X"),
        "rfc6455 7.4 close code echoed": (FRAMES_PLAIN, "X4321:mine"),
        "rfc6455 8.1 late utf8": (FRAMES_PLAIN, "t:%e2%82 C:%ac"),
        "assembly takes too long": (FRAMES_PLAIN | FRAMES_WAITS, "t:a c:b"),
        "silence": (FRAMES_HUB | FRAMES_WAITS, "P:1"),
        "small message too long": (FRAMES_PLAIN | FRAMES_SMALL, "T*101"),
        "small too many fragments": (FRAMES_PLAIN | FRAMES_SMALL, "t:a c:b c:c c:d C:e"),
        "binary to a hub": (FRAMES_HUB, "B:%00"),
        "small too many values": (FRAMES_HUB | FRAMES_SMALL, 'T:{"type":"hello","a":[' + ",".join("1" * 20) + "]}"),
    }
    for name, (mode, script) in scripts.items():
        add("frame_stream", name, bytes([mode]) + frames(script, True))


def http_tables():
    for source in ("tests/unit/test_wire_http.c", "tests/unit/test_wire_upgrade.c"):
        for name, text in rows(source):
            if not re.match(rb"[A-Za-z ]", text[:1]):
                continue
            if text.startswith(b"HTTP/"):
                add("client", "answer " + name, bytes([CLIENT_PLAIN]) + text)
                continue
            for mode in (HTTP_HUB, HTTP_PLAIN, HTTP_SMALL | HTTP_ANSWERS, HTTP_ORIGINS | HTTP_LATER):
                add("http_upgrade", f"{name} {mode}", bytes([mode]) + text)
            lines = text.split(b"\r\n")
            letters = {b"sec-websocket-protocol": b"p", b"sec-websocket-extensions": b"x", b"connection": b"c", b"upgrade": b"u",
                       b"sec-websocket-version": b"v", b"sec-websocket-key": b"k", b"authorization": b"a",
                       b"x-memory-auth": b"m", b"x-memory-session": b"s", b"origin": b"o", b"host": b"h",
                       b"content-length": b"l"}
            query = lines[0].split(b"?", 1)[1].split(b" ")[0] if b"?" in lines[0] else b""
            short = [(b"" if lines[0].startswith(b"GET") else b"!") + query]
            for line in lines[1:]:
                key, _, value = line.partition(b":")
                short.append(letters.get(key.lower(), b"") + value.strip() if key.lower() in letters else line)
            add("header_values", name, b"\n".join(x for i, x in enumerate(short) if x or i == 0))
    for mode in (0, HTTP_PLAIN, HTTP_HELLO, HTTP_DEFERS, HTTP_ORIGINS, HTTP_LATER):
        add("http_upgrade", f"upgrade and frames {mode}", bytes([mode]) + UPGRADE + frames("T:hi P:x X1000:bye", True))
        resumed = UPGRADE.replace(b"/ws ", b"/ws?epoch={E}&after=0 ").replace(b"hub.example", b"Zq7xZq7x")
        add("http_upgrade", f"resumed {mode}", bytes([mode]) + resumed + frames("T:hi", True))
    mask = b"\0\0\0\0"
    add("http_upgrade", "host listed", b"\x80" + UPGRADE)
    add("http_upgrade", "host not listed", b"\x80" + UPGRADE.replace(b"hub.example", b"evil.example"))
    add("http_upgrade", "origin listed", b"\x40" + UPGRADE.replace(b"\r\n\r\n", b"\r\nOrigin: https://ui.example\r\n\r\n"))
    hello = UPGRADE.replace(b"Authorization: Bearer {T}\r\n", b"")
    for name, text in {"hello wrong": '{"type":"hello","token":"x"}', "hello not first": '{"type":"agent_list"}',
                       "hello no json": "{"}.items():
        add("http_upgrade", name, bytes([HTTP_HELLO]) + hello + frame(0x81, text.encode(), True, 0, mask))
    for status in (202, 204, 299, 301, 302, 304, 399, 409, 499, 500, 501, 502, 599, 600, 999):
        add("http_upgrade", f"status {status}", bytes([HTTP_ANSWERS]) + f"GET /{status} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    for mode in (HTTP_HUB, HTTP_ANSWERS, HTTP_LATER, HTTP_SMALL | HTTP_ANSWERS):
        add("http_upgrade", f"post {mode}", bytes([mode]) + b"POST /Zq7xZq7x?Zq7xZq7x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        add("http_upgrade", f"post more {mode}", bytes([mode]) + b"PUT /x HTTP/1.1\r\nHost: h\r\nX: Zq7xZq7x\r\nContent-Length: 2\r\n\r\nhello")


def json_tables():
    for source in ("tests/unit/test_proto_scan.c", "tests/unit/test_proto_json.c", "tests/unit/test_proto_decode.c"):
        literals = re.findall(STRING, preprocessed(source))
        for text in {unquote(x) for x in literals}:
            if text and len(text) < 4000 and re.search(rb'[\[{"0-9]', text):
                for mode in (0, 1):
                    add("json_scan", f"text {hash_of(text)} {mode}", bytes([mode]) + text)
                if text.startswith(b"{") and b"\n" not in text:
                    add("envelope", f"text {hash_of(text)}", b"\0" + text)


def hash_of(content):
    return hashlib.sha1(content).hexdigest()[:12]


# ---- the acceptance test's bad inputs ------------------------------------------------------------------------------------------


class Anything(dict):
    def __missing__(self, key):
        return 1


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class FakeServer:
    good = b"{T}"
    port, kid, key = 8002, None, b"the first secret of some thirty-six b"

    def __init__(self, *sets):
        self.log = None

    def stop(self):
        return 0

    def token(self, header=None, key=None, raw_payload=None, **change):
        claims = {"sub": "eve", "iat": 1767323045, "exp": 1767323645, "wsm": {"permission": "active"}}
        for name, value in change.items():
            claims.pop(name, None) if value is None else claims.__setitem__(name, value)
        head = {"alg": "HS256", "typ": "JWT"} if header is None else header
        payload = raw_payload if raw_payload is not None else json.dumps(claims).encode()
        signed = json.dumps(head).encode() + b"\n" + payload
        add("jwt", "signed " + hash_of(signed), b"\0" + signed)
        text = b64(json.dumps(head).encode()) + "." + b64(payload)
        token = text + "." + b64(hmac.new(self.key, text.encode(), hashlib.sha256).digest())
        if not change and header is None and key is None and raw_payload is None:
            FakeServer.good = token.encode()
        return token


class FakeClient:
    def __init__(self, server, token=None, query=""):
        self.bytes, self.texts, self.s, self.status = b"", [], self, 101

    def sendall(self, data):
        self.bytes += data

    def frame(self, opcode, payload, fin=True):
        if len(payload) < 60000:
            self.bytes += frame((0x80 if fin else 0) | opcode, payload, True)

    def send(self, text):
        text = text if isinstance(text, bytes) else text.encode()
        self.texts.append(text)
        self.frame(1, text)
        add("envelope", "bad " + hash_of(text), b"\0" + text.replace(b"\n", b" "))
        add("json_scan", "bad " + hash_of(text), b"\0" + text)

    def answer(self, *types):
        self.close()
        return Anything(type="error")

    def recv(self, *_):
        return None, b""

    def close(self):
        if self.bytes:
            for mode in (FRAMES_HUB, FRAMES_PLAIN):
                add("frame_stream", "bad " + hash_of(self.bytes), bytes([mode]) + self.bytes)
        self.bytes = b""


def bad_inputs():
    spec = importlib.util.spec_from_file_location("bad", ROOT / "tests/acceptance/test_bad_input.py")
    bad = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bad)
    bad.Server, bad.Client = FakeServer, FakeClient
    bad.check = lambda ok, text: None

    def answer(port, data, slowly=False):
        if not slowly:
            add("http_upgrade", "bad " + hash_of(data), b"\0" + data.replace(FakeServer.good, b"{T}"))
        return 0

    bad.answer = answer
    bad.time.time = lambda: 1767323045
    for name in ("handshakes", "tokens", "messages", "ids", "closes"):
        try:
            getattr(bad, name)(FakeServer())
        except (AttributeError, TypeError, ValueError, KeyError, OSError) as error:
            print(f"seeds: {name} of test_bad_input.py stopped early: {error!r}", file=sys.stderr)


# ---- the rest ----------------------------------------------------------------------------------------------------------------


def scripts():
    for i in range(40):
        for pick in (0, 1, 77, 255):
            add("messages", f"type {i} {pick}", bytes([i, pick]) + bytes((i * 31 + j * pick * 7 + 2) & 255 for j in range(60)))
    up = [{"type": "memory_update", "message_id": UUID % 1, "exchange": {"text": "x"}, "topic": "t", "tags": ["a"], "key": "k"},
          {"type": "agent_presence", "message_id": UUID % 2, "status": "idle", "specialties": ["c"]},
          {"type": "agent_list", "message_id": UUID % 3, "filter": {"specialty": "c"}}]
    for mode in range(16):
        lines = [json.dumps(u, separators=(",", ":")) for u in up for _ in range(3)] + ["{", '{"type":"dance"}'] * 6
        add("envelope", f"all {mode}", bytes([mode]) + "\n".join(lines).encode())
    for text in ("", "a", "TWFu", "TWE=", "TQ==", "TQ", "TWE", "_-_-", "+/+/", "TR==", "=", "====", "TQ=a"):
        add("base64", text or "none", text.encode())
    for i, text in enumerate(["plain", "gr\u00fc\u00df", "\u20ac\u0800\ud7ff\ue000\uffff", "\U00010000\U0010ffff", "a" * 40 + "\u20ac"]):
        add("utf8", f"good {i}", text.encode())
    for i, raw in enumerate([b"\xc0\x80", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5", b"\x80",
                             b"\xe2\x82", b"\xf0\x9f\x98", b"a" * 17 + b"\xff", b"\xfe\xff"]):
        add("utf8", f"bad {i}", raw)
    for i, text in enumerate(["@ada", "hello @bob.smith, and @role:testing-x. @here!", "mail ada@example.org http://x.org/@ada?q=@b",
                              "`@code` ``a ` @b`` `open @ada", "\u4f60\u597d@ada\u4f60\u597d \uff20ada @ada\u00e9", "@@ada @-@. @" + "a" * 70,
                              "\\u0040ada \\@bob", "(@ada)[@bob]{@c}'@d'\"@e\"", "@role: @role:. @hereafter @here",
                              "a\n@ada\t@bob\r@\"@\\@/@x\b@e\f@y", "\U0001f600@ada\U0001f600@\U00010000x", "\u2000@ada \u2c00@bob \u2dff@x \u2e00@e \ud7ff@y",
                              "http://x@a http://y@b\u3000@c http://z\u00a0@d http://<@e http://\"@f", "`" * 33 + "@ada" + "`" * 33 + "@bob", "@rolf:@ada @role;@bob"]):
        add("mention", f"text {i}", text.encode())
    config = ["listen = 127.0.0.1:0", "# a comment", "", "log=memory", "message_bytes_max = 1000", "origins = https://a.example,https://b",
              "hosts=h", "tls_cert=a", "tls_key=b", "insecure_plaintext=1", "server_name=x", "sqlite_age_s = 18446744073709551615"]
    add("config", "file", "\n".join(config).encode())
    for i, line in enumerate(config + ["nonsense", "= 1", "listen =", "no_such_key = 1", "message_bytes_max = -1", "message_bytes_max=99999999999",
                                       "log = paper", "log_level = loud", "hello_auth = 2", "a\0b = 1", "x" * 4200, "listen=a\nlisten=b",
                                       "@--set\n@log=memory", "@--set=log=x", "@--set\n@nothing", "@--listen", "@--banner=1", "@--help", "@--keys",
                                       "@--version", "@--nonsense", "@--log=memory\n@--tls-cert\n@a", "%WSMD_LOG=memory", "%WSMD_log=x",
                                       "%WSMD_NOTHING=1", "%HOME=/", "%WSMD_LISTEN", "%WSMD_" + "A" * 80 + "=1", "origins=\nhosts="]):
        add("config", f"line {i}", line.encode())
    for i, text in enumerate([b"plain", b"\n\r\t\0", b"\x1b[31m", b"\xff\xfe", b"\\x41", b"a" * 1100, b"\n" * 400]):
        add("log_escape", f"text {i}", text)
    for i in range(24):
        add("jwt", f"minted {i}", bytes([1 | (i & 2)]) + bytes([(i * 7 + j * 3) % 12 for j in range(9)]) + b"\x1fabc" + bytes([3, 1, 1, 1, 1, 1, 0, 0, i, i]))
        add("frame_structured", f"frames {i}", bytes([i]) + bytes((i * 13 + j * j * 7) & 255 for j in range(70)))
    for i in range(16):
        joins = b"".join(bytes([0, agent, i & 6]) for agent in range(3))
        updates = b"".join(bytes([3, n % 3, n, n * 9 & 255]) for n in range(8))
        add("session", f"three agents {i}", bytes([i]) + joins + updates + bytes([9, 10, 8, 1, 7, i, 6, 0, 0, 1, 6, 1, 1, 2]) + updates +
            bytes([2, 1, 0, 1, 1 | i << 4, 9, 30, 8, 1, 11, 0]) + b"\x0a\x01{\n")
        add("api_calls", f"calls {i}", bytes([i * 17 & 255]) + bytes((i * 29 + j * j * 5 + j) & 255 for j in range(120)))
    for i, wanted in enumerate(('', '"after":2,', '"limit":1,', '"of":"main",', '"of":"elsewhere",', '"after":9,"limit":3,')):
        lines = ['{"type":"context_watch","message_id":"%s01","context_id":"main","interval_ms":100}' % SAID,
                 '{"type":"context_request","message_id":"%s02","context_id":"main","have_version":2}' % SAID,
                 '{"type":"context_request","message_id":"%s03","context_id":"main","records":{%s}}' % (SAID, wanted.rstrip(","))]
        changes = b"".join(bytes([3, n % 2, n + 16 * i, n * 9 & 255]) for n in range(4)) + bytes([9, 5, 6, 0, 1, 3, 6, 1, 2, 4, 9, 20])
        said = [bytes([10, 1]) + line.encode() + b"\n" for line in lines]
        add("session", f"watch {i}", bytes([2 * (i & 1)]) + bytes([0, 0, 0, 0, 1, 0]) + changes + said[0] + changes + said[1] + bytes([2, 0, 9, 30]) +
            bytes([0, 0, 0, 9, 5]) + changes[4:] + said[2] + said[0].replace(b"100", b"0") + changes[8:])
    claims = '{"sub":"ada","exp":1767326645,"iat":1767323045,"wsm":{"permission":"active","contexts":["main","a*"],"can":["admin"]}}'
    for header in ('{"alg":"HS256"}', '{"alg":"HS256","kid":"k2"}', '{"alg":"none"}', '{"alg":"HS256","crit":["x"]}', '{"alg":"HS256","typ":7}'):
        for body in (claims, claims.replace('"iat":1767323045,', ""), '{"sub":"ada","exp":1767326645,"aud":["x","wsm"]}', '{"sub":"ada","exp":1.5e9}'):
            for mode in (0, 2, 4):
                add("jwt", f"written {hash_of((header + body).encode())} {mode}", bytes([mode]) + header.encode() + b"\n" + body.encode())
    welcome = '{"type":"welcome","epoch":"0123456789abcdef","offset":7,"resume":"none"}'
    texts = [welcome, '{"type":"memory_update","offset":9,"exchange":1}', '{"type":"memory_update","offset":9,"exchange":1}',
             '{"type":"position","offset":9}', '{"type":"ack","original_message_id":"%s","durable":true}' % (UUID % 1), '{"type":"gap"}']
    for mode in (CLIENT_UPGRADED, CLIENT_UPGRADED | CLIENT_RESUMES, CLIENT_UPGRADED | CLIENT_WAITS, CLIENT_UPGRADED | 32, CLIENT_WAITS):
        add("client", f"hub {mode}", bytes([mode]) + b"".join(frame(0x81, t.encode(), False) for t in texts) + frame(0x88, b"\x0f\xa8", False))
        add("client", f"no welcome {mode}", bytes([mode]) + frame(0x81, texts[1].encode(), False))
    upgraded = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s"
                "Sec-WebSocket-Accept: {A}\r\n\r\n")
    for i, more in enumerate(("", "Sec-WebSocket-Protocol: wsm.v1\r\n", "Sec-WebSocket-Protocol: chat\r\n", "Sec-WebSocket-Extensions: x\r\n",
                              "Sec-WebSocket-Extensions: x\r\nSec-WebSocket-Extensions: y\r\n", "Sec-WebSocket-Accept: {A}\r\n", "Upgrade: x\r\n",
                              "Sec-WebSocket-Protocol: wsm.v1\r\nSec-WebSocket-Protocol: wsm.v1\r\n")):
        for mode in (0, CLIENT_PLAIN):
            add("client", f"upgraded {i} {mode}", bytes([mode]) + (upgraded % more).encode() + frame(0x81, welcome.encode(), False))
    add("client", "wrong accept", bytes([CLIENT_PLAIN]) + (upgraded % "").replace("{A}", "x").encode())
    add("client", "endless head", bytes([CLIENT_PLAIN]) + b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 20000)
    odd = ['{"type":"welcome","epoch":"0123456789abcdef","offset":7,"resume":"replayed"}', '{"type":"welcome","epoch":"0123456789abcdef","offset":7,"resume":"gap"}',
           '{"type":"welcome","epoch":"fedcba9876543210","offset":7,"resume":"replayed"}', '{"type":"welcome","epoch":7,"offset":7}', '{"type":7}',
           '{"type":"memory_update","offset":"x"}', '{"type":"memory_update","offset":null}', '{"type":"memory_update","context_id":"c","offset":30}',
           '{"type":"mention_route","offset":9}', '{"type":"ga\\u0070"}', '{"type":"welcome"}', '{"no":"type"}', '[]', '{"type":"position","offset":99}']
    for i, first in enumerate(odd):
        for mode in (CLIENT_UPGRADED, CLIENT_UPGRADED | CLIENT_RESUMES):
            add("client", f"odd {i} {mode}", bytes([mode]) + b"".join(frame(0x81, t.encode(), False) for t in (first, welcome, first, first, welcome)))
            add("client", f"odd late {i} {mode}", bytes([mode]) + b"".join(frame(0x81, t.encode(), False) for t in (welcome, first, first)))
    for status in ("401 Unauthorized", "503 Busy", "301 Moved", "101 Switching Protocols"):
        add("client", "answer " + status, bytes([CLIENT_PLAIN]) + f"HTTP/1.1 {status}\r\nContent-Length: 3\r\nX: y\r\n\r\nabcdef".encode())


# ---- records, snapshots, files -----------------------------------------------------------------------------------------------

HEAD = '{"v":1,"type":"memory_update","id":"%s","sender":"ada","context":"main","time":%d,"priority":"normal","digest":"%s","seq":%s,"by":"9f2c000000000000:%d"}'
BODY = '{"message_id":"%s","timestamp":"2026-01-02T03:04:05.678Z","sender_agent_id":"ada","exchange":{"n":%d}}'


def record(n, seq=None, sender="ada", context="main", time=1767323045000, digest="AAAAAAAAAAAAAAAAAAAAAA", body=None, priority="normal"):
    head = HEAD % (UUID % n, time + n, digest, seq if seq is not None else n, n)
    head = head.replace('"ada"', f'"{sender}"').replace('"main"', f'"{context}"').replace('"normal"', f'"{priority}"')
    return (head + "\n" + (body if body is not None else BODY % (UUID % n, n))).encode()


def snapshot(offset, dedup="", voids="", fixes=""):
    return (b"S" + ('{"v":1,"offset":%d,"lost":0,"contexts":[{"id":"main","seq":%d,"fixes":[%s]}],"voids":[%s],"dedup":[%s]}'
            % (offset, offset, fixes, voids, dedup)).encode())


def records():
    good = [record(n) for n in range(1, 6)]
    entry = '{"s":"ada","i":"AZDgoHscfe-BI0VniavN7w","d":"AAAAAAAAAAAAAAAAAAAAAA","o":1,"t":1767323045001}'
    tapes = {
        "five": good, "none": [], "a broken one": good[:2] + [b"B"] + good[3:], "a hole": good[:2] + [b"G"] + good[3:],
        "no head": [b"x"] + good, "no body": [good[0].split(b"\n")[0]], "body no object": [record(1, body="[]")],
        "empty body": [record(1, body="{}")], "the same twice": [good[0], good[0]], "other content": [good[0], record(1, digest="BAAAAAAAAAAAAAAAAAAAAA")],
        "other context": [record(1, context="nowhere")], "other sender": [record(1, sender="bob"), record(1)],
        "critical": [record(1, priority="critical"), record(2, priority="background")], "seq ahead": [record(1, seq=9), record(2, seq=1)],
        "no utf8": [record(1, body='{"a":"') + b"\xff" + b'"}'], "a nul": [record(1) + b"\0"], "a newer node": [record(1).replace(b'"v":1', b'"v":1,"new":[1]')],
        "a later version": [record(1).replace(b'"v":1', b'"v":2')], "unknown type": [record(1).replace(b"memory_update", b"dance")],
        "snapshot": [b"G", b"G", snapshot(2)] + good[2:], "snapshot with ids": [b"G", snapshot(1, dedup=entry)] + good,
        "snapshot with voids": [b"G", b"G", snapshot(2, voids="[1,0],[2,1]", fixes="[2,-1]")] + good[2:],
        "snapshot of another offset": [b"G", snapshot(2)], "snapshot no json": [b"G", b"S{"], "snapshot of another version": [b"G", b'S{"v":2}'],
        "newest time": [record(1, time=9007199254740000)], "numbers of another order": [record(3), record(1), record(2)],
    }
    for name, tape in tapes.items():
        for mode in (0, 1, 3, 5, 15):
            add("record_load", f"{name} {mode}", bytes([mode]) + b"\x1e".join(tape))
    more = {"also": ',"also":"main"', "also wrong": ',"also":"a b"', "hop": ',"hop":3', "hop wrong": ',"hop":-1', "may": ',"may":3', "may wrong": ',"may":"x"',
            "to": ',"to":["bob","eve"]', "to no list": ',"to":"bob"', "to wrong": ',"to":["a b"]', "result": ',"result":{"x":[1]}', "seq wrong": ',"x":1'}
    for name, text in more.items():
        tape = [record(n).replace(b'"}\n', b'"' + text.encode() + b'}\n') for n in (1, 2)]
        for mode in (0, 7):
            add("record_load", f"more {name} {mode}", bytes([mode]) + b"\x1e".join(tape))
    told = {"at": "", "void": ',"fates":[0,0]', "number": ',"inflight":1,"fates":[1,1,0,-1]', "told": ',"told":1,"fates":[0,0]', "maybe": ',"maybe":2',
            "again": ',"again":1', "again wrong": ',"again":2', "fates no list": ',"fates":1', "fates wrong": ',"fates":[9,9,"x"]', "far": ',"inflight":9007199254740991'}
    for name, text in told.items():
        tape = [record(n).replace(b'"by"', b'"at":%d,"by"' % (n - 1)).replace(b'"}\n', b'"' + text.encode() + b'}\n') for n in range(1, 6)]
        for gone in (None, 0, 2):
            cut = [b"B" if i == gone else r for i, r in enumerate(tape)]
            for mode in (1, 7):
                add("record_load", f"told {name} {gone} {mode}", bytes([mode]) + b"\x1e".join(cut))
    for name in ("at", "inflight", "maybe", "told", "again", "rules"):
        add("record_load", f"{name} no number", b"\1" + record(1).replace(b'"by"', b'"%s":-1,"by"' % name.encode()))
    untold = snapshot(2, voids="[1,2],[2,3]").replace(b'"dedup"', b'"broken":1,"untold":[[1,0,1],[2,-1,9]],"dedup"')
    for mode in (1, 7):
        add("record_load", f"snapshot with fates {mode}", bytes([mode]) + b"\x1e".join([b"G", b"G", untold] + good[2:]))
        add("record_load", f"snapshot with fates of none {mode}", bytes([mode]) + b"\x1e".join([b"G", b"G", untold.replace(b"[2,-1,9]", b"[1,1,1]")] + good[2:]))
    for i, bad in enumerate((b'{"type":"x"}', b'{"offset":1}', b'{"seq":1}', b'{"a":1,"a":2}', b"{", b"{]", b"x}")):
        add("record_load", f"body {i}", b"\1" + record(1, body=bad.decode()))
    for i, by in enumerate((b"9F2C000000000000:1", b"9f2c00000000000g:1", b"9f2c000000000000", b"9f2c000000000000:x", b"9f2c000000000000-1")):
        add("record_load", f"by {i}", b"\1" + record(1).replace(b"9f2c000000000000:1", by))
    for kind in ("agent_card", "mention_ack", "sidebar_spawn", "mention_route"):
        add("record_load", "type " + kind, b"\7" + b"\x1e".join(r.replace(b"memory_update", kind.encode()) for r in good))


def simulations():
    dice = random.Random(5)
    for i in range(30):
        content = bytes([i % 3])
        for _ in range((60, 200, 600, 1500)[i % 4]):
            content += bytes([dice.choice((0, 0, 1, 1, 1, 2, 3, 3, 3, 4, 5, 6)), dice.randrange(256) if dice.random() < 0.7 else 0])
        add("sim_choices", f"random {i}", content)
    for i in range(12):
        content = bytes([i])
        for _ in range(30):
            op = dice.randrange(256)
            content += bytes([op])
            if op % 10 == 3:
                content += b'{"type":"agent_list","message_id":"%s"}\n' % (UUID % 1).encode()
            elif op % 10 == 6:
                content += bytes([dice.randrange(2), dice.randrange(200)])
            elif op % 10 >= 8:
                content += bytes([dice.randrange(256)])
        add("sim_session", f"operations {i}", content)


def files():
    add("sqlite_file", "five records", b"\1")
    for i in range(40):
        add("sqlite_file", f"changed {i}", b"\1" + bytes([(i * 37) & 31, (i * 97) & 255, (i * 53) & 255]) * 1)
    for i, at in enumerate((16, 18, 19, 20, 24, 28, 40, 44, 56, 60, 68, 92, 96, 100, 101, 103, 105, 107)):
        add("sqlite_file", f"head {i}", b"\1" + at.to_bytes(2, "big") + b"\x7f")
    add("sqlite_file", "empty", b"\0")
    add("sqlite_file", "no database", b"\0hello, world")
    schema = ('CREATE TABLE meta(key TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT;'
              'CREATE TABLE record("offset" INTEGER PRIMARY KEY, bytes BLOB NOT NULL, checksum INTEGER NOT NULL, kept_at INTEGER NOT NULL) STRICT;'
              'CREATE TABLE snapshot("offset" INTEGER PRIMARY KEY, bytes BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT;'
              "INSERT INTO meta VALUES('schema_version', 1), ('epoch', '0123456789abcdef');")
    ids = {}
    for line in (ROOT / "lib/adapters/sqlite/file.h").read_text().splitlines():
        found = re.match(r"#define (WSM__SQLITE_APPLICATION_ID|WSM__SQLITE_SCHEMA_VERSION)\s+(\w+?)u?\b", line)
        if found:
            ids[found.group(1)] = int(found.group(2).rstrip("u"), 0)
    variants = {"small": "", "far": 'INSERT INTO record VALUES(1, x\'61\', 0, 0), (4000000000000000000, x\'62\', 0, 0)',
                "two far snapshots": 'INSERT INTO snapshot VALUES(7, x\'7b7d\', 0), (9000000000000000000, x\'7b7d\', 1)',
                "negative": 'INSERT INTO record VALUES(-5, x\'61\', 0, 0)', "a trigger": "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END",
                "a view": "DROP TABLE snapshot; CREATE VIEW snapshot AS SELECT * FROM record", "no epoch": "DELETE FROM meta WHERE key = 'epoch'",
                "bad epoch": "UPDATE meta SET value = 'x' WHERE key = 'epoch'", "no table": "DROP TABLE record", "later": "PRAGMA user_version = 99"}
    for name, more in variants.items():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log.db")
            db = sqlite3.connect(path)
            db.executescript("PRAGMA page_size = 512; VACUUM; " + schema)
            db.executescript(f"PRAGMA application_id = {ids.get('WSM__SQLITE_APPLICATION_ID', 0)}; PRAGMA user_version = {ids.get('WSM__SQLITE_SCHEMA_VERSION', 1)};")
            db.executescript(more)
            db.commit()
            db.close()
            add("sqlite_file", name, b"\0" + open(path, "rb").read())


def main():
    folder = pathlib.Path(sys.argv[1])
    frame_tables()
    http_tables()
    json_tables()
    bad_inputs()
    scripts()
    records()
    files()
    simulations()
    for target, found in seeds.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, content in found.items():
            (folder / target / name).write_bytes(content)
    print("seeds: " + ", ".join(f"{target} {len(found)}" for target, found in sorted(seeds.items())))


main()
