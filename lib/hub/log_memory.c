/* The built-in log: gives offsets, delivers at once, keeps nothing beyond what the hub has in memory. A hub that starts
 * anew starts a new epoch. */
#include "hub/hub.h"

typedef struct memory_log {
    wsm_hub *hub;
    uint64_t last;
} memory_log;

static int open_log(void *user, wsm_hub *hub) {
    static const char digits[] = "0123456789abcdef";
    unsigned char random[8];
    char epoch[17];
    wsm_log_info info;
    (void)user;
    int err = wsm__call_random(hub, random, sizeof random);
    if (err) return err;
    for (size_t i = 0; i < 16; i++) epoch[i] = digits[(random[i / 2] >> (i % 2 ? 0 : 4)) & 15];
    epoch[16] = '\0';
    wsm_log_info_init(&info, sizeof info);
    info.epoch = epoch;
    return wsm_log_ready(hub, &info, 0);
}

static int append(void *user, uint64_t append_id, const wsm_vec *vecs, size_t count) {
    memory_log *log = user;
    wsm__mem *mem = &log->hub->mem;
    wsm_record *records = wsm__alloc(mem, count * sizeof *records);
    if (!records) return WSM_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) records[i] = (wsm_record){log->last + 1 + i, vecs[i].base, vecs[i].len};
    int err = wsm__inbox_append_ended(log->hub, append_id, WSM_LOG_WRITTEN, records, count);
    wsm__free(mem, records, count * sizeof *records);
    if (!err) log->last += count;
    return err;
}

static void close_log(void *user) {
    memory_log *log = user;
    wsm__free(&log->hub->mem, log, sizeof *log);
}

int wsm__log_memory_new(wsm_log *out, wsm_hub *hub) {
    memory_log *log = wsm__zalloc(&hub->mem, sizeof *log);
    if (!log) return WSM_ERR_NOMEM;
    log->hub = hub;
    *out = (wsm_log){.size = sizeof *out, .user = log, .open = open_log, .append = append, .close = close_log};
    return WSM_OK;
}
