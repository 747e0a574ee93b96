// What somebody was sent, as lines to read and to compare. What differs from run to run is named or numbered:
//
//     #5 side:1 ada sidebar_spawn id=ada.2 priority=high task_description="…"
//     hub ack of=ada.2 #5 result={…}
//
// #n: the n-th record of the story, whatever its offset, `after #n` one behind it that is sent to nobody; context:seq, or
// the context alone where the record has no seq; ada.2: the message_id of ada's second record, ada.x1 that of her first
// command that made none. Left out, after they were looked at: message_id of answers, timestamp, `priority` where it is
// normal, `durable` where it is true.
import assert from 'node:assert/strict';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const OFFSETS = ['offset', 'up_to_offset', 'from_offset', 'to_offset', 'at_offset', 'from', 'to', 'accept', 'refuse', 'offsets'];
const ENVELOPE = ['type', 'message_id', 'timestamp', 'sender_agent_id', 'context_id', 'offset', 'seq'];
const ANSWERS = ['ack', 'duplicate_ack', 'error'];

export const isRecord = (m) => m.offset > 0 && m.timestamp && !['welcome', 'position', 'replay_end', ...ANSWERS].includes(m.type);

export class Names {
  #contexts = new Map([['main', 'main']]);
  #records = new Map(); /* offset -> its number */
  #ids = new Map();     /* message_id -> its name */

  context(id, name) {
    this.#contexts.set(id, name);
  }

  /** From all that anybody has heard. */
  learn(actors) {
    const all = new Map();
    for (const actor of actors) for (const m of actor.heard) if (isRecord(m)) all.set(m.offset, m);
    const counts = new Map();
    const next = (who) => counts.set(who, (counts.get(who) ?? 0) + 1).get(who);
    for (const m of [...all.values()].sort((a, b) => a.offset - b.offset)) {
      this.#records.set(m.offset, this.#records.size + 1);
      if (!this.#ids.has(m.message_id)) this.#ids.set(m.message_id, `${m.sender_agent_id}.${next(m.sender_agent_id)}`);
    }
    for (const actor of actors)
      for (const { original_message_id: id } of actor.heard)
        if (id && !this.#ids.has(id)) this.#ids.set(id, `${actor.name}.x${next(`${actor.name}.x`)}`);
  }

  record(offset) {
    if (this.#records.has(offset)) return `#${this.#records.get(offset)}`;
    const before = [...this.#records.keys()].filter((one) => one < offset);
    return before.length ? `after #${this.#records.get(Math.max(...before))}` : 'before #1'; /* one that nobody is sent */
  }

  /** Any value, with what differs named. */
  value(value, key) {
    if (Array.isArray(value)) return value.map((one) => this.value(one, key));
    if (value && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [this.value(name, ''), this.value(one, name)]));
    if (typeof value === 'number' && OFFSETS.includes(key)) return this.record(value);
    if (key === 'bytes') return '…';
    if (typeof value !== 'string') return value;
    if (this.#ids.has(value)) return this.#ids.get(value);
    return TIME.test(value) ? '…' : this.#contextsIn(value);
  }

  #contextsIn(text) {
    for (const [id, name] of this.#contexts) text = text.replaceAll(id, name);
    return text;
  }

  line(m) {
    assert.match(m.message_id, UUID);
    assert.match(m.timestamp, TIME);
    const fields = Object.entries(m).filter(([name, value]) => !ENVELOPE.includes(name) && name !== 'original_message_id' &&
      !(name === 'priority' && value === 'normal') && !(name === 'durable' && value === true));
    const isPlace = (name) => m.type === 'context_snapshot' && name === 'version'; /* the offset of its last record */
    const rest = fields.map(([name, value]) => `${name}=${JSON.stringify(this.value(value, isPlace(name) ? 'offset' : name))}`);
    if (!isRecord(m)) {
      const place = m.offset ? [this.record(m.offset)] : [];
      const of = 'original_message_id' in m ? [`of=${this.value(m.original_message_id, '')}`] : [];
      const context = m.context_id ? [`context_id=${this.value(m.context_id, '')}`] : [];
      return [m.sender_agent_id, m.type, ...of, ...place, ...context, ...rest].join(' ');
    }
    const where = m.context_id === undefined ? '-' : this.value(m.context_id, '') + (m.seq ? `:${m.seq}` : '');
    return [this.record(m.offset), where, m.sender_agent_id, m.type, `id=${this.value(m.message_id, '')}`, ...rest].join(' ');
  }

  /** A line of `wsmcat --pretty`. */
  pretty(line) {
    const number = (text) => this.record(Number(text));
    return this.#contextsIn(line.replace(/^\d\d:\d\d:\d\d/, '··:··:··').replace(/"bytes":\d+/g, '"bytes":"…"')
      .replace(/#(\d+)/g, (_, offset) => number(offset))
      .replace(/"(offset|up_to_offset)":(\d+)/g, (_, name, offset) => `"${name}":"${number(offset)}"`)
      .replace(/\b(accepts|refuses) \[([\d,]+)\]/g, (_, word, all) => `${word} ${all.split(',').map(number).join(', ')}`));
  }
}

/** The sections as one text. */
export const tell = (sections) => sections.map(([title, lines]) => `== ${title}\n${lines.join('\n')}\n`).join('\n');

export function compare(now, before) {
  const [a, b] = [now.split('\n'), before.split('\n')];
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    assert.equal(a[i], b[i], `line ${i + 1} of the transcript (WSM_WALK_WRITE=1 writes it anew, to be read before it is kept)`);
}
