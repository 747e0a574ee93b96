/* ---- the connection: what is sent and answered, what comes, coming back ---- */

const HISTORY = 1000, BACKOFF_MAX_MS = 15000;

/* What ends for good, in words for people; after anything else the page comes back by itself. */
const FINAL = {
  4002: "The server does not accept this token.",
  4003: "The token has expired. Make a new one and connect again.",
  4004: "This token was revoked.",
  4009: "Replaced by a newer connection of the same agent, perhaps this page in another window.",
  4011: "The server closed the connection: too many messages that it could not take.",
  4014: "This agent has too many connections already.",
};

let token = "", socket = null, timer = 0, tries = 0;
let epoch = "", position = 0, readTo = 0; /* where to resume: a position that the server told */
let loaded = false;                       /* the records before our first visit were asked for */
const open = new Map();                   /* our messages that have no answer yet, by message_id */

const setStatus = (state, text) => {
  $("status").dataset.state = state;
  $("status").textContent = text;
  $("store-send").disabled = state !== "open" || !mayAct;
  $("login").hidden = state !== "stop";
};

const setOutcome = (state, text) => {
  $("outcome").dataset.state = state;
  $("outcome").textContent = text;
};

/* ---- sending ---- */

/* `exchange` is JSON already: parsed and printed again, large numbers would come out changed. */
const send = (message, exchange, answered) => {
  const id = uuid();
  let text = JSON.stringify({ ...message, message_id: id });
  if (exchange) text = text.slice(0, -1) + ',"exchange":' + exchange + "}";
  const entry = { text, kept: message.type === "memory_update", answered, arrived: () => { entry.shown = true; } };
  open.set(id, entry);
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(text);
};

/* After a cut: what the replay did not show and nobody answered is sent again, under its old id. */
const sendAgain = () => {
  for (const [id, entry] of open) {
    if (entry.shown) {
      open.delete(id);
      entry.answered({ type: "ack" });
    } else if (entry.kept) {
      socket.send(entry.text);
    }
  }
};

const answer = (message) => {
  const entry = open.get(message.original_message_id);
  if (!entry) return;
  if (message.type === "error" && (message.retry === "after" || message.retry === "now") && entry.kept) {
    setTimeout(() => { if (socket && socket.readyState === WebSocket.OPEN) socket.send(entry.text); }, message.retry_after_ms || 1000);
    setOutcome("", message.message + " \u2013 trying again\u2026");
    return;
  }
  open.delete(message.original_message_id);
  entry.answered(message);
};

/* ---- what comes ---- */

/* What was before our first visit, page by page: one ends where memory and the log's store meet. */
const loadHistory = async (upTo) => {
  const mine = epoch;
  let after = Math.max(0, upTo - HISTORY), more = true;
  try {
    while (more && after < upTo && epoch === mine) {
      const reply = await fetch("/exchanges?limit=" + HISTORY + "&after=" + after + "&epoch=" + mine,
                                { headers: { Authorization: "Bearer " + token }, cache: "no-store" });
      if (!reply.ok) return;
      const answer = parse(await reply.text());
      if (epoch !== mine) return;
      for (const record of answer.exchanges) {
        showRecord(record);
        takeCall(record, false);
      }
      more = answer.more && answer.next_after > after;
      after = answer.next_after;
    }
    drawContexts();
  } catch { /* the live stream does not depend on it */ }
};

const showOffset = (offset) => {
  readTo = Math.max(readTo, offset);
  $("offset").textContent = readTo;
};

const setPosition = (offset) => {
  position = Math.max(position, offset);
  showOffset(offset);
};

const beginAnew = () => {
  records.clear();
  contexts.clear();
  calls.clear();
  statuses.clear();
  notes.length = 0;
  position = readTo = 0;
  loaded = false;
  setFilter("");
};

const takeWelcome = (message) => {
  tries = 0;
  const isOther = epoch !== message.epoch || me !== message.agent_id, wasHere = epoch !== "";
  if (isOther) beginAnew();
  me = message.agent_id;
  mayAct = message.permission === "active";
  epoch = message.epoch;
  setStatus("open", "connected as " + me + (mayAct ? "" : ", who watches"));
  if (isOther && wasHere) putNote("The server\u2019s log began anew.", Number.MAX_SAFE_INTEGER);
  if (isOther) setPosition(message.offset);
  if (!loaded && message.offset > 0) loadHistory(message.offset);
  if (isOther) recall();
  loaded = true;
  askAgents();
  askAllContexts();
  askSystemStatus();
  if (message.resume !== "replayed" && message.resume !== "gap") sendAgain();
};

const takeRecord = (message) => {
  open.get(message.message_id)?.arrived();
  takeCall(message, true);
  if (showRecord(message)) touchContexts(message);
  showOffset(message.offset);
};

const range = (from, to) => from === to ? "Record " + from + " is" : "Records " + from + "\u2013" + to + " are";

const take = {
  welcome: takeWelcome,
  memory_batch: (message) => { for (const one of message.updates) takeRecord(one); },
  position: (message) => setPosition(message.offset),
  replay_end: (message) => { if (!message.context_id) sendAgain(); },
  gap: (message) => putNote((message.from_offset ? range(message.from_offset, message.to_offset) : "Records up to " + message.to_offset + " are") +
                            " no longer here, in " + titleOf(message.context_id) + ".", message.to_offset),
  agent_presence: takePresence,
  context_snapshot: takeSnapshot,
  mention_status: takeMentionStatus,
  system_status: takeSystemStatus,
  deadlock: (message) => putNote("They wait for each other: " + names(message.cycle.map(titleOf)) + ".", readTo),
  ack: answer,
  duplicate_ack: answer,
  error: answer,
};

const receive = (message) => {
  if (Object.hasOwn(take, message.type)) take[message.type](message);
  else if (Number.isSafeInteger(message.offset) && typeof message.timestamp === "string") takeRecord(message);
};

/* ---- opening, and the end ---- */

const connect = () => {
  clearTimeout(timer);
  setStatus("wait", tries === 0 ? "connecting\u2026" : "connecting again\u2026");
  const scheme = location.protocol === "https:" ? "wss://" : "ws://";
  const resume = epoch ? "?epoch=" + epoch + "&after=" + position : "";
  const mine = new WebSocket(scheme + location.host + "/ws" + resume, ["wsm.v1", "wsm.token." + token]);
  let opened = false;
  socket = mine;
  mine.onopen = () => { opened = true; };
  mine.onmessage = (event) => { if (socket === mine) receive(parse(event.data)); };
  mine.onclose = (event) => { if (socket === mine) lost(event.code, opened); };
};

const stop = (text) => {
  socket = null;
  token = "";
  agents.clear();
  drawAgents();
  setStatus("stop", text);
  $("token").focus();
};

const lost = async (code, opened) => {
  socket = null;
  for (const [id, entry] of open) if (!entry.kept) open.delete(id);
  asked.clear();
  if (FINAL[code]) return stop(FINAL[code]);
  if (code === 4010) epoch = "";
  setStatus("wait", "connection lost");
  /* A refused upgrade tells a script nothing; the same token asked over HTTP does. */
  if (!opened) {
    const status = await fetch("/exchanges?limit=1", { headers: { Authorization: "Bearer " + token }, cache: "no-store" })
      .then((reply) => reply.status, () => 0);
    if (status === 401) return stop("The server does not accept this token: it is not one of its own, or it has expired.");
    if (status === 403) return stop("This page\u2019s address is not on the server\u2019s list of origins.");
  }
  const wait = Math.min(BACKOFF_MAX_MS, 500 * 2 ** tries++) * (0.5 + Math.random() / 2);
  timer = setTimeout(connect, wait);
};
