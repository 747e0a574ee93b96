/* Looking ahead while the log loads: once a record has turned out to be broken, what became of those behind it is not
 * for the fold to say, but for the heads that come later (memory/fates.h). So a record waits until a head has told its
 * fate, or the log says that there is no more, or there is no room for more: then the fold decides; and where so many
 * are broken that all who have told of it may be among them.
 *
 * Nothing of this costs a log that is sound: without a broken record, in this start or before the snapshot, nobody
 * looks ahead. A hub that runs never does; what it applies it applies as the first. */
#include "hub/hub.h"
#include "limits.h"

#define RETRY_MS 20u

static int hear(wsm_hub *hub, const wsm_record *record) {
    wsm__record_head head;
    wsm_slice body;
    if (record->len == 0 || wsm__record_parse(wsm__slice(record->bytes, record->len), NULL, &head, &body)) {
        wsm__fates_miss(&hub->heard, record->offset);
        return WSM_OK;
    }
    return wsm__fates_hear(&hub->heard, &hub->mem, &head, record->offset, hub->records.applied);
}

/* For more than has been delivered. A log that finds no room in the memory budget delivers again, and would do so for
 * ever if nobody moved on; it does not wake the hub. */
static int wait(wsm_hub *hub) {
    size_t part = hub->mem.budget / 8;
    if (hub->ahead_bytes > WSM__AHEAD_BYTES_MAX || (part > 0 && hub->ahead_bytes > part)) return WSM_OK;
    if (atomic_exchange(&hub->inbox_starved, false)) return WSM_OK;
    wsm__turn_chores_soon(hub, RETRY_MS);
    return WSM_ERR_PENDING;
}

/* What has been delivered is looked at up to the head that tells of `offset`. WSM_ERR_PENDING: it has not come. */
static int look(wsm_hub *hub, uint64_t offset) {
    while (hub->heard.to < offset) {
        bool has_ended;
        const wsm_record *record = wsm__inbox_ahead(hub, &has_ended);
        if (has_ended) return WSM_OK;
        if (!record) return wait(hub);
        int err = hear(hub, record);
        if (err) return err;
        hub->ahead_done++;
    }
    return WSM_OK;
}

int wsm__ahead_ask(wsm_hub *hub, wsm__fold *fold) {
    if (hub->is_ready) return WSM_OK;
    int err = look(hub, fold->offset);
    if (err || hub->heard.to < fold->offset) return err;
    const wsm__fate *fate = wsm__fates_of(&hub->heard, &hub->mem, fold->offset);
    if (!fate && wsm__fates_is_untold(&hub->heard, fold->offset)) return WSM_OK;
    bool is_void = fate && fate->is_void;
    if (!is_void && !fold->head.has_at) return WSM_OK; /* of an older writer, or broken */
    fold->fate = is_void ? WSM__FATE_VOID : WSM__FATE_RECORD;
    fold->ahead = fate ? fate->ahead : 0;
    return WSM_OK;
}

void wsm__ahead_end(wsm_hub *hub) {
    wsm__ring_fini(&hub->heard.fates, &hub->mem);
    hub->heard = (wsm__fates_heard){0};
    wsm__fates_init(&hub->heard.fates);
}
