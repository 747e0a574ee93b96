// A walk through a sidebar's life, on the real server and SQLite: ada types into wsmcat, bob, cy and dot are scripts, and
// eve sits at the page. Four agents begin a sidebar, a child of it, pause, resume, test, wait, merge with a conflict and a
// partial refusal, archive, and fork the archive; two of them have a secret. What each was sent is compared with walk.txt,
// which says it line by line; what the page shows is compared with what it should, also after it was loaded anew.
// WSM_BUILD names the build folder, which keeps screenshots. WSM_WALK_WRITE=1 writes walk.txt. Ends with `N passed, M failed`.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { Cat, Client, Person } from './support/actors.mjs';
import { lowestContrast } from './support/contrast.mjs';
import { BUILD, Hub, Runner } from './support/programs.mjs';
import { compare, isRecord, Names, tell } from './support/transcript.mjs';

const STORY = join(dirname(fileURLToPath(import.meta.url)), 'walk.txt');
const ARTEFACTS = join(BUILD, 'artefacts');
const SECRET = 'nobody else shall know', WORD = 'a word with eve';

const runner = new Runner();
const folder = mkdtempSync(join(tmpdir(), 'wsm-walk-'));
const hub = new Hub(join(folder, 'data'), 'presence_grace_ms=1000');
const names = new Names();
const faults = [];

mkdirSync(ARTEFACTS, { recursive: true });
await hub.up();
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  headless: true,
  chromiumSandbox: false,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light', locale: 'en-GB', timezoneId: 'UTC' });
page.on('pageerror', (error) => faults.push(String(error)));
page.on('console', (message) => { /* that the server is away, the page says for itself */
  if (message.type() === 'error' && !/WebSocket connection to|ERR_CONNECTION/.test(message.text())) faults.push(message.text());
});

const ada = new Cat('ada'), reader = new Cat('ada', true), bob = new Client('bob'), cy = new Client('cy'), dot = new Client('dot');
const eve = new Person('eve', page);
const ids = {};

/** What follows on a failure would only repeat it. */
const act = async (name, test) => runner.failed || runner.run(name, test);

/** All of them have heard the record of this answer. */
const heard = (answer, ...actors) => Promise.all(actors.map((actor) => actor.hears(answer.offset))).then(() => answer);
const shot = (name, options = {}) => page.screenshot({ path: join(ARTEFACTS, `walk-${name}.png`), fullPage: true, ...options });
const tree = () => eve.text('#contexts');
const inTree = (id, text) => eve.shows(`#contexts .node[data-id="${id}"]`, text);
const newest = (text) => eve.shows('#stream > li', text);

/** A new context is known by its name from now on. */
function call(answer, name) {
  ids[name] = answer.result.sidebar_id;
  names.context(ids[name], name);
  return answer;
}

try {
  await act('four agents and a person meet', async () => {
    await dot.connect(hub, '--specialties', 'testing');
    await dot.close(); /* known, and away */
    await ada.connect(hub);
    await reader.connect(hub, '--permission', 'observer');
    await bob.connect(hub, '--specialties', 'linking');
    await cy.connect(hub);
    await eve.open(hub);
    await page.fill('#store-text', 'the build is red, @bob');
    await page.fill('#store-topic', 'build');
    await page.click('#store-send');
    await eve.shows('#outcome', 'Stored at offset');
    const said = await bob.until('the news', (m) => m.exchange?.text === 'the build is red, @bob');
    await heard(said, ada, bob, cy, eve);
    await newest(/the build is red, @bob\s*bob: delivered/);
    await bob.does('mention_ack', { mention_id: said.message_id, state: 'replied', note: 'on it' });
    await newest(/the build is red, @bob\s*bob: replied \(on it\)/);
    await heard(await bob.does('data_ref', { name: 'commit', value: 'a1' }), ada, bob, cy, eve);
  });

  await act('a sidebar of four; one of them is away', async () => {
    const answer = call(await ada.does('sidebar_spawn',
      'participants=[bob, cy, dot] task_description="why is the build red" success_criteria="it is green" ' +
      'coordinator_agent=ada merge_policy=review priority=high'), 'side');
    await heard(answer, ada, bob, cy);
    await ada.until('dot is told later', (m) => m.type === 'mention_status' && m.target === 'cy' && m.state === 'delivered');
    await heard(await bob.does('memory_update', { context_id: ids.side, exchange: 'it is the linker' }), ada, bob, cy);
    await heard(await cy.does('memory_update', { context_id: ids.side, exchange: { text: 'no, the disk', free: 0 } }), ada, bob, cy);
    await dot.connect(hub, '--specialties', 'testing');
    await heard(answer, dot); /* a delivery: it comes from below what dot has missed */
    await ada.until('dot has it', (m) => m.type === 'mention_status' && m.target === 'dot' && m.state === 'delivered');
    await inTree(ids.side, 'you are no member'); /* eve knows that it is there, and no more */
    assert.ok(!(await page.content()).includes('linker'));
  });

  await act('two have a secret', async () => {
    const answer = call(await bob.does('sidebar_spawn', { participants: ['cy'], task_description: SECRET, visibility: 'private' }), 'secret');
    await heard(answer, bob, cy);
    await heard(await cy.does('memory_update', { context_id: ids.secret, exchange: `${SECRET} but us` }), bob, cy);
  });

  await act('whoever has to leave a secret sees nothing of it any more', async () => {
    await heard(call(await bob.does('sidebar_spawn', { participants: ['eve'], task_description: WORD, visibility: 'private' }), 'closed'), bob, eve);
    await inTree(ids.closed, WORD);
    await inTree(ids.closed, 'private');
    await eve.shows('#calls li', WORD);
    await heard(await bob.does('sidebar_remove', { sidebar_id: ids.closed, agent_ids: ['eve'], reason: 'it was for another' }), bob, eve);
    await page.locator(`#contexts .node[data-id="${ids.closed}"]`).waitFor({ state: 'detached' });
    await page.waitForFunction((word) => !document.body.innerText.includes(word), WORD);
    await newest('it was for another');
  });

  await act('a person is invited, and reads what was said before', async () => {
    await heard(await ada.does('sidebar_invite', `sidebar_id=${ids.side} agent_ids=[eve] history=all reason="she may decide"`), ada, bob, cy, dot, eve);
    await eve.shows('#calls li', 'invited you');
    await page.getByRole('button', { name: 'Join with its history' }).click();
    await newest('it is the linker');
    await newest('began a sidebar');
    await inTree(ids.side, 'why is the build red');
    await inTree(ids.side, 'active');
    await heard(await ada.until('eve joins', (m) => m.type === 'sidebar_join'), ada, bob, cy, dot, eve);
    await eve.until('the end of the history', (m) => m.type === 'replay_end');
    await page.locator('#calls li').waitFor({ state: 'detached' });
  });

  await act('a child, and its merge', async () => {
    const answer = call(await bob.does('sidebar_child_spawn',
      { parent_sidebar_id: ids.side, sub_task_description: 'look at the disk', assigned_agents: ['cy'] }), 'child');
    await heard(answer, bob, cy);
    await bob.until('cy has it', (m) => m.type === 'mention_status' && m.target === 'cy' && m.state === 'delivered' && m.mention_id === answer.original_message_id);
    await inTree(ids.child, 'you are no member');
    await heard(await cy.does('memory_update', { context_id: ids.child, exchange: 'it is full' }), bob, cy);
    await heard(await cy.does('sidebar_test_result',
      { sidebar_id: ids.child, test_description: 'df', result: 'failed', findings: '0 bytes' }), bob, cy);
    await dot.refused('forbidden', 'context_request', { context_id: ids.child });
    await heard(await cy.does('sidebar_status_update', { sidebar_id: ids.child, new_status: 'consolidating' }), bob, cy);
    await heard(await cy.does('sidebar_merge', { sidebar_id: ids.child, exchanges_to_merge: 'none' }), ada, bob, cy, dot, eve);
    await newest('0 bytes');
    await inTree(ids.child, 'merged');
  });

  await act('pause and resume', async () => {
    await bob.refused('forbidden', 'sidebar_pause', { sidebar_id: ids.side, reason: 'tired' });
    await heard(await ada.does('sidebar_pause', `sidebar_id=${ids.side} reason=lunch resume_condition="we have eaten"`), ada, bob, cy, dot, eve);
    await inTree(ids.side, 'paused');
    await newest('we have eaten');
    await heard(await ada.does('sidebar_resume', `sidebar_id=${ids.side} reason=eaten`), ada, bob, cy, dot, eve);
    await inTree(ids.side, 'active');
  });

  await act('a test, a wait, and a call that a person answers', async () => {
    await heard(await dot.does('sidebar_test_result', { sidebar_id: ids.side, test_description: 'clean and build',
      result: 'passed', findings: 'green', next_test_suggestion: 'twice' }), ada, bob, cy, dot, eve);
    await heard(await dot.does('sidebar_waiting_update', { sidebar_id: ids.side, waiting_for: 'human_input',
      description: 'may we delete it', estimated_wait_time: 60 }), ada, bob, cy, dot, eve);
    await inTree(ids.side, 'waits for a person: may we delete it');
    const mention = await dot.does('mention_route', { target_agents: ['eve'], message: 'may we delete the cache?',
      context_refs: [ids.side], sidebar_id: ids.side, priority: 'urgent' });
    await heard(mention, dot, eve);
    await eve.shows('#calls li', 'may we delete the cache?');
    await dot.until('eve has it', (m) => m.type === 'mention_status' && m.state === 'delivered');
    await shot('waiting-1280');
    await page.locator('#calls li', { hasText: 'delete the cache' }).getByRole('button', { name: 'Done' }).click();
    await dot.until('eve has answered', (m) => m.type === 'mention_status' && m.state === 'replied');
    await eve.shows('#calls-empty', 'Nobody calls you');
    await heard(await ada.does('sidebar_status_update', `sidebar_id=${ids.side} new_status=active reason="we may"`), ada, bob, cy, dot, eve);
    await inTree(ids.side, 'active');
  });

  await act('a merge with a conflict, of which a person refuses a part', async () => {
    const good = await heard(await dot.does('memory_update', { context_id: ids.side, exchange: 'deleted, and it builds' }), ada, bob, cy, dot, eve);
    const joke = await heard(await dot.does('memory_update', { context_id: ids.side, exchange: 'a <b>joke</b>' }), ada, bob, cy, dot, eve);
    await heard(await bob.does('data_ref', { context_id: ids.side, name: 'commit', value: 'b2' }), ada, bob, cy, dot, eve);
    await heard(await cy.does('data_ref', { name: 'commit', value: 'c3' }), ada, bob, cy, dot, eve);
    await ada.refused('invalid_transition', 'sidebar_archive', `sidebar_id=${ids.side} archive_reason=done`);
    await heard(await ada.does('sidebar_status_update', `sidebar_id=${ids.side} new_status=consolidating`), ada, bob, cy, dot, eve);
    await heard(await ada.does('sidebar_merge', `sidebar_id=${ids.side} consolidated_findings={"cause":"disk"} ` +
      `exchanges_to_merge=[${good.offset},${joke.offset}] success=true`), ada, bob, cy, dot, eve);
    await newest('Both sides have changed commit');
    await inTree(ids.side, 'consolidating');
    await shot('decide-1280');
    const form = page.locator('#stream .open');
    await form.getByRole('checkbox', { name: 'a <b>joke</b>' }).uncheck();
    await form.getByLabel('Reason of the decision').fill('not funny');
    await form.getByRole('button', { name: 'Accept what is chosen' }).click();
    const decision = await ada.until('the decision', (m) => m.type === 'sidebar_merge_decision');
    await heard(decision, ada, bob, cy, dot, eve);
    assert.deepEqual([decision.accept, decision.refuse, decision.reason], [[good.offset], [joke.offset], 'not funny']);
    await inTree(ids.side, 'merged');
    await eve.shows('#stream > li[data-type=sidebar_merge]', /accepted\s*dot deleted, and it builds\s*refused\s*dot a <b>joke<\/b>/);
    await cy.refused('invalid_transition', 'sidebar_merge_decision', { sidebar_id: ids.side, accept: 'all' });
  });

  await act('the archive, and a fork of it', async () => {
    await heard(await ada.does('sidebar_archive', `sidebar_id=${ids.side} archive_reason=done`), ada, bob, cy, dot, eve);
    const away = (m) => m.type === 'memory_archived' && m.context_id === ids.side;
    await Promise.all([ada, bob, cy, dot, eve].map((actor) => actor.until('what is archived', away)));
    await inTree(ids.side, 'archived');
    await bob.refused('invalid_transition', 'memory_update', { context_id: ids.side, exchange: 'late' });
    await heard(call(await dot.does('sidebar_fork', { original_sidebar_id: ids.side, fork_reason: 'it is red again' }), 'fork'), ada, bob, cy, dot, eve);
    await inTree(ids.fork, 'Fork of why is the build red');
    await heard(await bob.does('memory_update', { context_id: ids.fork, exchange: 'the linker after all' }), ada, bob, cy, dot, eve);
    for (const id of [ids.fork, ids.side, 'main']) await cy.snapshot(id);
    await heard(await ada.does('memory_update', 'exchange="that is all"'), ada, bob, cy, dot, eve);
    await newest('that is all');
    await reader.until('the last words', (m) => m.line?.endsWith(': that is all'));
  });

  await act('each was sent what the transcript says', async () => {
    const all = [ada, bob, cy, dot, eve];
    const silent = ['welcome', 'position', 'agent_presence'];
    names.learn(all);
    const lines = (actor) => actor.heard.filter((m) => !silent.includes(m.type)).map((m) => names.line(m));
    const now = tell([
      ['ada, who types into wsmcat', lines(ada)],
      ['bob', lines(bob)],
      ['cy', lines(cy)],
      ['dot', lines(dot)],
      ['eve, at the page; of what it is sent, the records', eve.heard.filter(isRecord).map((m) => names.line(m))],
      ['ada once more, as wsmcat --pretty shows it', reader.lines.filter((line) => !/ (welcome|position|agent_presence):/.test(line)).map((line) => names.pretty(line))],
    ]);
    writeFileSync(join(ARTEFACTS, 'walk.txt'), now);
    if (process.env.WSM_WALK_WRITE) writeFileSync(STORY, now);
    compare(now, readFileSync(STORY, 'utf8'));
  });

  let before;
  const whole = async () => ({ tree: (await tree()).replace(/active (just now|\d+ min ago)/g, 'active …'), stream: await eve.text('#stream') });

  await act('the page shows the tree, the agents and the timeline', async () => {
    before = await whole();
    assert.match(before.tree, /^Main memory active … Fork of why is the build red .* why is the build red archived .* you are no member Join$/);
    const side = await eve.text(`#contexts .node[data-id="${ids.side}"]`);
    assert.match(side, /^why is the build red archived ada \(leads\), bob, cy, dot, you high was merged · active /);
    const fork = await eve.text(`#contexts .node[data-id="${ids.fork}"]`);
    assert.match(fork, /^Fork of why is the build red active dot, ada, bob, cy, you high merge is reviewed · active /);
    for (const name of ['ada', 'bob', 'cy', 'dot', 'eve (you)']) await eve.shows('#presence li', name);
    await eve.shows('#presence li', 'linking');
    const offsets = await page.locator('#stream > li').evaluateAll((rows) => rows.map((row) => Number(row.dataset.offset)));
    assert.deepEqual(offsets, [...new Set(offsets)].sort((a, b) => b - a), 'a record twice, or out of order');
    const gone = (m) => m.context_id === ids.closed && m.type !== 'sidebar_remove';
    const sent = [...new Set(eve.heard.filter(isRecord).filter((m) => !gone(m)).map((m) => m.offset))];
    assert.deepEqual(offsets, sent.sort((a, b) => b - a), 'what it was sent is what it shows');
    assert.equal(await page.locator('#stream b', { hasText: 'joke' }).count(), 0, 'text became markup');
  });

  await act('what is secret is nowhere in the page, nor was it sent', async () => {
    const everything = (await page.content()) + JSON.stringify(eve.heard);
    assert.ok(!everything.includes(ids.secret) && !everything.includes(SECRET));
    assert.ok(!JSON.stringify(dot.heard).includes(SECRET) && JSON.stringify(cy.heard).includes(SECRET));
  });

  await act('the timeline is filtered by a context, with the keyboard alone', async () => {
    const node = page.locator(`#contexts .node[data-id="${ids.fork}"]`);
    await node.focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('#stream > li').length === 2);
    assert.match(await eve.text('#stream'), /the linker after all.*forked “why is the build red”/);
    assert.equal(await node.getAttribute('aria-pressed'), 'true');
    assert.equal(await page.evaluate(() => document.activeElement.dataset.id), ids.fork, 'the focus is lost');
    await page.selectOption('#filter', '');
    await newest('the build is red, @bob');
  });

  await act('loaded anew, the page shows the same', async () => {
    await eve.open(hub);
    await newest('the build is red');
    await inTree(ids.fork, 'Fork of why is the build red');
    await inTree(ids.side, 'archived');
    const deadline = Date.now() + 10000;
    const seen = () => whole().then((now) => ({ ...now, stream: withoutCalls(now.stream) }));
    const expected = { ...before, stream: withoutCalls(before.stream) };
    let now = await seen();
    while (Date.now() < deadline && JSON.stringify(now) !== JSON.stringify(expected)) now = await seen();
    assert.deepEqual(now, expected);
  });

  await act('what comes while the page is away is there when it is back, until it is answered', async () => {
    await page.goto('about:blank');
    await dot.does('mention_route', { target_agents: ['eve'], message: 'are you there?' });
    await heard(await bob.does('memory_update', { exchange: 'later than the call' }), dot);
    await eve.open(hub);
    await eve.shows('#calls li', 'are you there?');
    await newest(/called you.*are you there\?/);
    await eve.open(hub);
    await page.locator('#calls li', { hasText: 'are you there?' }).getByRole('button', { name: 'On it' }).click();
    await eve.shows('#calls li .pill', 'working');
    await dot.until('eve works on it', (m) => m.type === 'mention_status' && m.state === 'working');
    await eve.open(hub);
    await eve.shows('#calls li', 'are you there?');
    await eve.shows('#calls li .pill', 'working');
  });

  await act('presence is shown as it is told: who works where, and who has gone', async () => {
    await bob.does('agent_presence', { status: 'working', current_context: ids.fork, note: 'at the linker' });
    await eve.shows('#presence li', /bob\s*working\s*in Fork of why is the build red .* at the linker/);
    await cy.does('agent_presence', { status: 'idle' });
    await eve.shows('#presence li', /cy\s*idle/);
    await cy.close();
    await eve.shows('#presence li', /cy\s*offline/);
  });

  await act('a person says something in a sidebar, and leaves it', async () => {
    await page.selectOption('#store-context', ids.fork);
    await page.fill('#store-text', '{"decided": true}');
    await page.click('#store-send');
    const said = await bob.until('what eve says', (m) => m.exchange?.decided);
    assert.deepEqual([said.context_id, said.priority], [ids.fork, 'high']);
    await page.locator(`#contexts .node[data-id="${ids.fork}"]`).click();
    await page.getByRole('button', { name: 'Leave' }).click();
    await inTree(ids.fork, 'you are no member');
    await page.locator('#store-context option', { hasText: 'Fork' }).waitFor({ state: 'detached' });
    await newest(/you\s*left/);
    assert.ok(!(await eve.text('#stream')).includes('the linker after all'));
    await page.selectOption('#filter', '');
    await newest('the build is red, @bob');
  });

  await act('it can be read: contrast in light and dark, and no sideways scrolling on a phone', async () => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      for (const [width, height] of [[1280, 900], [420, 900]]) {
        await page.setViewportSize({ width, height });
        await shot(`${colorScheme}-${width}`);
        const roles = await page.locator('body').ariaSnapshot();
        assert.doesNotMatch(roles, /^ *- (button|textbox|combobox|checkbox|region)(:| \[|$)/m, 'something has no name');
        const least = await page.evaluate(lowestContrast);
        assert.ok(least.ratio >= 4.5, `${colorScheme}: ${JSON.stringify(least)}`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${width}: ${over} pixels too wide`);
      }
    }
  });

  await act('wsmcat ends cleanly', async () => {
    assert.deepEqual([await ada.close(), await reader.close()], [0, 0]);
  });

  await act('after kill -9 the page comes back to the same, and goes on', async () => {
    const known = await whole();
    await hub.down('SIGKILL');
    await page.locator('#status[data-state=wait]').waitFor();
    await hub.up();
    await eve.shows('#status', 'connected as eve');
    await bob.connect(hub);
    await heard(await bob.does('memory_update', { exchange: 'we are back' }), eve);
    await newest('we are back');
    const now = await whole();
    assert.equal(now.tree, known.tree);
    assert.equal(now.stream.replace(/^bob \S+ #\d+ we are back /, ''), known.stream);
  });

  await act('nothing went wrong in the page', async () => {
    assert.deepEqual(faults, []);
  });
} finally {
  await browser.close();
  await hub.down('SIGKILL');
  ada.child?.kill('SIGKILL');
  reader.child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
runner.end();

/** A call that was answered is over, and does not come again; nor does how it went with those that one has made. */
function withoutCalls(text) {
  return text.replace('bob: replied (on it)', '').trim().replace(/dot called you urgent \S+ #\d+ may we delete the cache\? About why is the build red /, '');
}
