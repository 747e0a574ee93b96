/* A stand-in for a hub, for tests of a log: it carries callbacks to which the wsm_log_... functions hand everything. It
 * lives in the struct of a hub, so that a log cannot tell the difference, and has an allocator and random bytes, which
 * the built-in log asks its hub for. */
#include "abi.h"
#include "defaults.h"
#include "hub/hub.h"

int wsm_log_probe_new(wsm_hub **out, const wsm_log_probe *given) {
    wsm_log_probe known = {.size = sizeof known};
    wsm__mem mem;
    if (!out) return WSM_ERR_INVALID;
    *out = NULL;
    int err = wsm__abi_copy(&known, sizeof known, given);
    if (err) return err;
    wsm__mem_init(&mem, NULL, NULL, 0);
    wsm_hub *hub = wsm__zalloc(&mem, sizeof *hub);
    wsm_log_probe *probe = hub ? wsm__alloc(&mem, sizeof *probe) : NULL;
    if (!probe) {
        wsm__free(&mem, hub, sizeof *hub);
        return WSM_ERR_NOMEM;
    }
    *probe = known;
    wsm__mem_init(&hub->mem, NULL, NULL, 0);
    hub->host.random = wsm__default_random;
    hub->probe = probe;
    *out = hub;
    return WSM_OK;
}

void wsm_log_probe_free(wsm_hub *hub) {
    wsm__mem mem;
    if (!hub || !hub->probe) return;
    wsm__mem_init(&mem, NULL, NULL, 0); /* not the hub's own, which goes away with it */
    atomic_store(&mem.used, sizeof *hub->probe + sizeof *hub);
    wsm__free(&mem, hub->probe, sizeof *hub->probe);
    wsm__free(&mem, hub, sizeof *hub);
}

int wsm__probe_snapshot(wsm_hub *hub, uint64_t offset, const void *bytes, size_t len) {
    return hub->probe->snapshot ? hub->probe->snapshot(hub->probe->user, offset, bytes, len) : WSM_OK;
}

int wsm__probe_deliver(wsm_hub *hub, const wsm_record *records, size_t count) {
    return hub->probe->deliver ? hub->probe->deliver(hub->probe->user, records, count) : WSM_OK;
}

int wsm__probe_done(wsm_hub *hub, uint64_t append_id, int outcome) {
    return hub->probe->done ? hub->probe->done(hub->probe->user, append_id, outcome) : WSM_OK;
}

int wsm__probe_page(wsm_hub *hub, uint64_t read_id, const wsm_record *records, size_t count, int outcome) {
    return hub->probe->page ? hub->probe->page(hub->probe->user, read_id, records, count, outcome) : WSM_OK;
}

int wsm__probe_ready(wsm_hub *hub, const wsm_log_info *info, int outcome) {
    return hub->probe->ready ? hub->probe->ready(hub->probe->user, info, outcome) : WSM_OK;
}
