/* ---- contexts: the tree, as the snapshots tell it; what this agent may not know of is in none of them ---- */

const CONTEXTS_MAX = 300, ASKED_MAX = 8, ASK_AGAIN_MS = 150;
const ENDED = ["merged", "archived", "failed"];
const HUES = 7;

/* {id, parent, snap, active, hue}: snap is null where this agent is no member, and knows the id alone. */
const contexts = new Map();
const wanted = new Set(), asked = new Map(); /* ids to ask for, and those asked for: id -> it is to be asked again */
let me = "", mayAct = false;
let filter = "";

const shortId = (id) => id.length > 14 ? id.slice(0, 12) + "\u2026" : id;

const titleOf = (id) => {
  if (id === "main" || id === null || id === undefined) return "Main memory";
  const snap = contexts.get(id)?.snap;
  if (snap?.forked_from) return "Fork of " + titleOf(snap.forked_from);
  return snap?.task_description || shortId(id);
};

const isMember = (id) => id === "main" || Boolean(contexts.get(id)?.snap?.participants.includes(me));
const isLive = (id) => !ENDED.includes(contexts.get(id)?.snap?.status);

/* The same colour each time that the page is loaded. */
const hueOf = (id) => id === "main" ? 0 : 1 + [...id].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 65521, 7) % HUES;

const noteContext = (id, parent) => {
  if (contexts.has(id) || contexts.size >= CONTEXTS_MAX) return;
  contexts.set(id, { id, parent, snap: null, active: "", hue: hueOf(id) });
};

/* ---- asking ---- */

const askNext = () => {
  for (const id of wanted) {
    if (asked.size >= ASKED_MAX) return;
    wanted.delete(id);
    if (asked.has(id)) { asked.set(id, true); continue; }
    asked.set(id, false);
    send({ type: "context_request", context_id: id }, "", (answer) => {
      const again = asked.get(id);
      asked.delete(id);
      if (answer.type === "error" && answer.code === "forbidden") forgetInside(id);
      else if (answer.type === "error" && answer.code === "not_found") forgetContext(id);
      if (again || (answer.type === "error" && answer.retry === "after")) setTimeout(() => askContext(id), ASK_AGAIN_MS);
      askNext();
    });
  }
};

const askContext = (id) => {
  wanted.add(id);
  askNext();
};

const askAllContexts = () => {
  wanted.clear();
  asked.clear();
  noteContext("main", null);
  for (const id of contexts.keys()) wanted.add(id);
  askNext();
};

/* ---- what is told ---- */

/* No member any longer, or never one: the id is all that is left, and what was said inside goes. */
const forgetInside = (id) => {
  const context = contexts.get(id);
  if (!context) return;
  context.snap = null;
  forgetRecords((record) => record.context_id === id && !isAboutMe(record));
  drawContexts();
  drawCalls();
};

const forgetContext = (id) => {
  if (!contexts.delete(id)) return;
  for (const other of [...contexts.values()]) if (other.parent === id) forgetContext(other.id);
  if (filter === id) setFilter("");
  forgetRecords((record) => record.context_id === id && !isAboutMe(record));
  drawContexts();
  drawCalls();
};

const takeSnapshot = (message) => {
  const snap = message.context, id = snap.sidebar_id;
  noteContext(id, snap.parent_context_id);
  const context = contexts.get(id);
  if (!context) return;
  const isNew = context.snap === null;
  context.snap = snap;
  context.parent = id === "main" ? null : snap.parent_context_id ?? "main";
  if (snap.last_activity > context.active) context.active = snap.last_activity;
  for (const child of snap.child_sidebar_ids) {
    if (contexts.has(child)) continue;
    noteContext(child, id);
    if (contexts.has(child)) askContext(child);
  }
  for (const other of [...contexts.values()])
    if (other.parent === id && !other.snap && !snap.child_sidebar_ids.includes(other.id)) forgetContext(other.id);
  drawContexts();
  drawAgents();
  drawCalls();
  if (isNew) redrawRecords(); /* now it has a name */
};

/* The contexts that a record has to do with. */
const FIELDS_OF_CONTEXTS = ["context_id", "sidebar_id", "parent_id", "parent_sidebar_id", "child_sidebar_id",
                            "original_sidebar_id", "new_sidebar_id"];
const contextsOf = (record) => FIELDS_OF_CONTEXTS.map((field) => record[field]).filter((id) => typeof id === "string");

/* A record that is new: what it changes is asked for; that something was stored changes the time alone. */
const touchContexts = (record) => {
  const changes = record.type.startsWith("sidebar_") || record.type === "memory_archived";
  for (const id of new Set(changes ? contextsOf(record) : [])) {
    noteContext(id, record.parent_id ?? record.parent_sidebar_id ?? "main");
    if (contexts.has(id)) askContext(id);
  }
  const context = contexts.get(record.context_id);
  if (context && record.timestamp > context.active) context.active = record.timestamp;
  drawContexts();
};

/* ---- drawing ---- */

const WAITS_FOR = { human_input: "a person", external_dependency: "something outside", other_sidebar: "another sidebar",
                    system_resource: "a resource" };

const facts = (context) => {
  const snap = context.snap, words = [];
  if (snap.forked_from && !contexts.get(snap.forked_from)) words.push("a fork");
  if (snap.final_status && snap.final_status !== snap.status) words.push("was " + plain(snap.final_status));
  if (snap.merge_policy === "review" && !ENDED.includes(snap.status)) words.push("merge is reviewed");
  if (context.active) words.push("active " + ago(context.active));
  return words.join(" \u00b7 ");
};

const people = (snap) => {
  const line = make("span", "more");
  snap.participants.forEach((name, i) => {
    if (i > 0) line.append(", ");
    line.append(name === me ? make("b", "", "you") : name, name === snap.coordinator_agent ? " (leads)" : "");
  });
  return line;
};

const waitsFor = (word) => "waits for " + (WAITS_FOR[word] ?? plain(word));

const waits = ({ waiting_for, description, dependency_refs }) =>
  make("span", "more waits", waitsFor(waiting_for), description ? ": " + description : "",
    dependency_refs.length ? " (" + names(dependency_refs.map(titleOf)) + ")" : "");

const nodeOf = (context) => {
  const { id, snap } = context, node = button("", "node", () => setFilter(filter === id ? "" : id));
  const dot = make("span", "dot"), first = make("span", "first", dot, make("span", "title", titleOf(id)));
  node.dataset.id = id;
  node.dataset.hue = context.hue;
  node.setAttribute("aria-pressed", String(filter === id));
  if (snap && ENDED.includes(snap.status)) node.classList.add("ended");
  if (snap && id !== "main") first.append(pill(snap.status));
  if (!snap && wasMerged(id)) first.append(pill("merged"));
  node.append(first);
  if (!snap) {
    if (id !== "main") node.append(make("span", "more", "you are no member"));
    return node;
  }
  if (id !== "main") node.append(people(snap));
  if (snap.waiting) node.append(waits(snap.waiting));
  if (snap.failure_reason) node.append(make("span", "more", "failed: " + snap.failure_reason));
  const last = make("span", "more", facts(context));
  if (snap.priority !== "normal" && id !== "main") last.prepend(pill(snap.priority), " ");
  if (snap.visibility === "private") last.prepend(pill("private"), " ");
  node.append(last);
  return node;
};

const actsOf = (context) => {
  const acts = make("div", "acts");
  const tell = (answer) => { if (answer.type === "error") setOutcome("bad", answer.message); };
  const act = (text, message) => {
    const one = button(text, "quiet", () => send(message, "", tell));
    one.setAttribute("aria-label", text + ": " + titleOf(context.id)); /* there are several of them */
    acts.append(one);
  };
  if (context.id === "main" || !mayAct) return null;
  const invitation = invitationTo(context.id);
  if (!context.snap && isMember(context.parent)) {
    act("Join", { type: "sidebar_join", sidebar_id: context.id });
    if (invitation?.history === "all") act("Join with its history", { type: "sidebar_join", sidebar_id: context.id, history: "all" });
  }
  if (filter === context.id && isMember(context.id) && isLive(context.id)) act("Leave", { type: "sidebar_leave", sidebar_id: context.id });
  return acts.childElementCount ? acts : null;
};

/* Those that go on first, then by age; those of which the id alone is known last. */
const hasEnded = (context) => ENDED.includes(context.snap?.status);
const born = (context) => context.snap?.created_at ?? "~";
const byAge = (a, b) => hasEnded(a) - hasEnded(b) || (born(a) < born(b) ? -1 : 1);

const branchOf = (parent) => {
  const all = [...contexts.values()].filter((context) => context.parent === parent).sort(byAge);
  return all.map((context) => {
    const item = make("li", "", nodeOf(context), actsOf(context)), below = branchOf(context.id);
    if (below.length) item.append(make("ul", "", ...below));
    return item;
  });
};

const option = (value, text) => {
  const element = make("option", "", text.length > 60 ? text.slice(0, 59) + "\u2026" : text);
  element.value = value;
  return element;
};

/* New options only where they differ: an open list stays open. */
const setOptions = (select, options, value) => {
  const key = options.map((one) => one.value + "\t" + one.textContent).join("\n");
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...options);
  }
  select.value = value;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
};

const drawContexts = soon(() => {
  const focused = document.activeElement?.closest?.("#contexts .node")?.dataset.id;
  const isShown = contexts.get("main")?.snap || contexts.size > 1;
  $("contexts").replaceChildren(...(isShown ? branchOf(null) : []));
  $("contexts-empty").hidden = Boolean(isShown);
  if (focused) $("contexts").querySelectorAll(".node").forEach((node) => { if (node.dataset.id === focused) node.focus(); });
  const all = [...contexts.values()].filter((context) => context.id !== "main");
  const optionsOf = (some) => [option("main", titleOf("main")), ...some.map(({ id }) => option(id, titleOf(id)))];
  setOptions($("filter"), [option("", "all contexts"), ...optionsOf(all)], filter);
  setOptions($("store-context"), optionsOf(all.filter(({ id }) => isMember(id) && isLive(id))), $("store-context").value);
});

const setFilter = (id) => {
  filter = id;
  shown = ROWS_FIRST;
  drawContexts();
  redrawRecords();
};
