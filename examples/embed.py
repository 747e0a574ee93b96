#!/usr/bin/python3
"""libwsm from Python through ctypes: asyncio brings the sockets, a second thread stores.

    embed.py [PORT] [--seconds N]

Prints the address and a token, then stores a memory update every second from a thread of its own, as a memory service would
do. WSM_LIB names the library; default: build/lib/libwsm.so.0 beside this folder."""

import asyncio
import ctypes as c
import itertools
import os
import pathlib
import sys
import threading
import time

wsm = c.CDLL(os.environ.get("WSM_LIB") or str(pathlib.Path(__file__).resolve().parents[1] / "build/lib/libwsm.so.0"))


def struct(name, *fields):
    """A struct of the library: every one begins with its size."""
    return type(name, (c.Structure,), {"_fields_": [("size", c.c_size_t), *fields]})


Slice = type("Slice", (c.Structure,), {"_fields_": [("ptr", c.c_char_p), ("len", c.c_size_t)]})
Vec = type("Vec", (c.Structure,), {"_fields_": [("base", c.c_void_p), ("len", c.c_size_t)]})
CONN_FN = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p, c.c_void_p)
WAKE_FN = c.CFUNCTYPE(None, c.c_void_p)
Result = struct("Result", ("tag", c.c_uint64), ("err", c.c_int), ("durable", c.c_int), ("duplicate", c.c_int),
                ("offset", c.c_uint64))
RESULT_FN = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(Result))
# A host built against an older header passes a shorter struct, and so does this one: what follows is not wanted.
Host = struct("Host", *((n, c.c_void_p) for n in ("clock_mono", "clock_wall", "random", "alloc")),
              ("bytes_waiting", CONN_FN), ("close_transport", CONN_FN), ("wake", WAKE_FN),
              *((n, c.c_void_p) for n in ("token_check", "message_veto", "on_log", "on_audit", "on_security", "on_ready")),
              ("on_result", RESULT_FN))
Peer = struct("Peer", ("kind", c.c_int), ("plain", c.c_int), ("address", c.c_char_p))
Key = struct("Key", ("kid", c.c_char_p), ("secret", c.c_char_p), ("secret_len", c.c_size_t))
Claims = struct("Claims", ("sub", Slice), ("exp", c.c_int64), ("iat", c.c_int64), ("nbf", c.c_int64), ("jti", Slice),
                ("aud", Slice), ("permission", c.c_int))
Update = struct("Update", ("exchange", Slice))

wsm.wsm_strerror.restype, wsm.wsm_hub_tick.restype, wsm.wsm_conn_pending.restype = c.c_char_p, c.c_int64, c.c_size_t


def make(kind, init, **fields):
    """A struct with the library's defaults and our fields."""
    init(c.byref(value := kind()), c.c_size_t(c.sizeof(kind)))
    for name, field in fields.items():
        setattr(value, name, field)
    return value


def need(err):
    if err < 0:
        raise RuntimeError(wsm.wsm_strerror(err).decode())


class Connection(asyncio.Protocol):
    """One socket. The library decides what is said; asyncio carries it."""

    def __init__(self, hub):
        self.hub, self.conn = hub, c.c_void_p()

    def connection_made(self, transport):
        self.transport = transport
        peer = make(Peer, wsm.wsm_peer_init, address=transport.get_extra_info("peername")[0].encode())
        self.hub.connections[id(self)] = self
        if wsm.wsm_conn_new(c.byref(self.conn), self.hub.handle, c.byref(peer), c.c_void_p(id(self))) < 0:
            transport.abort()

    def data_received(self, data):
        wsm.wsm_conn_recv(self.conn, data, c.c_size_t(len(data)))
        self.hub.tick()

    def flush(self):
        vec = (Vec * 16)()
        while self.transport.get_write_buffer_size() <= 65536 and (
                count := wsm.wsm_conn_pending(self.conn, vec, c.c_size_t(16))):
            self.transport.write(data := b"".join(c.string_at(v.base, v.len) for v in vec[:count]))
            wsm.wsm_conn_sent(self.conn, c.c_size_t(len(data)))

    def resume_writing(self):
        self.flush()

    def connection_lost(self, error):
        del self.hub.connections[id(self)]
        wsm.wsm_conn_closed(self.conn)


class Hub:
    def __init__(self, loop, key):
        self.loop, self.connections, self.handle, self.timer = loop, {}, c.c_void_p(), None
        # The struct is copied, but the callbacks in it must live as long as the hub: keep it.
        self.host = make(Host, wsm.wsm_host_init,
                         bytes_waiting=CONN_FN(lambda _, conn, me: loop.call_soon(self.flush, me)),
                         close_transport=CONN_FN(lambda _, conn, me: loop.call_soon(self.flush, me, True)),
                         wake=WAKE_FN(lambda _: loop.call_soon_threadsafe(self.tick)),
                         on_result=RESULT_FN(self.on_result))
        need(wsm.wsm_hub_new(c.byref(self.handle), None, c.byref(self.host), None, None))
        need(wsm.wsm_hub_key_add(self.handle, c.byref(key)))

    def flush(self, me, then_close=False):
        if me in self.connections:
            self.connections[me].flush()
            if then_close:
                self.connections[me].transport.close()  # what asyncio still holds is written first

    def tick(self):
        wait = wsm.wsm_hub_tick(self.handle)
        self.timer and self.timer.cancel()
        self.timer = self.loop.call_later(wait / 1000, self.tick) if wait >= 0 else None

    def on_result(self, _, result):
        r = result.contents
        print("update", r.tag, wsm.wsm_strerror(r.err).decode() if r.err else f"is record {r.offset}", flush=True)


def store(hub, end):
    """The memory service's own thread: wsm_broadcast may be called from any."""
    for number in itertools.takewhile(lambda _: time.monotonic() < end, itertools.count(1)):
        text = b'{"text":"update %d"}' % number
        update = make(Update, wsm.wsm_update_init, exchange=Slice(text, len(text)))
        need(wsm.wsm_broadcast(hub.handle, c.byref(update), c.c_uint64(number)))
        time.sleep(1)


async def main():
    port, seconds = (int(sys.argv[i]) if len(sys.argv) > i else 3600 * (i == 3) for i in (1, 3))
    secret = os.environ.get("WSM_SECRET", "a secret of thirty-two bytes, or more").encode()
    key = make(Key, wsm.wsm_key_init, secret=secret, secret_len=len(secret))
    ada = make(Claims, wsm.wsm_claims_init, sub=Slice(b"ada", 3), iat=int(time.time()),
               exp=int(time.time()) + 3600, permission=1)
    token, length = c.create_string_buffer(4096), c.c_size_t()
    need(wsm.wsm_token_mint(c.byref(ada), c.byref(key), token, c.c_size_t(4096), c.byref(length)))

    hub = Hub(asyncio.get_running_loop(), key)
    server = await hub.loop.create_server(lambda: Connection(hub), "127.0.0.1", port)
    print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws\n{token.value.decode()}", flush=True)
    hub.tick()
    await asyncio.to_thread(store, hub, time.monotonic() + seconds)
    for connection in hub.connections.values():
        connection.transport.abort()
    await asyncio.sleep(0.1)  # every connection_lost has run
    wsm.wsm_hub_free(hub.handle)


asyncio.run(main())
