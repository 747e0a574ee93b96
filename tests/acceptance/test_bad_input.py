#!/usr/bin/python3
"""Bad input against the real wsmd: handshake, token, JSON and the meaning of messages, each with the status, error or close
code that the protocol promises. Every case is a row; a row that is answered otherwise is printed. After all of them the
server must still serve, and its log must hold nothing but what was sent well-formed."""

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid

BUILD = os.environ.get("WSM_BUILD", "build")
PASSED = FAILED = 0


def check(ok, text):
    global PASSED, FAILED
    if ok:
        PASSED += 1
    else:
        FAILED += 1
        print("FAILED:", text)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Server:
    def __init__(self, *sets):
        self.dir = tempfile.TemporaryDirectory()
        args = [f"{BUILD}/bin/wsmd", "--data", self.dir.name, "--listen", "127.0.0.1:0"]
        for one in ("auth_failures_per_min=0", "preauth_per_address=0") + sets:
            args += ["--set", one]
        self.log = open(os.path.join(self.dir.name, "stderr"), "w+")
        self.proc = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.proc.stdout.readline()
        self.port = int(line.rsplit(":", 1)[1])
        kid, key = open(os.path.join(self.dir.name, "secret.key")).readline().split()
        self.kid, self.key = kid, bytes.fromhex(key)

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        return self.proc.wait(15)

    def token(self, header=None, key=None, raw_payload=None, **change):
        now = int(time.time())
        claims = {"sub": "eve", "iat": now, "exp": now + 600, "wsm": {"permission": "active"}}
        for name, value in change.items():
            claims.pop(name, None) if value is None else claims.__setitem__(name, value)
        head = {"alg": "HS256", "typ": "JWT", "kid": self.kid} if header is None else header
        payload = raw_payload if raw_payload is not None else json.dumps(claims).encode()
        text = b64(json.dumps(head).encode()) + "." + b64(payload)
        return text + "." + b64(hmac.new(self.key if key is None else key, text.encode(), hashlib.sha256).digest())


def answer(port, data, slowly=False):
    """The status of the HTTP answer to these bytes; 0: none."""
    with socket.create_connection(("127.0.0.1", port), 5) as s:
        s.settimeout(4)
        got = b""
        try:
            if slowly:
                for i in range(len(data)):
                    s.sendall(data[i : i + 1])
            else:
                s.sendall(data)
        except OSError:
            pass
        try:
            while b"\r\n" not in got:
                more = s.recv(4096)
                if not more:
                    break
                got += more
        except OSError:
            pass
    return int(got.split()[1]) if got.startswith(b"HTTP/1.1 ") else 0


class Client:
    """A small WebSocket client of its own, so that it can send what a library would not."""

    def __init__(self, server, token=None, query=""):
        self.s = socket.create_connection(("127.0.0.1", server.port), 5)
        self.s.settimeout(4)
        self.buf = b""
        lines = handshake(server, server.token(sub="eve" + uuid.uuid4().hex[:8]) if token is None else token, query=query)
        self.s.sendall(lines)
        while b"\r\n\r\n" not in self.buf:
            self.buf += self.s.recv(4096)
        self.status = int(self.buf.split()[1])
        self.buf = self.buf.split(b"\r\n\r\n", 1)[1]

    def frame(self, opcode, payload, fin=True):
        head = bytes([(0x80 if fin else 0) | opcode])
        n = len(payload)
        head += bytes([0x80 | n]) if n < 126 else bytes([0xFE]) + struct.pack(">H", n) if n < 65536 else bytes([0xFF]) + struct.pack(">Q", n)
        mask = os.urandom(4)
        body = bytes(b ^ mask[i & 3] for i, b in enumerate(payload)) if n < 70000 else payload
        self.s.sendall(head + (mask if n < 70000 else b"\0\0\0\0") + body)

    def send(self, text):
        self.frame(1, text if isinstance(text, bytes) else text.encode())

    def need(self, n):
        while len(self.buf) < n:
            more = self.s.recv(65536)
            if not more:
                raise ConnectionError("closed")
            self.buf += more
        got, self.buf = self.buf[:n], self.buf[n:]
        return got

    def recv(self):
        """(opcode, payload) of the next frame; (None, b"") when the connection has ended."""
        try:
            a, b = self.need(2)
            n = b & 127
            if n == 126:
                n = struct.unpack(">H", self.need(2))[0]
            elif n == 127:
                n = struct.unpack(">Q", self.need(8))[0]
            return a & 15, self.need(n)
        except OSError:
            return None, b""

    def answer(self, *types):
        """The next ack, duplicate_ack or error; or ("close", code)."""
        while True:
            op, payload = self.recv()
            if op is None:
                return ("close", 1006)
            if op == 8:
                return ("close", struct.unpack(">H", payload[:2])[0] if len(payload) > 1 else 1005)
            if op != 1:
                continue
            message = json.loads(payload)
            if message["type"] in (types or ("ack", "duplicate_ack", "error")):
                return message

    def close(self):
        self.s.close()


def handshake(server, token, query="", **change):
    headers = {
        "Host": f"127.0.0.1:{server.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": "wsm.v1",
    }
    if token:
        headers["Authorization"] = "Bearer " + token
    for name, value in change.items():
        name = name.replace("_", "-")
        headers.pop(name, None) if value is None else headers.__setitem__(name, value)
    return (f"GET /ws{query} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode()


def handshakes(s):
    t = s.token()
    ok = handshake(s, t)
    host = f"Host: 127.0.0.1:{s.port}\r\n".encode()
    rows = [
        ("a well-formed handshake", ok, 101),
        ("garbage", b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        ("an empty line first and nothing else", b"\r\n\r\n\r\n\r\n", 400),
        ("no version", b"GET /ws\r\n\r\n", 400),
        ("HTTP/1.0", ok.replace(b"HTTP/1.1", b"HTTP/1.0"), 505),
        ("HTTP/2.0", ok.replace(b"HTTP/1.1", b"HTTP/2.0"), 505),
        ("two spaces", ok.replace(b"GET /ws ", b"GET  /ws "), 400),
        ("a bare LF", ok.replace(b"\r\nUpgrade", b"\nUpgrade"), 400),
        ("a bare CR", ok.replace(b"websocket\r\n", b"web\rsocket\r\n"), 400),
        ("a folded header", ok.replace(b"Upgrade: websocket", b"Upgrade: websocket\r\n x"), 400),
        ("a space before the colon", ok.replace(b"Upgrade:", b"Upgrade :"), 400),
        ("a NUL in a value", ok.replace(b"websocket", b"web\0socket"), 400),
        ("a header without colon", ok.replace(b"Upgrade: websocket", b"Upgrade websocket"), 400),
        ("no Host", ok.replace(host, b""), 400),
        ("two Hosts", ok.replace(host, host + host), 400),
        ("another's Host", handshake(s, t, Host="evil.example"), 403),
        ("a Host with another port", handshake(s, t, Host="127.0.0.1:1"), 403),
        ("Transfer-Encoding", handshake(s, t, Transfer_Encoding="chunked"), 400),
        ("Content-Length twice", ok.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n"), 400),
        ("a Content-Length that is no number", handshake(s, t, Content_Length="1x"), 400),
        ("a Content-Length over the limit", f"POST /store HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\nContent-Length: 99999999\r\n\r\n".encode(), 413),
        ("a request line over the limit", b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", 414),
        ("headers over the limit", ok.replace(b"\r\n\r\n", b"\r\nX: " + b"a" * 9000 + b"\r\n\r\n"), 431),
        ("too many headers", ok.replace(b"\r\n\r\n", b"\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(70)) + b"\r\n"), 431),
        ("POST to the hub", ok.replace(b"GET", b"POST"), 405),
        ("HEAD to the hub", ok.replace(b"GET", b"HEAD"), 405),
        ("no upgrade", f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\n\r\n".encode(), 426),
        ("another upgrade", handshake(s, t, Upgrade="h2c"), 426),
        ("Connection without upgrade", handshake(s, t, Connection="close"), 400),
        ("version 8", handshake(s, t, Sec_WebSocket_Version="8"), 426),
        ("no WebSocket version", handshake(s, t, Sec_WebSocket_Version=None), 426),
        ("no key", handshake(s, t, Sec_WebSocket_Key=None), 400),
        ("a key of 15 bytes", handshake(s, t, Sec_WebSocket_Key=base64.b64encode(b"x" * 15).decode()), 400),
        ("a key of 17 bytes", handshake(s, t, Sec_WebSocket_Key=base64.b64encode(b"x" * 17).decode()), 400),
        ("a key that is not base64", handshake(s, t, Sec_WebSocket_Key="*" * 24), 400),
        ("another subprotocol", handshake(s, t, Sec_WebSocket_Protocol="chat"), 400),
        ("an Origin that is not listed", handshake(s, t, Origin="https://evil.example"), 403),
        ("the Origin null", handshake(s, t, Origin="null"), 403),
        ("a token in the URL", handshake(s, t, query="?token=" + t), 400),
        ("an epoch of 15 digits", handshake(s, t, query="?epoch=0123456789abcde&after=1"), 400),
        ("an epoch that is not hexadecimal", handshake(s, t, query="?epoch=0123456789abcdeX&after=1"), 400),
        ("a negative position", handshake(s, t, query="?epoch=0123456789abcdef&after=-1"), 400),
        ("a position that is no number", handshake(s, t, query="?epoch=0123456789abcdef&after=1e3"), 400),
        ("a position over 2^53", handshake(s, t, query="?epoch=0123456789abcdef&after=9007199254740992"), 400),
        ("two different tokens", handshake(s, t, X_Memory_Auth=s.token(sub="other")), 400),
        ("Authorization that is not Bearer", handshake(s, None, Authorization="Basic YTpi"), 400),
        ("another path", f"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\n\r\n".encode(), 404),
        ("no token", handshake(s, None), 401),
    ]
    for name, data, status in rows:
        for slowly in (False, True):
            if slowly and len(data) > 1500:
                continue
            got = answer(s.port, data, slowly)
            check(got == status, f"handshake: {name}{', byte by byte' if slowly else ''}: expected {status}, got {got}")


def tokens(s):
    now = int(time.time())
    good = s.token()
    head, body, sig = good.split(".")
    none = b64(json.dumps({"alg": "none"}).encode()) + "." + body + "."
    rows = [
        ("empty parts", ".."),
        ("two parts", head + "." + body),
        ("four parts", good + ".x"),
        ("alg none", none),
        ("alg none with the right signature", s.token(header={"alg": "none", "kid": s.kid})),
        ("alg HS512", s.token(header={"alg": "HS512", "kid": s.kid})),
        ("alg hs256", s.token(header={"alg": "hs256", "kid": s.kid})),
        ("no alg", s.token(header={"kid": s.kid})),
        ("crit", s.token(header={"alg": "HS256", "kid": s.kid, "crit": ["exp"]})),
        ("an unknown kid", s.token(header={"alg": "HS256", "kid": "nobody"})),
        ("a kid that is a number", s.token(header={"alg": "HS256", "kid": 1})),
        ("another key", s.token(key=b"k" * 32)),
        ("an empty key", s.token(key=b"")),
        ("one bit of the signature", head + "." + body + "." + ("A" if sig[0] != "A" else "B") + sig[1:]),
        ("a signature cut short", head + "." + body + "." + sig[:-1]),
        ("padding", good + "="),
        ("the standard alphabet", head + "." + body + "." + "+" + sig[1:]),
        ("a changed payload", head + "." + b64(b'{"sub":"root","exp":%d}' % (now + 60)) + "." + sig),
        ("a payload that is no JSON", s.token(raw_payload=b"hello")),
        ("a payload that is an array", s.token(raw_payload=b"[]")),
        ("a key twice", s.token(raw_payload=b'{"sub":"a","sub":"b","exp":%d}' % (now + 60))),
        ("expired", s.token(exp=now - 60)),
        ("no exp", s.token(exp=None)),
        ("exp as text", s.token(exp=str(now + 60))),
        ("exp beyond 24 h", s.token(exp=now + 90000)),
        ("iat in the future", s.token(iat=now + 300, exp=now + 600)),
        ("nbf in the future", s.token(nbf=now + 300)),
        ("no sub", s.token(sub=None)),
        ("an empty sub", s.token(sub="")),
        ("sub hub", s.token(sub="hub")),
        ("sub with a space", s.token(sub="a b")),
        ("sub with a slash", s.token(sub="a/b")),
        ("sub of 65 bytes", s.token(sub="a" * 65)),
        ("sub as a number", s.token(sub=7)),
        ("wsm as text", s.token(wsm="x")),
        ("an unknown permission", s.token(wsm={"permission": "root"})),
        ("an unknown kind", s.token(wsm={"kind": "robot"})),
        ("an unknown purpose", s.token(wsm={"purpose": "x"})),
        ("contexts as text", s.token(wsm={"contexts": "main"})),
        ("65 contexts", s.token(wsm={"contexts": ["c"] * 65})),
        ("17 specialties", s.token(wsm={"specialties": ["c"] * 17})),
        ("can as text", s.token(wsm={"can": "admin"})),
        ("5 KiB", "a" * 5000 + "." + body + "." + sig),
    ]
    for name, token in rows:
        got = answer(s.port, handshake(s, token))
        check(got in (401, 400) if " " in token else got == 401, f"token: {name}: expected 401, got {got}")
    check(answer(s.port, handshake(s, None, X_Memory_Auth=good)) == 101, "token: X-Memory-Auth is accepted")
    check(answer(s.port, handshake(s, None, Sec_WebSocket_Protocol="wsm.v1, wsm.token." + good)) == 101, "token: the subprotocol is accepted")


def update(**fields):
    return json.dumps({"type": "memory_update", "message_id": str(uuid.uuid4()), "exchange": {"text": "x"}, **fields})


def messages(s):
    deep = '{"type":"memory_update","exchange":' + "[" * 40 + "]" * 40 + "}"
    rows = [  # name, text, code, field (None: not looked at)
        ("nothing", "", "bad_json", None),
        ("white space", "  ", "bad_json", None),
        ("an array", "[]", "bad_json", None),
        ("a string", '"x"', "bad_json", None),
        ("a number", "1", "bad_json", None),
        ("half an object", '{"type":', "bad_json", None),
        ("a comma too many", '{"type":"memory_update",}', "bad_json", None),
        ("single quotes", "{'type':'memory_update'}", "bad_json", None),
        ("a comment", '{"type":"memory_update"/**/}', "bad_json", None),
        ("text behind", '{"type":"memory_update","exchange":1} x', "bad_json", None),
        ("two objects", '{"type":"a"}{"type":"b"}', "bad_json", None),
        ("a BOM", '\ufeff{"type":"memory_update","exchange":1}', "bad_json", None),
        ("a key twice", '{"type":"memory_update","type":"memory_update","exchange":1}', "bad_json", None),
        ("a key twice through an escape", '{"type":"memory_update","exchange":1,"\\u0065xchange":2}', "bad_json", None),
        ("a raw control character", '{"type":"memory_update","exchange":"\x01"}', "bad_json", None),
        ("a raw line feed in a string", '{"type":"memory_update","exchange":"a\nb"}', "bad_json", None),
        ("\\u0000", '{"type":"memory_update","exchange":"\\u0000"}', "bad_json", None),
        ("a lone surrogate", '{"type":"memory_update","exchange":"\\ud800"}', "bad_json", None),
        ("surrogates the wrong way round", '{"type":"memory_update","exchange":"\\udc00\\ud800"}', "bad_json", None),
        ("\\x", '{"type":"memory_update","exchange":"\\x41"}', "bad_json", None),
        ("01", '{"type":"memory_update","exchange":01}', "bad_json", None),
        ("1e999", '{"type":"memory_update","exchange":1e999}', "bad_json", None),
        (".5", '{"type":"memory_update","exchange":.5}', "bad_json", None),
        ("+1", '{"type":"memory_update","exchange":+1}', "bad_json", None),
        ("NaN", '{"type":"memory_update","exchange":NaN}', "bad_json", None),
        ("True", '{"type":"memory_update","exchange":True}', "bad_json", None),
        ("40 deep", deep, "bad_json", None),
        ("5000 values", '{"type":"memory_update","exchange":[' + "1," * 5000 + "1]}", "too_large", None),
        ("a key of 200 bytes", '{"type":"memory_update","exchange":{"' + "k" * 200 + '":1}}', "too_large", None),
        ("no type", '{"exchange":1}', "bad_message", "type"),
        ("a type that is a number", '{"type":1}', "bad_message", "type"),
        ("an unknown type", '{"type":"dance"}', "unknown_type", "type"),
        ("a type in capitals", '{"type":"MEMORY_UPDATE","exchange":1}', "unknown_type", "type"),
        ("a type that only the hub sends", '{"type":"welcome"}', "bad_message", "type"),
        ("an ack from a client", '{"type":"ack"}', "bad_message", "type"),
        ("hello later", '{"type":"hello","token":"x"}', "bad_message", "type"),
        ("no exchange", '{"type":"memory_update"}', "bad_message", "exchange"),
        ("exchange null", '{"type":"memory_update","exchange":null}', "bad_message", "exchange"),
        ("a message_id that is no UUID", update(message_id="42"), "bad_message", "message_id"),
        ("a message_id that is a number", update(message_id=42), "bad_message", "message_id"),
        ("an unknown priority", update(priority="top"), "bad_message", "priority"),
        ("priority urgent on an update", update(priority="urgent"), "bad_message", "priority"),
        ("a priority that is a number", update(priority=1), "bad_message", "priority"),
        ("an offset", update(offset=1), "bad_message", "offset"),
        ("a seq", update(seq=1), "bad_message", "seq"),
        ("a hop", update(hop=1), "bad_message", "hop"),
        ("another's name", update(sender_agent_id="root"), "forbidden", "sender_agent_id"),
        ("a name with a space", update(sender_agent_id="a b"), "bad_message", "sender_agent_id"),
        ("a timestamp that is none", update(timestamp="yesterday"), "bad_message", "timestamp"),
        ("a timestamp of February 30", update(timestamp="2026-02-30T00:00:00Z"), "bad_message", "timestamp"),
        ("an unknown context", update(context_id="nowhere"), "not_found", "context_id"),
        ("a context with a space", update(context_id="a b"), "bad_message", "context_id"),
        ("an empty context", update(context_id=""), "bad_message", "context_id"),
        ("a context of 129 bytes", update(context_id="c" * 129), "bad_message", "context_id"),
        ("a cause that is no UUID", update(cause="x"), "bad_message", "cause"),
        ("a topic that is a number", update(topic=1), "bad_message", "topic"),
        ("a topic of 129 bytes", update(topic="t" * 129), "bad_message", "topic"),
        ("tags as text", update(tags="a"), "bad_message", "tags"),
        ("17 tags", update(tags=["t"] * 17), "bad_message", "tags"),
        ("a tag that is a number", update(tags=[1]), "bad_message", "tags"),
        ("based_on below 0", update(based_on=-1), "bad_message", "based_on"),
        ("based_on 1.5", update(based_on=1.5), "bad_message", "based_on"),
        ("based_on over 2^53", update(based_on=9007199254740993), "bad_message", "based_on"),
        ("ack_required as text", update(ack_required="yes"), "bad_message", "ack_required"),
        ("sensitive", update(sensitive=True), "unsupported", "sensitive"),
        ("presence without status", '{"type":"agent_presence"}', "bad_message", "status"),
        ("an unknown status", '{"type":"agent_presence","status":"asleep"}', "bad_message", "status"),
        ("offline from a client", '{"type":"agent_presence","status":"offline"}', "bad_message", "status"),
        ("specialties as text", '{"type":"agent_presence","status":"idle","specialties":"x"}', "bad_message", "specialties"),
        ("an unknown availability", '{"type":"agent_presence","status":"idle","availability":"maybe"}', "bad_message", "availability"),
        ("a note of 300 bytes", json.dumps({"type": "agent_presence", "status": "idle", "note": "n" * 300}), "bad_message", "note"),
        ("agent_list without an id", '{"type":"agent_list"}', "bad_message", "message_id"),
        ("agent_list with a filter that is text", json.dumps({"type": "agent_list", "message_id": str(uuid.uuid4()), "filter": "x"}), "bad_message", "filter"),
    ]
    c = Client(s)
    for i, (name, text, code, field) in enumerate(rows):
        if i % 8 == 0:  # ten bad ones a minute close a connection
            c.close()
            c = Client(s)
        c.send(text)
        got = c.answer()
        if not isinstance(got, dict):
            check(False, f"message: {name}: expected {code}, got {got}")
            c = Client(s)
            continue
        ok = got["type"] == "error" and got["code"] == code and (field is None or got.get("field") == field)
        check(ok, f"message: {name}: expected {code} {field}, got {json.dumps(got)}")
        check(field is None or not got.get("field") or got["field"] in got["message"], f"message: {name}: the sentence names the field: {got.get('message')}")
    c.close()


def ids(s):
    c, one = Client(s), str(uuid.uuid4())
    c.send(update(message_id=one))
    first = c.answer()
    check(first["type"] == "ack" and first["durable"] is True and first["offset"] > 0, f"ids: the first is acknowledged: {first}")
    c.send(update(message_id=one, exchange={"text": "y"}))
    got = c.answer()
    check(got.get("code") == "id_conflict" and got.get("field") == "message_id", f"ids: other content under the same id: {got}")
    c.send(update(message_id=one))
    again = c.answer()
    check(again["type"] == "duplicate_ack" and again["offset"] == first["offset"], f"ids: a repeat gets the first result: {again}")
    d = Client(s)
    d.send(update(message_id=one, exchange={"text": "z"}))
    check(d.answer()["type"] == "ack", "ids: another sender's id is his own")
    p = {"type": "agent_presence", "status": "working"}
    for status, kind in (("working", "ack"), ("working", "duplicate_ack"), ("idle", "ack"), ("working", "ack")):
        c.send(json.dumps({**p, "status": status, "message_id": str(uuid.uuid4())}))
        got = c.answer()
        check(got["type"] == kind, f"presence: {status}: expected {kind}, got {got}")
    c.close()
    d.close()


def closes(s):
    def code_after(act, **kw):
        c = Client(s, **kw)
        act(c)
        got = c.answer("never")
        c.close()
        return got[1]

    def nonsense(c):
        for _ in range(10):
            c.send("{")

    rows = [
        ("a binary message", lambda c: c.frame(2, b"x"), 1003),
        ("bad UTF-8", lambda c: c.frame(1, b"\xff"), 1007),
        ("a message over the limit", lambda c: c.frame(1, b"x" * 300000), 1009),
        ("an unmasked frame", lambda c: c.s.sendall(b"\x81\x01x"), 1002),
        ("a reserved opcode", lambda c: c.frame(3, b"x"), 1002),
        ("a continuation of nothing", lambda c: c.frame(0, b"x"), 1002),
        ("a fragmented ping", lambda c: c.frame(9, b"x", fin=False), 1002),
        ("a close code that may not be sent", lambda c: c.frame(8, struct.pack(">H", 1005)), 1002),
        ("a close of one byte", lambda c: c.frame(8, b"x"), 1002),
        ("129 fragments", lambda c: [c.frame(1 if i == 0 else 0, b"x", fin=False) for i in range(130)], 1008),
        ("ten times nonsense", nonsense, 4011),
        ("30 pings at once", lambda c: [c.frame(9, b"x") for _ in range(30)], 1008),
    ]
    for name, act, code in rows:
        try:
            got = code_after(act)
        except OSError as error:
            got = error
        check(got == code, f"close: {name}: expected {code}, got {got}")
    token = s.token(sub="twin")
    first, second = Client(s, token), Client(s, token)
    check(first.answer("never") == ("close", 4009), "close: a second primary replaces the first")
    watch = s.token(sub="twin", wsm={"permission": "observer"})
    third, fourth = Client(s, watch), Client(s, watch)
    check(fourth.answer("never") == ("close", 4014), "close: a third connection of an agent is surplus")
    third.send(update())
    check(third.answer().get("code") == "forbidden", "an observer does not write")
    third.send(json.dumps({"type": "agent_list", "message_id": str(uuid.uuid4())}))
    check("twin" in json.dumps(third.answer()), "an observer may ask who is there")
    for c in (first, second, third, fourth):
        c.close()
    blind = Client(s, s.token(sub="blind", wsm={"permission": "active", "contexts": ["other/*"]}))
    blind.send(update())
    check(blind.answer().get("code") == "forbidden", "who may not read main may not write it")
    blind.close()


def floods():
    s = Server("agent_messages_per_s=5", "agent_messages_burst=5", "rate_violations_per_min=20")
    c = Client(s)
    for _ in range(5):
        c.send(update())
    seen = [c.answer() for _ in range(5)]
    for _ in range(40):
        c.send(update())
    while True:
        got = c.answer()
        if not isinstance(got, dict):
            break
        seen.append(got)
    acks = sum(m["type"] == "ack" for m in seen)
    limited = [m for m in seen if m.get("code") == "rate_limited"]
    check(4 <= acks <= 8, f"flood: the burst passes, the rest does not: {acks}")
    check(limited and all(m["retry"] == "after" and m["retry_after_ms"] > 0 for m in limited), "flood: told when to come again")
    check(got == ("close", 4013), f"flood: closed in the end: {got}")
    check(s.stop() == 0, "flood: the server ends cleanly")
    s = Server("auth_failures_per_min=3")
    codes = [answer(s.port, handshake(s, s.token(key=b"k" * 32))) for _ in range(5)]
    check(codes == [401, 401, 401, 429, 429], f"flood: refused tokens block an address: {codes}")
    s.stop()
    s = Server("connections_per_address=2")
    held = [Client(s) for _ in range(2)]
    check(answer(s.port, handshake(s, s.token())) == 429, "flood: connections of one address are limited")
    for c in held:
        c.close()
    s.stop()


def main():
    s = Server()
    handshakes(s)
    tokens(s)
    messages(s)
    ids(s)
    closes(s)
    c = Client(s)
    c.send(update())
    check(c.answer()["type"] == "ack", "afterwards the server still serves")
    c.close()
    check(s.stop() == 0, "SIGTERM ends it cleanly")
    s.log.seek(0)
    log = s.log.read()
    check(all(32 <= ord(ch) < 127 or ch == "\n" for ch in log), "nothing unescaped has reached the log")
    check(s.key.hex() not in log and "eyJ" not in log, "no secret and no token has reached the log")
    floods()
    print(f"{PASSED} passed, {FAILED} failed")
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
