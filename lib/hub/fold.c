/* What each type of record does to the state, in two steps: `prepare` judges and allocates and changes nothing,
 * `commit` cannot fail. Deterministic: they read the record and the state, no clock and no random number. */
#include "hub/mentions.h"

#include <assert.h>

/* All that a mention does is done by its deliveries. */
static int mention_prepare(wsm_hub *hub, wsm__fold *fold) {
    bool is_digest = fold->head.type == WSM__MSG_MENTION_DIGEST;
    if (fold->context != hub->mail || (is_digest && !wsm__slice_is(fold->head.sender, "hub")))
        fold->refusal = WSM_ERR_BAD_MESSAGE;
    return WSM_OK;
}

static const struct row {
    wsm__msg_type type;
    int (*prepare)(wsm_hub *hub, wsm__fold *fold);  /* 0, also with a refusal, or WSM_ERR_NOMEM: no effect */
    void (*commit)(wsm_hub *hub, wsm__fold *fold);  /* NULL: nothing to do */
    void (*abandon)(wsm_hub *hub, wsm__fold *fold); /* what prepare allocated goes; NULL: nothing */
} rows[] = {
    {WSM__MSG_MEMORY_UPDATE, wsm__side_update_prepare, wsm__side_update_commit, NULL},
    {WSM__MSG_MEMORY_ARCHIVED, wsm__side_update_prepare, wsm__side_archived_commit, NULL},
    {WSM__MSG_DATA_REF, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_SPAWN, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_CHILD_SPAWN, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_FORK, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_STATUS_UPDATE, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_PAUSE, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_RESUME, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_ARCHIVE, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_WAITING_UPDATE, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_TEST_RESULT, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_JOIN, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_LEAVE, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_INVITE, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_REMOVE, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_MERGE, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_MERGE_DECISION, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_COORDINATOR, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_SIDEBAR_IDLE_WARNING, wsm__side_prepare, wsm__side_commit, wsm__side_abandon},
    {WSM__MSG_AGENT_CARD, wsm__card_prepare, NULL, NULL},
    {WSM__MSG_MENTION_ROUTE, mention_prepare, NULL, NULL},
    {WSM__MSG_MENTION_DIGEST, mention_prepare, NULL, NULL},
    {WSM__MSG_MENTION_ACK, wsm__mention_ack_prepare, wsm__mention_ack_commit, NULL},
};

static const struct row *row_of(wsm__msg_type type) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].type == type) return &rows[i];
    return NULL;
}

/* What is the same for all: the counting of its context, and deliveries. */
static int prepare_rest(wsm_hub *hub, wsm__fold *fold) {
    int err = wsm__side_count_prepare(hub, fold);
    if (!err && wsm__delivery_is_made_by(&fold->head)) err = wsm__delivery_prepare(hub, fold);
    if (!err) return WSM_OK;
    wsm__fold_abandon(hub, fold);
    return WSM_ERR_NOMEM;
}

int wsm__fold_prepare(wsm_hub *hub, wsm__fold *fold) {
    const struct row *row = row_of(fold->head.type);
    int err = row && hub->records.broken > 0 ? wsm__cards_learn(hub, fold) : WSM_OK; /* a card may be among those */
    if (err) return err;
    wsm__rules_enter(hub, &fold->head);
    err = row ? row->prepare(hub, fold) : WSM_OK;
    if (row && !err && !fold->refusal) err = prepare_rest(hub, fold);
    wsm__rules_leave(hub);
    if (row) return err;
    fold->refusal = WSM_ERR_UNSUPPORTED; /* of a newer node: it keeps its offset and changes nothing here */
    return WSM_OK;
}

void wsm__fold_abandon(wsm_hub *hub, wsm__fold *fold) {
    const struct row *row = row_of(fold->head.type);
    if (row && row->abandon) row->abandon(hub, fold);
    if (!fold->refusal && wsm__delivery_is_made_by(&fold->head)) wsm__delivery_abandon(hub, fold);
}

void wsm__fold_commit(wsm_hub *hub, wsm__fold *fold) {
    const struct row *row = row_of(fold->head.type);
    assert(row); /* what has none was refused */
    wsm__rules_enter(hub, &fold->head);
    if (row->commit) row->commit(hub, fold);
    wsm__rules_leave(hub);
    wsm__side_count_commit(hub, fold);
    wsm__side_mentions_commit(hub, fold);
}
