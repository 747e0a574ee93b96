// Those who take part in a story: a client on `ws`, wsmcat as a process, the page in a browser. Each remembers what it was
// sent, and can be waited for until it has heard something.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { WebSocket } from 'ws';

import { BUILD, within } from './programs.mjs';

const PATIENCE_MS = 20000;
const ANSWERS = ['ack', 'duplicate_ack', 'error'];

/** What somebody has heard, in order; `until` looks at what is there and at what comes. */
class Actor {
  heard = [];
  #waiting = new Set();

  constructor(name) {
    this.name = name;
  }

  take(text) {
    const message = JSON.parse(text);
    this.heard.push(message);
    for (const wait of this.#waiting) if (wait.fits(message)) wait.found(message);
  }

  /** The first message from the number `from` on that fits. */
  until(what, fits, from = 0) {
    const there = this.heard.slice(from).find(fits);
    if (there) return Promise.resolve(there);
    const wait = { fits };
    const comes = new Promise((resolve) => { wait.found = resolve; });
    this.#waiting.add(wait);
    return within(PATIENCE_MS, `${this.name} hears ${what}`, comes).finally(() => this.#waiting.delete(wait));
  }

  hears(offset) {
    return this.until(`#${offset}`, (m) => m.offset === offset && !ANSWERS.includes(m.type));
  }

  /** Do something; its answer, which has to be an ack. */
  async does(type, fields = {}) {
    const answer = await this.ask(type, fields);
    if (answer.type !== 'ack') throw new Error(`${this.name} ${type}: ${JSON.stringify(answer)}`);
    return answer;
  }

  async refused(code, type, fields = {}) {
    const answer = await this.ask(type, fields);
    if (answer.code !== code) throw new Error(`${this.name} ${type}: not ${code}: ${JSON.stringify(answer)}`);
  }
}

export class Client extends Actor {
  async connect(hub, ...claims) {
    const headers = { Authorization: `Bearer ${hub.token(this.name, ...claims)}` };
    const from = this.heard.length;
    this.ws = new WebSocket(`${hub.url}/ws`, ['wsm.v1'], { headers });
    this.ws.on('error', () => {});
    this.ws.on('message', (data) => this.take(data.toString()));
    await this.until('welcome', (m) => m.type === 'welcome', from);
    return this;
  }

  ask(type, fields) {
    const id = randomUUID();
    this.ws.send(JSON.stringify({ type, message_id: id, ...fields }));
    return this.until(`the answer to ${type}`, (m) => m.original_message_id === id);
  }

  /** The context as this client may see it: an ack, and the snapshot itself. */
  async snapshot(context_id) {
    const { original_message_id } = await this.does('context_request', { context_id });
    return this.until(`a snapshot of ${context_id}`, (m) => m.cause === original_message_id);
  }

  async close() {
    const gone = once(this.ws, 'close');
    this.ws.close(1000);
    await within(PATIENCE_MS, 'close', gone);
  }
}

/** wsmcat: what it prints is what was heard; commands are typed, one after the other. */
export class Cat extends Actor {
  lines = [];

  constructor(name, pretty = false) {
    super(name);
    this.pretty = pretty;
  }

  async connect(hub, ...claims) {
    const args = ['--url', `${hub.url}/ws`, ...(this.pretty ? ['--pretty'] : []), '--linger', '--no-reconnect'];
    this.child = spawn(join(BUILD, 'bin', 'wsmcat'), args, {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, WSM_TOKEN: hub.token(this.name, ...claims) },
    });
    let rest = '';
    this.child.stdout.setEncoding('utf8');
    this.child.stdout.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        this.lines.push(line);
        this.take(this.pretty ? JSON.stringify({ type: line.split(/\s+/)[3].replace(/:$/, ''), line }) : line);
      }
    });
    await this.until('welcome', (m) => m.type === 'welcome');
    return this;
  }

  /** `fields` as they are typed: `sidebar_id=… reason=lunch`. */
  ask(type, fields) {
    const typed = typeof fields === 'string' ? fields
      : Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ');
    const from = this.heard.length;
    this.child.stdin.write(`:${type} ${typed}\n`);
    return this.until(`the answer to ${type}`, (m) => ANSWERS.includes(m.type), from);
  }

  async close() {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const [code] = await within(PATIENCE_MS, 'the end of wsmcat', gone);
    return code;
  }
}

/** A person at the page: what the page's connection is sent, and the page itself. */
export class Person extends Actor {
  constructor(name, page) {
    super(name);
    this.page = page;
    page.on('websocket', (ws) => ws.on('framereceived', ({ payload }) => this.take(payload.toString())));
  }

  async open(hub) {
    /* away from where it is, since the fragment alone would not load the page anew */
    await this.page.goto('about:blank');
    await this.page.goto(`${hub.http}/#token=${hub.token(this.name, '--kind', 'human')}`);
    await this.shows('#status', `connected as ${this.name}`);
    return this;
  }

  shows(selector, text) {
    return this.page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: PATIENCE_MS });
  }

  async text(selector) {
    return (await this.page.locator(selector).innerText()).replace(/\s+/g, ' ');
  }
}
