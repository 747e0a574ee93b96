// wsmd's own page in a real browser: a person stores something and an agent gets it, an agent stores something and the
// person sees it, the server dies and comes back and the page goes on where it was.
// WSM_BUILD names the build folder, which keeps a screenshot. Ends with `N passed, M failed`.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { BUILD, Hub, Runner } from './support/programs.mjs';

const SEEN_MS = 15000;
const COME_BACK_MS = 40000; /* the page's longest wait between two attempts, and some */

const runner = new Runner();
const folder = mkdtempSync(join(tmpdir(), 'wsm-page-'));
const hub = new Hub(join(folder, 'data'));
const faults = [];

const rows = (page, text) => page.locator('#stream > li').filter({ hasText: text });
const sees = (page, selector, text, timeout = SEEN_MS) =>
  page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout });

async function store(page, text) {
  await page.fill('#store-text', text);
  await page.click('#store-send');
}

/** Nothing but the cuts that the test makes may go wrong in the page. */
function watch(page) {
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection to|ERR_/.test(message.text())) {
      faults.push(message.text());
    }
  });
  return page;
}

await hub.up();
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  headless: true,
  chromiumSandbox: false,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

try {
  const page = watch(await browser.newPage({ viewport: { width: 1200, height: 900 } }));
  let agent = await hub.connect('builder');

  await runner.run('the page connects with the token in its fragment, and hides it', async () => {
    await page.goto(`${hub.http}/#token=${hub.token('person', '--kind', 'human')}`);
    await sees(page, '#status', 'connected as person');
    assert.equal(page.url(), `${hub.http}/`);
    assert.ok(!(await page.content()).includes(hub.token('person').split('.')[0]), 'a token stands in the page');
    assert.equal(await page.locator('#token').isVisible(), false);
  });

  await runner.run('what a person stores reaches an agent, and the person', async () => {
    await store(page, 'typed into the page \u2713');
    const record = await agent.get((m) => m.type === 'memory_update');
    assert.equal(record.exchange.text, 'typed into the page \u2713');
    assert.equal(record.sender_agent_id, 'person');
    await rows(page, 'typed into the page \u2713').waitFor({ timeout: SEEN_MS });
    await sees(page, '#outcome', `offset ${record.offset}, durable`);
  });

  await runner.run('JSON that a person types passes as it is', async () => {
    await store(page, '{"plan": ["a", 1.50, 12345678901234567890]}');
    let text;
    do text = await agent.next(); while (!text.includes('"plan"'));
    assert.ok(text.includes('"exchange":{"plan": ["a", 1.50, 12345678901234567890]}'), text);
  });

  await runner.run('what an agent stores appears in the stream', async () => {
    await agent.store({ text: 'from the agent' }, { topic: 'interop', priority: 'high' });
    const row = rows(page, 'from the agent');
    await row.waitFor({ timeout: SEEN_MS });
    assert.match(await row.textContent(), /builder/);
    assert.match(await row.textContent(), /interop/);
  });

  await runner.run('what an agent writes is text, never markup', async () => {
    await agent.store({ text: '<img src=x onerror="document.title=\'taken\'"><b>bold</b>' });
    await rows(page, '<b>bold</b>').waitFor({ timeout: SEEN_MS });
    assert.equal(await page.locator('#stream img').count(), 0);
    assert.equal(await page.title(), 'wsmd');
  });

  await runner.run('presence and the number of connections are shown', async () => {
    await sees(page, '#presence li', 'builder');
    await sees(page, '#presence li', 'person');
    const guest = await hub.connect('guest');
    await sees(page, '#presence li', 'guest');
    await sees(page, '#connections', /^[3-9]$/);
    await guest.close();
  });

  await runner.run('who may sees how many wakes a wake causes, and where mentions feed themselves', async () => {
    const chief = watch(await browser.newPage());
    await chief.addInitScript(() => {
      window.WebSocket = class extends WebSocket { constructor(...how) { super(...how); window.socketOfTest = this; } };
    });
    await chief.goto(`${hub.http}/#token=${hub.token('chief', '--kind', 'human', '--can', 'status')}`);
    await sees(chief, '#wakes', '0.00');
    /* Mentions that feed themselves take minutes: the server's word for it is said in its place. */
    const status = (permille) => chief.evaluate((wake_permille) => window.socketOfTest.onmessage({ data: JSON.stringify({
      type: 'system_status', interval_s: 5, connections: 9, agents_present: 2, contexts: [{ context_id: 'main', wake_permille }] }) }), permille);
    await status(1250);
    await sees(chief, '#wakes', '1.25 in Main memory');
    await status(999);
    await sees(chief, '#wakes', /^0\.99$/);
    assert.equal(await page.locator('#wakes').isVisible(), false); /* the other's token may not */
    await chief.close();
  });

  await runner.run('another person connects by typing a token, and sees what was before', async () => {
    const other = watch(await browser.newPage());
    await other.goto(`${hub.http}/`);
    await sees(other, '#status', 'not connected');
    await other.fill('#token', 'nonsense');
    await other.click('#connect');
    await sees(other, '#status', 'does not accept this token');
    await other.fill('#token', hub.token('visitor', '--kind', 'human'));
    await other.click('#connect');
    await sees(other, '#status', 'connected as visitor');
    await rows(other, 'from the agent').waitFor({ timeout: SEEN_MS });
    await store(page, 'seen by both');
    await rows(other, 'seen by both').waitFor({ timeout: SEEN_MS });
    await other.close();
  });

  await runner.run('after kill -9 the page resumes and shows what was stored meanwhile', async () => {
    const { port } = hub;
    await hub.down('SIGKILL');
    await page.locator('#status[data-state=wait]').waitFor({ timeout: SEEN_MS });
    /* Where the page does not look, so that it surely was away. */
    hub.port = 0;
    await hub.up();
    const writer = await hub.connect('writer');
    for (let i = 0; i < 5; i++) assert.equal((await writer.store({ text: `meanwhile ${i}.` })).durable, true);
    await hub.down('SIGKILL');
    hub.port = port;
    await hub.up();
    await sees(page, '#status', 'connected as person', COME_BACK_MS);
    for (let i = 0; i < 5; i++) await rows(page, `meanwhile ${i}.`).waitFor({ timeout: SEEN_MS });

    const offsets = await page.locator('#stream > li').evaluateAll((all) => all.map((row) => Number(row.dataset.offset)));
    assert.deepEqual(offsets, [...new Set(offsets)].sort((a, b) => b - a), 'a record twice, or out of order');
  }, 90000);

  await runner.run('the page goes on after its resume', async () => {
    agent = await hub.connect('builder');
    await store(page, 'after the crash');
    assert.equal((await agent.get((m) => m.type === 'memory_update')).exchange.text, 'after the crash');
    await agent.store({ text: 'and back' });
    await rows(page, 'and back').waitFor({ timeout: SEEN_MS });
    mkdirSync(join(BUILD, 'artefacts'), { recursive: true });
    await page.screenshot({ path: join(BUILD, 'artefacts', 'page.png') });
    await agent.close();
  });

  await runner.run('who may only watch sees everything and changes nothing', async () => {
    const other = watch(await browser.newPage());
    await other.goto(`${hub.http}/#token=${hub.token('watcher', '--kind', 'human', '--permission', 'observer')}`);
    await sees(other, '#status', 'connected as watcher, who watches');
    await rows(other, 'after the crash').waitFor({ timeout: SEEN_MS });
    assert.equal(await other.locator('#store-send').isDisabled(), true);
    await store(page, 'for those who watch');
    await rows(other, 'for those who watch').waitFor({ timeout: SEEN_MS });
    await other.close();
  });

  await runner.run('nothing went wrong in the page', async () => {
    assert.deepEqual(faults, []);
  });
} finally {
  await browser.close();
  await hub.down('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
runner.end();
