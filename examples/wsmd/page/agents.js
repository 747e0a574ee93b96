/* ---- agents: who is there, and who belongs to a context and is not ---- */

const agents = new Map();

const takeAgent = (agent) => {
  if (typeof agent.agent_id !== "string") return;
  agents.set(agent.agent_id, { ...agents.get(agent.agent_id), ...agent });
};

const drawAgents = soon(() => {
  const order = ["working", "online", "idle", "offline"], all = new Map();
  for (const { snap } of contexts.values())
    for (const name of snap && snap.sidebar_id !== "main" ? snap.participants : []) all.set(name, { agent_id: name, status: "offline" });
  for (const [name, agent] of agents) if (all.has(name) || agent.status !== "offline" || agent.wasHere) all.set(name, agent);
  const sorted = [...all.values()].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status) || (a.agent_id < b.agent_id ? -1 : 1));
  $("presence").replaceChildren(...sorted.map((agent) => {
    const row = make("li", "", make("b", "", agent.agent_id, agent.agent_id === me ? make("span", "soft", " (you)") : null), pill(agent.status));
    const where = agent.status === "offline" || !agent.current_context ? "" : "in " + titleOf(agent.current_context);
    const more = [agent.kind !== "agent" && agent.kind, where, list(agent.specialties).join(", "),
                  agent.current_load > 0 && agent.current_load + (agent.current_load === 1 ? " sidebar" : " sidebars"), agent.note];
    const told = more.filter((text) => typeof text === "string" && text);
    if (told.length) row.append(make("span", "more", told.join(" \u00b7 ")));
    return row;
  }));
  $("presence-empty").hidden = sorted.length > 0;
});

/* A sidebar of which we are no member shows in presence first; it stands below main, or below a context that we share with
 * that agent. Many may come at once: they are looked for together. */
const LOOK_MS = 500;
const lookBelow = new Set();

const look = (id) => {
  if (lookBelow.size === 0) {
    setTimeout(() => {
      const all = [...lookBelow];
      lookBelow.clear();
      for (const one of all) if (contexts.has(one)) askContext(one);
    }, LOOK_MS);
  }
  lookBelow.add(id);
};

const takePresence = (message) => {
  takeAgent({ ...message, wasHere: true });
  drawAgents();
  if (list(message.active_sidebars).every((id) => contexts.has(id))) return;
  look("main");
  for (const { id, snap } of contexts.values()) if (snap?.participants.includes(message.agent_id)) look(id);
};

const askAgents = () => send({ type: "agent_list" }, "", (answer) => {
  const all = Array.isArray(answer.result) ? answer.result : answer.result?.agents;
  if (!Array.isArray(all)) return;
  agents.clear();
  all.forEach(takeAgent);
  drawAgents();
});
