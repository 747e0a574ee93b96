/* ---- what calls this agent: mentions, new sidebars with it, invitations. The hub delivers what is open again to each new
 * connection, so the answers are kept for those alone that it takes for answered: what somebody is working on. ---- */

const LEASE_S = 900, CALLS_SHOWN = 30;
const calls = new Map(); /* message_id -> {record, state} */

const namesMe = (text) => new RegExp("(^|[^\\w.@/-])@" + me.replaceAll(".", "\\.") + "(?![\\w-])", "i").test(text);

const isCall = (record) => {
  if (!me || record.sender_agent_id === me) return false;
  switch (record.type) {
    case "mention_route": case "mention_digest": return true; /* they reach nobody else */
    case "sidebar_spawn": return list(record.participants).includes(me);
    case "sidebar_child_spawn": return list(record.assigned_agents).includes(me);
    case "sidebar_invite": return list(record.agent_ids).includes(me);
    case "memory_update": return namesMe(JSON.stringify(record.exchange));
    default: return false;
  }
};

const keep = () => {
  const working = [...calls.values()].filter((call) => call.state === "working").slice(-50);
  try { sessionStorage.setItem("wsmd " + epoch + " " + me, JSON.stringify(working)); } catch { /* private windows have none */ }
};

const recall = () => {
  try {
    for (const call of JSON.parse(sessionStorage.getItem("wsmd " + epoch + " " + me) ?? "[]")) calls.set(call.record.message_id, call);
  } catch { /* nothing was kept */ }
  drawCalls();
};

const answerCall = (call, state) => {
  const more = state === "working" ? { lease_seconds: LEASE_S } : {};
  send({ type: "mention_ack", mention_id: call.record.message_id, state, ...more }, "", (answer) => {
    if (answer.type === "error" && answer.code !== "not_found") return setOutcome("bad", answer.message);
    call.state = answer.type === "error" ? "over" : state;
    keep();
    drawCalls();
  });
};

const callOf = (call) => {
  const { record, state } = call, acts = make("div", "acts"), [did, ...below] = WORDS[record.type](record);
  const about = record.type === "mention_route" ? record.sidebar_id ?? "main" : record.context_id;
  const head = make("div", "line", make("b", "", record.sender_agent_id), " ", make("span", "did", did || "mentioned you"));
  if ((record.priority ?? "normal") !== usualPriority(record)) head.append(" ", pill(record.priority));
  if (state) head.append(" ", pill(state));
  if (about !== "main" && !list(record.context_refs).includes(about)) head.append(" ", make("span", "in", "in " + titleOf(about)));
  const item = make("li", "", head, ...below.filter(Boolean), acts);
  const act = (text, next) => acts.append(button(text, "quiet", () => answerCall(call, next)));
  if (record.type === "sidebar_invite") acts.append(make("span", "small soft", "Join it in the tree of contexts."));
  else if (mayAct) {
    if (state !== "working") act("On it", "working");
    act("Done", "replied");
    act("Decline", "declined");
  }
  item.dataset.id = record.message_id;
  item.dataset.hue = contexts.get(about)?.hue ?? 0;
  return item;
};

const isOpen = ({ record, state }) => {
  if (record.type === "sidebar_invite") return !isMember(record.context_id) && contexts.has(record.context_id);
  if (["replied", "declined", "over"].includes(state)) return false;
  return !record.type.startsWith("sidebar_") || (contexts.has(record.context_id) && isLive(record.context_id));
};

const drawCalls = soon(() => {
  const open = [...calls.values()].filter(isOpen).sort((a, b) => b.record.offset - a.record.offset);
  $("calls").replaceChildren(...open.slice(0, CALLS_SHOWN).map(callOf));
  if (open.length > CALLS_SHOWN) $("calls").append(make("li", "soft", "and " + (open.length - CALLS_SHOWN) + " older ones"));
  $("calls-empty").hidden = open.length > 0;
});

/* `live`: it comes over the connection, as deliveries do; a record of the history may have been answered long ago. */
const takeCall = (record, live) => {
  if (!isCall(record) || (!live && record.type !== "sidebar_invite")) return;
  const known = calls.get(record.message_id);
  if (known && known.state === "working") known.state = ""; /* its lease is over */
  if (!known) calls.set(record.message_id, { record, state: "" });
  if (calls.size > 300) calls.delete(calls.keys().next().value);
  drawCalls();
};
