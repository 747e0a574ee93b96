// What the tests in Node share: starting and stopping our programs, an agent on `ws`, and a runner that counts.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomUUID } from 'node:crypto';

import { WebSocket } from 'ws';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
export const BUILD = resolve(ROOT, process.env.WSM_BUILD || 'build');
const program = (name) => join(BUILD, 'bin', name);

/** Rejects when `promise` takes longer. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A program of ours, and the URL in the first line of its output. */
export async function start(name, ...args) {
  const child = spawn(program(name), args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  const url = new Promise((found, failed) => {
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`${name} ended with ${code}`)));
    child.stdout.on('data', (bytes) => {
      output += bytes;
      const match = /(?:http|ws)s?:\/\/\S+/.exec(output);
      if (match && output.includes('\n', match.index)) found(match[0].replace(/\/$/, ''));
    });
  });
  try {
    return { child, url: await within(10000, name, url) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** The exit status, or the signal's name. */
export async function stop(child, how = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode;
  const ended = once(child, 'exit');
  child.kill(how);
  try {
    const [code, signal] = await within(15000, 'the end', ended);
    return code ?? signal;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** The exit status of `echo --connect`. */
export async function runEchoClient(url) {
  const child = spawn(program('echo'), ['--connect', url], { stdio: 'ignore' });
  try {
    const [code] = await within(50000, 'echo --connect', once(child, 'exit'));
    return code;
  } finally {
    child.kill('SIGKILL');
  }
}

/** wsmd on a port of its own, which can be killed and come back. */
export class Hub {
  #child = null;
  port = 0;

  /** `settings`: keys of the configuration, as "name=value". */
  constructor(folder, ...settings) {
    this.folder = folder;
    this.settings = settings.flatMap((one) => ['--set', one]);
  }

  async up() {
    const { child, url } = await start('wsmd', '--data', this.folder, '--listen', `127.0.0.1:${this.port}`, ...this.settings);
    this.#child = child;
    this.http = url;
    this.url = url.replace('http', 'ws');
    this.port = Number(new URL(url).port);
  }

  async down(how = 'SIGTERM') {
    const child = this.#child;
    this.#child = null;
    return child ? stop(child, how) : 0;
  }

  get isUp() {
    return this.#child !== null;
  }

  token(agent, ...more) {
    const args = ['token', '--data', this.folder, '--agent', agent, ...more];
    return execFileSync(program('wsmd'), args, { encoding: 'utf8', timeout: 10000 }).trim().split(/\s+/).at(-1);
  }

  async connect(agent, { query = '', claims = [], ...options } = {}) {
    const headers = { Authorization: `Bearer ${this.token(agent, ...claims)}` };
    const peer = new Peer(new WebSocket(`${this.url}/ws${query}`, ['wsm.v1'], { headers, ...options }));
    await peer.opened();
    peer.welcome = await peer.get((m) => m.type === 'welcome');
    return peer;
  }
}

/** A WebSocket whose messages are taken one by one. */
export class Peer {
  #waiting = [];
  #wanted = [];
  #end = null;

  constructor(ws) {
    this.ws = ws;
    ws.on('error', () => {}); /* told by close, or by opened() */
    ws.on('message', (data, isBinary) => {
      this.#waiting.push(isBinary ? data : data.toString());
      this.#serve();
    });
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        this.#end = new Error(`closed with ${code} ${reason}`);
        this.#serve();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  #serve() {
    while (this.#wanted.length && (this.#waiting.length || this.#end)) {
      const wanted = this.#wanted.shift();
      if (this.#waiting.length) wanted.resolve(this.#waiting.shift());
      else wanted.reject(this.#end);
    }
  }

  /** Rejects with the HTTP status in `status` if the upgrade is refused. */
  opened() {
    return within(10000, 'open', new Promise((resolve, reject) => {
      this.ws.once('open', resolve);
      this.ws.once('error', reject);
      this.ws.once('unexpected-response', (request, response) => {
        reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }));
        request.destroy();
      });
    }));
  }

  /** The next message, as text or Buffer. */
  next() {
    const message = new Promise((resolve, reject) => this.#wanted.push({ resolve, reject }));
    this.#serve();
    return within(30000, 'a message', message);
  }

  /** The next JSON message that fits; others are passed over. */
  async get(fits) {
    for (;;) {
      const message = JSON.parse(await this.next());
      if (fits(message)) return message;
    }
  }

  /** Send a command; its answer, whatever it is. */
  ask(type, fields = {}) {
    const id = fields.message_id ?? randomUUID();
    this.ws.send(JSON.stringify({ type, message_id: id, ...fields }));
    return this.get((m) => m.original_message_id === id);
  }

  async store(exchange, fields = {}) {
    const answer = await this.ask('memory_update', { exchange, ...fields });
    if (answer.type !== 'ack') throw new Error(JSON.stringify(answer));
    return answer;
  }

  ping(payload) {
    const pong = once(this.ws, 'pong');
    this.ws.ping(payload);
    return within(5000, 'pong', pong);
  }

  async close(code = 1000, reason = '') {
    this.ws.close(code, reason);
    return within(10000, 'close', this.closed);
  }
}

/** Runs tests one after the other, and counts. */
export class Runner {
  passed = 0;
  failed = 0;

  async run(name, test, ms = 60000) {
    try {
      await within(ms, name, test());
      this.passed++;
      console.log(`ok ${name}`);
    } catch (error) {
      this.failed++;
      console.log(`FAILED ${name}: ${String(error.stack || error).slice(0, 1500)}`);
    }
  }

  /** Prints the sum and ends the process: no socket that a failed test left open keeps it. */
  end() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exit(this.failed || !this.passed ? 1 : 0);
  }
}
