/* ---- words: what a record says, as a sentence with its sender before it, and what stands below ---- */

const PAIRS_MAX = 12;

const isEmpty = (value) => value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
const isSimple = (value) => value === null || typeof value !== "object" || value.rawJSON;
const isFlat = (value) => !isSimple(value) && !Array.isArray(value) && Object.keys(value).length <= PAIRS_MAX && Object.values(value).every(isSimple);

/* Text as text, a few names with simple values as a table, anything else as JSON. */
const content = (value) => {
  if (typeof value === "string") return make("p", "said", value);
  if (!isFlat(value) || isEmpty(value)) return make("pre", "said", JSON.stringify(value, null, 2));
  const { text, ...more } = value;
  const pairs = Object.entries(typeof text === "string" ? more : value).map(([name, one]) => [name, typeof one === "string" ? one : JSON.stringify(one)]);
  return make("div", "", typeof text === "string" ? make("p", "said", text) : null, table(...pairs));
};

/* What the hub puts together where a merge brings no findings of its own: critical updates, tests, values by key. */
const findings = (value) => {
  if (!value || !Array.isArray(value.critical) || !Array.isArray(value.tests) || !value.values) return content(value);
  return make("div", "",
    ...value.critical.map((one) => make("p", "said", pill("critical"), " ", wordsOf(one.exchange ?? one))),
    ...value.tests.map((one) => make("p", "said", pill(one.result), " ", one.test_description, one.findings ? ": " + one.findings : "")),
    isEmpty(value.values) ? null : content(value.values));
};

const brief = (value) => typeof value === "string" ? value : value === null ? "removed" : JSON.stringify(value);
const quote = (text) => text ? make("p", "quote", text) : null;

/* Pairs of a label and a text; those without a text are left out. */
const table = (...pairs) => {
  const rows = pairs.filter(([, text]) => text !== undefined && text !== null && text !== "");
  return rows.length ? make("dl", "facts", ...rows.flatMap(([label, text]) => [make("dt", "", label), make("dd", "", String(text))])) : null;
};

/* A context's title inside a sentence. */
const called = (id) => id === "main" ? titleOf(id) : "\u201c" + titleOf(id) + "\u201d";

const others = (all, sender) => names(list(all).filter((name) => name !== sender).map((name) => name === me ? "you" : name));
const named = (all) => names(list(all).map((name) => name === me ? "you" : name));
const withOthers = (all, sender) => others(all, sender) ? " with " + others(all, sender) : "";

const condition = (value) => {
  if (!value || typeof value !== "object") return value;
  if (value.sidebar) return called(value.sidebar) + " has ended";
  if (value.time) return new Date(value.time).toLocaleString();
  if (value.mention) return value.mention + " is mentioned";
  return "the key " + value.key + " is stored";
};

/* What may be a context's id, or something else. */
const known = (id, name) => contexts.has(id) ? name(id) : id;
const allKnown = (ids) => names(list(ids).map((id) => known(id, titleOf)));

const seconds = (value) => value === undefined ? undefined : value < 120 ? value + " s" : Math.round(value / 60) + " min";

/* type -> [what the sender did, elements below] */
const WORDS = {
  memory_update: (m) => ["", content(m.exchange)],
  memory_archived: (m) => ["moved " + known(m.subject, called) + " to " + m.tier + " memory", quote(m.reason)],
  data_ref: (m) => [m.value === null ? "removed the reference " + m.name : "set the reference " + m.name, m.value === null ? null : content(m.value)],
  sidebar_spawn: (m) => ["began a sidebar" + withOthers(m.participants, m.sender_agent_id), quote(m.task_description),
                         table(["Done when", m.success_criteria])],
  sidebar_child_spawn: (m) => ["began a part of the work" + withOthers(m.assigned_agents, m.sender_agent_id),
                               quote(m.sub_task_description), table(["Done when", m.success_criteria])],
  sidebar_status_update: (m) => ["changed " + plain(m.old_status) + " to " + plain(m.new_status), quote(m.reason)],
  sidebar_pause: (m) => ["paused it", quote(m.reason), table(["Until", condition(m.resume_condition)])],
  sidebar_resume: (m) => ["resumed it", quote(m.reason)],
  sidebar_join: (m) => [(m.agent_ids ? "let " + named(m.agent_ids) + " in" : "joined") + (m.history === "all" ? ", with its history" : "")],
  sidebar_leave: (m) => ["left", quote(m.reason)],
  sidebar_invite: (m) => ["invited " + named(m.agent_ids), quote(m.reason)],
  sidebar_remove: (m) => ["removed " + named(m.agent_ids), quote(m.reason)],
  sidebar_fork: (m) => ["forked " + called(m.original_sidebar_id) + withOthers(m.participants, m.sender_agent_id), quote(m.fork_reason)],
  sidebar_merge: (m) => ["merged " + called(m.sidebar_id) + (m.success ? "" : ", without success"), ...mergeParts(m)],
  sidebar_merge_decision: (m) => ["decided on the merge of " + called(m.sidebar_id), quote(m.reason),
                                  table(["Accepted", offsets(m.accept)], ["Refused", offsets(m.refuse)])],
  sidebar_archive: (m) => ["archived it, " + plain(m.final_status), quote(m.archive_reason)],
  sidebar_test_result: (m) => ["tested it", make("p", "said", pill(m.result), " ", m.test_description),
                               table(["Found", m.findings], ["Next", m.next_test_suggestion])],
  sidebar_waiting_update: (m) => [waitsFor(m.waiting_for), quote(m.description),
                                  table(["About", seconds(m.estimated_wait_time)], ["On", allKnown(m.dependency_refs)])],
  sidebar_coordinator: (m) => [m.coordinator_agent ? "made " + m.coordinator_agent + " the leader" : "left it without a leader", quote(m.reason)],
  sidebar_idle_warning: (m) => ["warns: nothing has happened for long", table(["Archived", new Date(m.archives_at).toLocaleString()])],
  mention_route: (m) => ["called " + named(m.target_agents), quote(m.message), table(["About", allKnown(m.context_refs)])],
  mention_digest: (m) => ["held back " + m.count + (m.count === 1 ? " call" : " calls") + " for you", table(["From", names(list(m.senders))])],
};

const offsets = (value) => typeof value === "string" ? value : list(value).length ? list(value).map((offset) => "#" + offset).join(", ") : undefined;

const part = (title, ...inside) => make("div", "part", make("h3", "", title), ...inside);

/* What a merge brings, and for those who have to decide, the way to do it. */
const mergeParts = (m) => {
  const decision = decisionOn(m), exchanges = list(m.exchanges_to_merge), parts = [];
  if (hasFindings(m.consolidated_findings)) parts.push(part("Findings", findings(m.consolidated_findings)));
  const mayDecide = m.merge_policy === "review" && !decision && mayAct && isMember(m.parent_id ?? "main");
  if (mayDecide) parts.push(decide(m, exchanges));
  else if (exchanges.length) parts.push(part("Brings", make("ul", "", ...exchanges.map((one) => brought(one, verdict(decision, one.offset))))));
  if (!isEmpty(m.new_data_refs)) parts.push(part("References", table(...Object.entries(m.new_data_refs).map(([name, value]) => [name, brief(value)]))));
  for (const one of list(m.conflicts))
    parts.push(part("Both sides have changed " + one.name,
                    table(["Here", brief(one.parent)], ["In the sidebar", brief(one.sidebar)], ["Now", plain(one.resolution)])));
  for (const { sidebar_id, status, consolidated_findings } of list(m.child_results))
    parts.push(part("Part of the work: " + called(sidebar_id) + ", " + plain(status),
                    hasFindings(consolidated_findings) ? findings(consolidated_findings) : null));
  return parts;
};

const brought = (one, before) => make("li", "", before, make("span", "", make("b", "", one.sender_agent_id), " ", wordsOf(one.exchange)));

const hasFindings = (value) => !isEmpty(value) && !["critical", "tests", "values"].every((name) => name in Object(value) && isEmpty(value[name]));
const wordsOf = (exchange) => typeof exchange === "string" ? exchange : typeof exchange?.text === "string" ? exchange.text : JSON.stringify(exchange);

const verdict = (decision, offset) => {
  if (!decision) return null;
  const accepted = decision.accept === "all" || (Array.isArray(decision.accept) && decision.accept.includes(offset));
  return pill(accepted ? "accepted" : "refused");
};

const decide = (m, exchanges) => {
  const boxes = exchanges.map((one) => {
    const box = make("input");
    box.type = "checkbox";
    box.checked = true;
    box.dataset.offset = one.offset;
    return make("li", "", make("label", "", box, make("span", "", make("b", "", one.sender_agent_id), " ", wordsOf(one.exchange))));
  });
  const why = make("input"), form = part("Yours to decide: what is taken?", make("ul", "", ...boxes));
  why.placeholder = "Reason";
  why.setAttribute("aria-label", "Reason of the decision");
  why.maxLength = 1000;
  const go = button("Accept what is chosen", "quiet decide", () => {
    const all = [...form.querySelectorAll("input[type=checkbox]")];
    const pick = (checked) => all.filter((box) => box.checked === checked).map((box) => Number(box.dataset.offset));
    const chosen = all.length === 0 ? { accept: "all" } : { accept: pick(true), refuse: pick(false) };
    go.disabled = true;
    send({ type: "sidebar_merge_decision", sidebar_id: m.sidebar_id, ...chosen, ...(why.value && { reason: why.value }) }, "", (answer) => {
      go.disabled = false;
      if (answer.type === "error") setOutcome("bad", answer.message);
    });
  });
  form.classList.add("open");
  form.append(make("div", "acts", why, go));
  return form;
};
