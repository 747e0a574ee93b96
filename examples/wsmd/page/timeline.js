/* ---- the timeline: every record once, by its offset; some come late, from below our position ---- */

const RECORDS_MAX = 3000, ROWS_FIRST = 200, ROWS_MORE = 200;

const records = new Map();  /* offset -> record */
const notes = [];           /* {offset, text}: what cannot be shown */
const statuses = new Map(); /* message_id of what called somebody -> Map of target -> state */
let shown = ROWS_FIRST;

/* What tells this agent how it stands to a sidebar; it is sent to it though it is no member. */
const isAboutMe = (record) => ["sidebar_invite", "sidebar_remove", "sidebar_leave"].includes(record.type) &&
  (record.agent_ids ? list(record.agent_ids).includes(me) : record.sender_agent_id === me);

const decisionOn = (merge) => {
  let first = null;
  for (const record of records.values())
    if (record.type === "sidebar_merge_decision" && record.sidebar_id === merge.sidebar_id && record.offset > merge.offset &&
        (!first || record.offset < first.offset)) first = record;
  return first;
};

/* All that one who is no member may know of a sidebar's end: its merge, in the context above. */
const wasMerged = (id) => {
  const takesSome = (decision) => decision && decision.accept !== "none" && decision.accept.length > 0;
  for (const record of records.values())
    if (record.type === "sidebar_merge" && record.sidebar_id === id && (record.merge_policy !== "review" || takesSome(decisionOn(record)))) return true;
  return false;
};

/* An invitation of ours that we have not used. */
const invitationTo = (id) => {
  let last = null;
  for (const record of records.values()) {
    const is = record.context_id === id && record.type === "sidebar_invite" && list(record.agent_ids).includes(me);
    if (is && (!last || record.offset > last.offset)) last = record;
  }
  return last;
};

const passes = (record) => !filter || contextsOf(record).includes(filter);

/* A priority is told where it is not the one of all around it. */
const usualPriority = (record) => contexts.get(record.context_id)?.snap?.priority ?? "normal";

const rowOf = (record) => {
  const words = WORDS[record.type], [did, ...below] = words ? words(record) : [plain(record.type)];
  const context = contexts.get(record.context_id ?? record.sidebar_id), row = make("li"), time = make("time"), when = new Date(record.timestamp);
  time.dateTime = record.timestamp;
  time.textContent = when.toLocaleTimeString();
  time.title = when.toLocaleString();
  const sender = record.sender_agent_id === me ? "you" : record.sender_agent_id;
  const line = make("div", "line", make("b", "", sender), " ", did && make("span", "did", did));
  const add = (element) => line.append(" ", element);
  if (record.context_id && record.context_id !== "main") add(make("span", "in", "in " + titleOf(record.context_id)));
  if ((record.priority ?? "normal") !== usualPriority(record)) add(pill(record.priority));
  if (record.topic) add(pill(record.topic, "topic"));
  for (const tag of list(record.tags)) add(pill(tag, "topic"));
  if (record.key) add(pill("key " + record.key, "topic"));
  const head = make("div", "head", line, make("span", "when", time, " ", make("span", "offset", "#" + record.offset)));
  row.append(make("span", record.type === "memory_update" ? "dot" : "dot hollow"), head, ...below.filter(Boolean));
  const told = statuses.get(record.message_id);
  if (told) row.append(make("p", "small soft said", [...told].map(([target, state]) => target + ": " + state).join(" \u00b7 ")));
  row.dataset.offset = record.offset;
  row.dataset.type = record.type;
  row.dataset.hue = context?.hue ?? 0;
  return row;
};

const noteRow = (note) => {
  const row = make("li", "", make("span", "dot hollow"), make("span", "note", note.text));
  row.dataset.offset = note.offset;
  row.dataset.hue = 0;
  return row;
};

const insert = (row) => {
  let before = $("stream").firstElementChild;
  while (before && Number(before.dataset.offset) > Number(row.dataset.offset)) before = before.nextElementSibling;
  $("stream").insertBefore(row, before);
};

const trim = () => {
  const hidden = $("stream").childElementCount > shown;
  while ($("stream").childElementCount > shown) $("stream").lastElementChild.remove();
  if (hidden) $("older").hidden = false;
  $("stream-empty").hidden = $("stream").childElementCount > 0;
};

const redrawRecords = soon(() => {
  const draft = new Map([...$("stream").querySelectorAll(".open")].map((form) => [form.closest("li").dataset.offset, form]));
  const all = [...records.values()].filter(passes).map((record) => ({ offset: record.offset, make: () => rowOf(record) }));
  for (const note of notes) all.push({ offset: note.offset, make: () => noteRow(note) });
  all.sort((a, b) => b.offset - a.offset);
  const rows = all.slice(0, shown).map((one) => one.make());
  for (const row of rows) { /* a decision that somebody is about to make stays as it is */
    const mine = draft.get(row.dataset.offset);
    row.querySelector(".open")?.replaceWith(mine ?? row.querySelector(".open"));
  }
  $("stream").replaceChildren(...rows);
  $("older").hidden = all.length <= shown;
  $("stream-empty").hidden = rows.length > 0;
});

const redrawRow = (record) => {
  const old = $("stream").querySelector(`li[data-offset="${Number(record.offset)}"][data-type]`);
  if (old) old.replaceWith(rowOf(record));
};

const forgetRecords = (isGone) => {
  let some = false;
  for (const [offset, record] of records) if (isGone(record)) some = records.delete(offset) || some;
  if (some) redrawRecords();
};

/* False: it was here before. */
const showRecord = (record) => {
  if (records.has(record.offset)) return false;
  records.set(record.offset, record);
  if (records.size > RECORDS_MAX) records.delete(Math.min(...records.keys()));
  if (passes(record)) insert(rowOf(record));
  trim();
  if (record.type === "sidebar_merge_decision")
    for (const merge of records.values())
      if (merge.type === "sidebar_merge" && merge.sidebar_id === record.sidebar_id) redrawRow(merge);
  return true;
};

const putNote = (text, offset) => {
  notes.push({ text, offset });
  insert(noteRow(notes.at(-1)));
  trim();
};

const takeMentionStatus = (message) => {
  const told = statuses.get(message.mention_id) ?? new Map();
  statuses.set(message.mention_id, told.set(message.target, message.note ? message.state + " (" + message.note + ")" : message.state));
  for (const record of records.values()) if (record.message_id === message.mention_id) redrawRow(record);
};
