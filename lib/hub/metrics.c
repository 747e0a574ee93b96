/* The numbers of a hub: its counters, and the gauges that are read off its state. */
#include "hub/mentions.h"

#define WAKE_LINES 8u /* sidebars with a line of their own */

static void gauge(wsm_metric_fn fn, void *user, const char *name, const char *labels, const char *help, double value) {
    wsm_metric metric = {name, labels, help, 0, value};
    fn(user, &metric);
}

/* Of main, and of the sidebars where it is highest. A private one has no line: its name is nobody's business. */
static void context_wakes(const wsm_hub *hub, wsm_metric_fn fn, void *user) {
    static const char name[] = "wsm_context_wake_reproduction";
    static const char help[] = "Wakes that a wake causes in a context: main, and the open sidebars with the most.";
    const wsm__context *top[WAKE_LINES];
    uint32_t count = wsm__wake_top(hub, NULL, top, WAKE_LINES);
    gauge(fn, user, name, "context=\"main\"", help, wsm__wake_reproduction(hub, hub->main) / 1000.0);
    for (uint32_t i = 0; i < count; i++) {
        char labels[WSM__CONTEXT_ID_MAX + 16];
        memcpy(labels, "context=\"", 9);
        memcpy(labels + 9, top[i]->id, top[i]->id_len);
        memcpy(labels + 9 + top[i]->id_len, "\"", 2);
        gauge(fn, user, name, labels, help, wsm__wake_reproduction(hub, top[i]) / 1000.0);
    }
}

static uint64_t queued(const wsm_hub *hub) {
    uint64_t count = 0;
    for (const wsm__list *node = hub->conns.next; node != &hub->conns; node = node->next)
        count += WSM__CONTAINER(node, wsm_conn, in_conns)->io.lanes.count;
    return count;
}

void wsm_hub_metrics(const wsm_hub *hub, wsm_metric_fn fn, void *user) {
    if (!hub || !fn) return;
    gauge(fn, user, "wsm_ready", NULL, "1: commands are taken.", hub->is_ready && !hub->is_shutting_down);
    gauge(fn, user, "wsm_connections", NULL, "Connections now.", hub->conns_count);
    gauge(fn, user, "wsm_connections_preauth", NULL, "Connections that have shown no token yet.", hub->preauth_count);
    gauge(fn, user, "wsm_receivers", NULL, "Connections that receive the main context.",
          wsm__audience_main(hub)->count);
    gauge(fn, user, "wsm_deliveries_queued", NULL, "Frames that wait in the queues of connections.",
          (double)queued(hub));
    gauge(fn, user, "wsm_agents_present", NULL, "Agents that are present.", hub->registry.present);
    gauge(fn, user, "wsm_agents_known", NULL, "Agents in memory.", (double)wsm__map_count(&hub->registry.agents));
    gauge(fn, user, "wsm_log_offset", NULL, "Offset of the last record.", (double)hub->records.applied);
    gauge(fn, user, "wsm_log_memory_bytes", NULL, "Records in memory.", (double)hub->records.bytes);
    gauge(fn, user, "wsm_log_pending", NULL, "Records that are not both kept and applied.", hub->pendings.count);
    gauge(fn, user, "wsm_inbox_commands", NULL, "Commands of other threads that wait.", atomic_load(&hub->inbox_count));
    gauge(fn, user, "wsm_dedup_ids", NULL, "Message ids that are remembered.", wsm__dedup_count(&hub->dedup));
    gauge(fn, user, "wsm_agents_in_log", NULL, "Agents that the log knows.", wsm__roster_count(&hub->roster));
    gauge(fn, user, "wsm_deliveries_open", NULL, "Deliveries that nobody has answered.",
          wsm__ledger_count(&hub->ledger));
    gauge(fn, user, "wsm_wake_reproduction", NULL, "Wakes that a wake causes; at 1 mentions feed themselves.",
          wsm__wake_reproduction(hub, NULL) / 1000.0);
    context_wakes(hub, fn, user);
    gauge(fn, user, "wsm_memory_bytes", NULL, "Memory of the hub.", (double)atomic_load(&hub->mem.used));
#define EMIT(member, name, labels, help)                                                                               \
    {                                                                                                                  \
        wsm_metric metric = {name, labels, help, 1, (double)hub->count.member};                                        \
        fn(user, &metric);                                                                                             \
    }
    WSM__COUNTERS(EMIT)
#undef EMIT
}
