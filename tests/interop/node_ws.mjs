// Node's `ws` against wsmd and echo: as a client of both, and as the server that `echo --connect` talks to.
// WSM_BUILD names the build folder. Ends with `N passed, M failed`.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { WebSocket, WebSocketServer } from 'ws';

import { Hub, Peer, Runner, runEchoClient, start, stop, within } from './support/programs.mjs';

const LARGE = 16 << 20;
const runner = new Runner();

// ---- a client of wsmd ----------------------------------------------------------------------------------------------

async function withHub(hub) {
  const test = async (name, body) => {
    if (!hub.isUp) await hub.up();
    await runner.run(name, body);
  };

  await test('upgrade with token and subprotocol', async () => {
    const agent = await hub.connect('up');
    assert.equal(agent.ws.protocol, 'wsm.v1');
    assert.equal(agent.ws.extensions, '');
    assert.equal(agent.welcome.agent_id, 'up');
    assert.equal(agent.welcome.resume, 'none');
    await agent.close();
  });

  await test('a token as second subprotocol is not echoed', async () => {
    const peer = new Peer(new WebSocket(`${hub.url}/ws`, ['wsm.v1', `wsm.token.${hub.token('sub')}`]));
    await peer.opened();
    assert.equal(peer.ws.protocol, 'wsm.v1');
    assert.equal((await peer.get((m) => m.type === 'welcome')).agent_id, 'sub');
    await peer.close();
  });

  await test('refusals are plain HTTP', async () => {
    const status = async (expected, path, headers, origin) => {
      const peer = new Peer(new WebSocket(hub.url + path, ['wsm.v1'], { headers, origin }));
      await assert.rejects(peer.opened(), { status: expected });
    };
    const good = { Authorization: `Bearer ${hub.token('refused')}` };
    await status(401, '/ws', {});
    await status(401, '/ws', { Authorization: 'Bearer nonsense' });
    await status(403, '/ws', good, 'http://elsewhere.test');
    await status(404, '/nowhere', good);
    await status(400, '/ws?epoch=zz&after=1', good);
  });

  await test('a store reaches the other client and its sender', async () => {
    const ada = await hub.connect('ada');
    const bob = await hub.connect('bob');
    const exchange = { text: 'größe \u2713 \u{1f600}', deep: [[[1]]] };
    const message = JSON.stringify({ type: 'memory_update', message_id: randomUUID(), exchange, tags: ['x'] });
    ada.ws.send(message);
    const seen = await Promise.all([ada, bob].map((p) => p.get((m) => m.type === 'memory_update')));
    assert.deepEqual(seen[0], seen[1]);
    assert.deepEqual(seen[0].exchange, exchange);
    assert.equal(seen[0].sender_agent_id, 'ada');
    await Promise.all([ada.close(), bob.close()]);
  });

  await test('POST /store reaches a client', async () => {
    const bob = await hub.connect('bob');
    const answer = await fetch(`${hub.http}/store`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${hub.token('poster')}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ exchange: 'posted', topic: 't' }),
    });
    const said = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(said));
    const record = await bob.get((m) => m.exchange === 'posted');
    assert.equal(record.offset, said.offset);
    assert.equal(record.sender_agent_id, 'poster');
    await bob.close();
  });

  await test('pings are answered', async () => {
    const agent = await hub.connect('ping');
    for (let i = 0; i < 10; i++) await agent.ping(`${i}`);
    const [payload] = await agent.ping(Buffer.alloc(125, 'x'));
    assert.equal(payload.toString(), 'x'.repeat(125));
    await agent.close();
  });

  await test('fragments make one message', async () => {
    const agent = await hub.connect('frag');
    const text = JSON.stringify({ type: 'memory_update', message_id: randomUUID(), exchange: 'é'.repeat(40) });
    const bytes = Buffer.from(text);
    for (let i = 0; i < bytes.length; i += 3) {
      agent.ws.send(bytes.subarray(i, i + 3), { binary: false, fin: i + 3 >= bytes.length });
    }
    assert.equal((await agent.get((m) => m.type === 'memory_update')).exchange, 'é'.repeat(40));
    await agent.close();
  });

  await test('what is too big, binary, or no UTF-8 closes with its code', async () => {
    for (const [code, data, options] of [
      [1009, JSON.stringify({ type: 'memory_update', exchange: 'x'.repeat(300 << 10) }), {}],
      [1003, Buffer.from([0, 1]), {}],
      [1007, Buffer.from([0x22, 0xff]), { binary: false }],
    ]) {
      const agent = await hub.connect('bad');
      agent.ws.send(data, options);
      assert.equal((await within(10000, 'close', agent.closed)).code, code);
    }
  });

  await test('a clean close is answered', async () => {
    for (const [code, reason] of [[1000, 'bye'], [4321, 'ünïcode']]) {
      const agent = await hub.connect('closing');
      assert.deepEqual((await agent.close(code, reason)).code, code);
    }
  });

  await test('a client resumes after its position', async () => {
    const agent = await hub.connect('res');
    const writer = await hub.connect('writer');
    await writer.store('before');
    await agent.get((m) => m.exchange === 'before');
    const { offset } = await agent.get((m) => m.type === 'position');
    const { epoch } = agent.welcome;
    await agent.close();
    const offsets = [];
    for (let i = 0; i < 20; i++) offsets.push((await writer.store(`missed ${i}`)).offset);
    const back = await hub.connect('res', { query: `?epoch=${epoch}&after=${offset}` });
    assert.equal(back.welcome.resume, 'replayed');
    for (let i = 0; i < 20; i++) {
      const record = await back.get((m) => m.type === 'memory_update');
      assert.deepEqual([record.offset, record.exchange], [offsets[i], `missed ${i}`]);
    }
    assert.equal((await back.get((m) => m.type === 'replay_end')).count, 20);
    await Promise.all([back.close(), writer.close()]);
  });

  await test('nothing durable is lost by kill -9', async () => {
    const agent = await hub.connect('kill');
    const { epoch, offset } = agent.welcome;
    const offsets = [];
    for (let i = 0; i < 10; i++) {
      const answer = await agent.store(`kept ${i}`);
      assert.equal(answer.durable, true);
      offsets.push(answer.offset);
    }
    await hub.down('SIGKILL');
    assert.equal((await agent.closed).code, 1006);
    await hub.up();
    const back = await hub.connect('kill', { query: `?epoch=${epoch}&after=${offset}` });
    for (let i = 0; i < 10; i++) {
      const record = await back.get((m) => m.type === 'memory_update');
      assert.deepEqual([record.offset, record.exchange], [offsets[i], `kept ${i}`]);
    }
    await back.close();
  });

  await test('SIGTERM closes with 1001 and ends cleanly', async () => {
    const agent = await hub.connect('last');
    const down = hub.down();
    assert.equal((await agent.closed).code, 1001);
    assert.equal(await down, 0);
  });
}

// ---- a client of echo ----------------------------------------------------------------------------------------------

async function echoed(peer, data, options) {
  peer.ws.send(data, options);
  const back = await peer.next();
  if (typeof data === 'string') assert.ok(back === data, 'another text came back');
  else assert.ok(Buffer.isBuffer(back) && back.equals(data), 'other bytes came back');
}

async function withEcho(url) {
  const open = async (options) => {
    const peer = new Peer(new WebSocket(url, options));
    await peer.opened();
    return peer;
  };

  await runner.run('echo sends back text and binary', async () => {
    const peer = await open();
    for (const data of ['', 'a', 'é'.repeat(125), Buffer.alloc(0), randomBytes(125), randomBytes(126),
      randomBytes(65535), randomBytes(65536), 'z'.repeat(1 << 20)]) await echoed(peer, data);
    await peer.close();
  });

  await runner.run('echo takes 16 MiB', async () => {
    const peer = await open({ maxPayload: LARGE });
    await echoed(peer, randomBytes(LARGE));
    await echoed(peer, '\u20ac'.repeat(LARGE / 3));
    await peer.close();
  });

  await runner.run('echo takes 65536 fragments', async () => {
    const peer = await open();
    for (let i = 0; i < 65536; i++) peer.ws.send('a', { fin: i === 65535 });
    assert.ok((await peer.next()) === 'a'.repeat(65536));
    await peer.close();
  });

  await runner.run('echo over 16 MiB closes with 1009', async () => {
    const peer = await open();
    peer.ws.send(Buffer.alloc(LARGE + 1));
    assert.equal((await within(20000, 'close', peer.closed)).code, 1009);
  });

  await runner.run('echo answers pings amid a message', async () => {
    const peer = await open();
    peer.ws.send('one ', { fin: false });
    const [payload] = await peer.ping('amid');
    assert.equal(payload.toString(), 'amid');
    peer.ws.send('two', { fin: true });
    assert.equal(await peer.next(), 'one two');
    await peer.close();
  });

  await runner.run('echo closes as asked', async () => {
    for (const code of [1000, 1001, 1011, 3000, 4999]) {
      const peer = await open();
      assert.equal((await peer.close(code, 'because')).code, code);
    }
  });

  await runner.run('echo serves fifty at a time', async () => {
    const peers = await Promise.all(Array.from({ length: 50 }, () => open()));
    for (let i = 0; i < 20; i++) {
      await Promise.all(peers.map((peer, n) => echoed(peer, `${i} ${n}`.repeat(n * 10 + 1))));
    }
    await Promise.all(peers.map((peer) => peer.close()));
  });
}

// ---- the server that echo connects to ------------------------------------------------------------------------------

/** Run `echo --connect` against a server with this handler; its exit status. */
async function served(handler, options = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: LARGE, ...options });
  await once(server, 'listening');
  let failure = null;
  let handled = null;
  server.on('connection', (ws, request) => {
    handled = handler(new Peer(ws), request).catch((error) => {
      failure = error;
      ws.terminate();
    });
  });
  try {
    const status = await runEchoClient(`ws://127.0.0.1:${server.address().port}/path?query=1`);
    await within(10000, 'the server', handled); /* it may learn of the end later than we do */
    if (failure) throw failure;
    return status;
  } finally {
    for (const ws of server.clients) ws.terminate();
    server.close();
  }
}

async function asServer() {
  await runner.run('the client echoes what a server sends', async () => {
    const status = await served(async (peer, request) => {
      assert.equal(request.url, '/path?query=1');
      assert.equal(request.headers['sec-websocket-protocol'], undefined);
      for (const data of ['', 'é'.repeat(1000), randomBytes(256), randomBytes(65536), randomBytes(LARGE)]) {
        await echoed(peer, data);
      }
      const [payload] = await peer.ping(Buffer.alloc(125, 'p'));
      assert.equal(payload.length, 125);
      for (let i = 0; i < 5000; i++) peer.ws.send('f', { fin: i === 4999 });
      assert.equal(await peer.next(), 'f'.repeat(5000));
      assert.equal((await peer.close(1000, 'done')).code, 1000);
    });
    assert.equal(status, 0);
  });

  await runner.run('the client takes no extension', async () => {
    const status = await served(async (peer) => {
      assert.equal(peer.ws.extensions, '');
      await echoed(peer, 'plain'.repeat(1000));
      await peer.close();
    }, { perMessageDeflate: true });
    assert.equal(status, 0);
  });

  await runner.run('the client tells a close with an error', async () => {
    assert.equal(await served(async (peer) => { await peer.close(1011, 'sorry'); }), 5);
  });

  await runner.run('the client closes on what breaks a rule', async () => {
    let closed;
    const status = await served(async (peer) => {
      peer.ws._socket.write(Buffer.from([0xc1, 0x00])); /* a reserved bit */
      closed = await peer.closed;
    });
    assert.equal(closed.code, 1002);
    assert.equal(status, 5);
  });

  await runner.run('the client tells a refusal', async () => {
    const server = createServer().on('upgrade', (request, socket) => {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      assert.equal(await runEchoClient(`ws://127.0.0.1:${server.address().port}/`), 4);
    } finally {
      server.close();
    }
  });

  await runner.run('the client tells a cut', async () => {
    assert.equal(await served(async (peer) => { peer.ws.terminate(); }), 6);
  });
}

const folder = mkdtempSync(join(tmpdir(), 'wsm-interop-'));
const hub = new Hub(join(folder, 'data'));
try {
  await withHub(hub);
} finally {
  await hub.down('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
const echo = await start('echo', '--listen', '127.0.0.1:0');
try {
  await withEcho(echo.url);
} finally {
  await stop(echo.child);
}
await asServer();
runner.end();
