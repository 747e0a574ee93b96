/* The numbers of a hub: its counters, and the gauges that are read off its state. */
#include "hub/mentions.h"

static void gauge(wsm_metric_fn fn, void *user, const char *name, const char *labels, const char *help, double value) {
    wsm_metric metric = {name, labels, help, 0, value};
    fn(user, &metric);
}

void wsm_hub_metrics(const wsm_hub *hub, wsm_metric_fn fn, void *user) {
    if (!hub || !fn) return;
    gauge(fn, user, "wsm_ready", NULL, "1: commands are taken.", hub->is_ready && !hub->is_shutting_down);
    gauge(fn, user, "wsm_connections", NULL, "Connections now.", hub->conns_count);
    gauge(fn, user, "wsm_connections_preauth", NULL, "Connections that have shown no token yet.", hub->preauth_count);
    gauge(fn, user, "wsm_receivers", NULL, "Connections that receive the main context.",
          wsm__audience_main(hub)->count);
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
          wsm__wake_reproduction(hub) / 1000.0);
    gauge(fn, user, "wsm_memory_bytes", NULL, "Memory of the hub.", (double)atomic_load(&hub->mem.used));
#define EMIT(member, name, labels, help)                                                                               \
    {                                                                                                                  \
        wsm_metric metric = {name, labels, help, 1, (double)hub->count.member};                                        \
        fn(user, &metric);                                                                                             \
    }
    WSM__COUNTERS(EMIT)
#undef EMIT
}
