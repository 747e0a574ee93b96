/* The log that waits to be told. See slow_log.h. */
#include "slow_log.h"

#include <stdlib.h>
#include <string.h>

static int slow_open(void *user, wsm_hub *hub) {
    slow_log *log = user;
    wsm_log_info info;
    log->hub = hub;
    wsm_log_info_init(&info, sizeof info);
    info.epoch = "00112233445566ff";
    return wsm_log_ready(hub, &info, 0);
}

static int slow_append(void *user, uint64_t id, const wsm_vec *records, size_t count) {
    slow_log *log = user;
    static const char card_head[] = "{\"v\":1,\"type\":\"agent_card\"";
    if (!log->holds_cards &&
        memcmp(records[0].base, card_head, sizeof card_head - 1) == 0) { /* kept at once: it is not what is tested */
        wsm_record card = {++log->last, records[0].base, records[0].len};
        if (wsm_log_deliver(log->hub, &card, 1)) abort();
        return wsm_log_done(log->hub, id, WSM_LOG_SYNCED);
    }
    if (count != 1 || log->count == SLOW_LOG_APPENDS || records[0].len > sizeof log->bytes[0])
        abort(); /* a test that asks too much */
    log->ids[log->count] = id;
    memcpy(log->bytes[log->count], records[0].base, records[0].len);
    log->lens[log->count++] = records[0].len;
    return 0;
}

wsm_log slow_log_of(slow_log *log) {
    wsm_log out;
    wsm_log_init(&out, sizeof out);
    out.user = log;
    out.open = slow_open;
    out.append = slow_append;
    return out;
}

void slow_log_deliver(slow_log *log, int idx) {
    wsm_record record = {++log->last, log->bytes[idx], log->lens[idx]};
    if (wsm_log_deliver(log->hub, &record, 1)) abort();
}
