/* What each type of record does to the state, in two steps: `prepare` judges and allocates and changes nothing,
 * `commit` cannot fail. Deterministic: they read the record and the state, no clock and no random number. */
#include "hub/hub.h"

#include <assert.h>

/* An update needs a context that is there. */
static int update_prepare(wsm_hub *hub, wsm__fold *fold) {
    (void)hub;
    if (fold->context) return WSM_OK;
    fold->refusal = WSM_ERR_NOT_FOUND;
    fold->field = "context_id";
    fold->why = "context_id: there is no such context";
    return WSM_OK;
}

static const struct row {
    wsm__msg_type type;
    int (*prepare)(wsm_hub *hub, wsm__fold *fold);  /* 0, also with a refusal, or WSM_ERR_NOMEM: no effect */
    void (*commit)(wsm_hub *hub, wsm__fold *fold);  /* NULL: nothing to do */
    void (*abandon)(wsm_hub *hub, wsm__fold *fold); /* what prepare allocated goes; NULL: nothing */
} rows[] = {
    {WSM__MSG_MEMORY_UPDATE, update_prepare, NULL, NULL},
    {WSM__MSG_AGENT_CARD, wsm__card_prepare, NULL, NULL},
};

static const struct row *row_of(wsm__msg_type type) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].type == type) return &rows[i];
    return NULL;
}

int wsm__fold_prepare(wsm_hub *hub, wsm__fold *fold) {
    const struct row *row = row_of(fold->head.type);
    if (row) return row->prepare(hub, fold);
    fold->refusal = WSM_ERR_UNSUPPORTED; /* of a newer node: it keeps its offset and changes nothing here */
    return WSM_OK;
}

void wsm__fold_abandon(wsm_hub *hub, wsm__fold *fold) {
    const struct row *row = row_of(fold->head.type);
    if (row && row->abandon) row->abandon(hub, fold);
}

void wsm__fold_commit(wsm_hub *hub, wsm__fold *fold) {
    const struct row *row = row_of(fold->head.type);
    assert(row); /* what has none was refused */
    if (row->commit) row->commit(hub, fold);
}
