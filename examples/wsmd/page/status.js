/* ---- how the hub is doing, for those whose token may know ---- */

const STATUS_S = 5;

/* In a context where a wake causes more than one, mentions feed themselves: it is named. */
const takeSystemStatus = (message) => {
  const worst = message.contexts.reduce((most, one) => one.wake_permille > most.wake_permille ? one : most,
                                        { context_id: "main", wake_permille: 0 });
  const runsAway = worst.wake_permille >= 1000;
  $("wakes").textContent = (Math.floor(worst.wake_permille / 10) / 100).toFixed(2) + (runsAway ? " in " + titleOf(worst.context_id) : "");
  $("wakes").dataset.state = runsAway ? "bad" : "good";
  $("wakes-box").hidden = false;
  $("connections").textContent = message.connections;
};

const askSystemStatus = () =>
  send({ type: "system_status", interval_s: STATUS_S }, "", (answer) => { if (answer.type === "error") $("wakes-box").hidden = true; });
