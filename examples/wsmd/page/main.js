/* ---- numbers ---- */

const METRICS_MS = 5000, CLOCK_MS = 30000;
let lastDeliveries = null, lastTime = 0;

const sum = (text, name) => {
  let total = null;
  for (const line of text.split("\n")) {
    if (!line.startsWith(name) || !/^[ {]/.test(line.slice(name.length))) continue;
    total = (total || 0) + Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return total;
};

const poll = async () => {
  try {
    const text = await (await fetch("/metrics", { cache: "no-store" })).text();
    const connections = sum(text, "wsm_connections"), deliveries = sum(text, "wsm_deliveries_total"), now = performance.now();
    $("connections").textContent = connections ?? "\u2013";
    if (deliveries !== null && lastDeliveries !== null && deliveries >= lastDeliveries) {
      $("rate").textContent = ((deliveries - lastDeliveries) * 1000 / (now - lastTime)).toFixed(1);
    }
    lastDeliveries = deliveries;
    lastTime = now;
  } catch {
    $("connections").textContent = $("rate").textContent = "\u2013";
  }
  setTimeout(poll, METRICS_MS);
};

/* ---- what the person does ---- */

$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  $("token").value = "";
  if (!/^[\w.-]+$/.test(token)) return stop("That is not a token.");
  tries = 0;
  epoch = "";
  connect();
});

$("store-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("store-text").value, topic = $("store-topic").value.trim(), priority = $("store-priority").value;
  let exchange = text;
  try { JSON.parse(text); } catch { exchange = JSON.stringify({ text }); }
  setOutcome("", "storing\u2026");
  send({ type: "memory_update", context_id: $("store-context").value, ...(priority && { priority }), ...(topic && { topic }) }, exchange, (reply) => {
    if (reply.type === "error") return setOutcome("bad", reply.message + (reply.field ? " (" + reply.field + ")" : ""));
    if (reply.offset === undefined) return setOutcome("good", "Stored.");
    setOutcome("good", "Stored at offset " + reply.offset + (reply.durable ? ", durable." : ", not durable."));
  });
  $("store-text").value = "";
  $("store-text").focus();
});

$("store-text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("store-form").requestSubmit();
});

$("filter").addEventListener("change", () => setFilter($("filter").value));
$("older").addEventListener("click", () => { shown += ROWS_MORE; redrawRecords(); });

/* The token comes in the fragment, which was never sent anywhere, and leaves the address bar and the history at once. */
const found = /^#token=([\w.-]+)$/.exec(location.hash);
if (location.hash) history.replaceState(null, "", location.pathname);
if (found) {
  token = found[1];
  connect();
} else {
  stop("not connected");
}
setInterval(drawContexts, CLOCK_MS);
poll();
