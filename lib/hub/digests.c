/* Digests: what was held back as loop_guard, and whom a mention of a large group could not call at once, reaches its
 * target as one call, when a minute has passed and the target's purse has room for it again. A digest tells how often
 * it was called, by whom and about which context; it repeats nothing of what they said.
 *
 * A refused command changes no state, and its sender knows that it was refused: so what is held is soft, and a hub that
 * crashes forgets it. The log could not give it back: a call that nobody was let through from left no record in it, nor
 * does a group's answer name those who were held; and to write one down for each would let the very loop that is held
 * back fill the log. It becomes a record when it is due, or when the hub shuts down; from then on it is a delivery
 * like any other, brought to its target after any restart, to who may read the context at that time. There is one for a
 * target and a context, so that what is private stays among those who may know of it. */
#include "hub/mentions.h"

#define HOLD_MS      60000u
#define SENDERS_MAX  16u /* as many as the message may name */
#define DUE_AT_ONCE  64u
#define DIGEST_BYTES 2048u /* of one, at most */

typedef struct held {
    uint32_t key[2]; /* target, idx of the context */
    uint32_t count, senders_count;
    uint32_t senders[SENDERS_MAX];
    uint64_t due;     /* monotonic ms */
    uint64_t message; /* the last that added to it */
} held;

static held *held_of(wsm_hub *hub, uint32_t target, uint32_t context) {
    uint32_t key[2] = {target, context};
    held *at = wsm__map_get(&hub->held, key, sizeof key);
    if (at || wsm__map_count(&hub->held) >= WSM__HELD_MAX) return at;
    at = wsm__zalloc(&hub->mem, sizeof *at);
    if (!at) return NULL;
    memcpy(at->key, key, sizeof key);
    at->due = hub->now + HOLD_MS;
    if (!wsm__map_put(&hub->held, key, sizeof key, at)) return at;
    wsm__free(&hub->mem, at, sizeof *at);
    return NULL;
}

bool wsm__digest_hold(wsm_hub *hub, uint64_t message, uint32_t sender, uint32_t target, const wsm__side *side) {
    held *at = held_of(hub, target, side->context->idx);
    uint32_t i = 0;
    if (!at) return false;
    if (at->message == message) return true; /* it names him twice, or a group that he is in, too */
    at->message = message;
    if (at->count < UINT32_MAX) at->count++;
    while (i < at->senders_count && at->senders[i] != sender) i++;
    if (i == at->senders_count && i < SENDERS_MAX) at->senders[at->senders_count++] = sender;
    wsm__turn_chores_soon(hub, at->due > hub->now ? at->due - hub->now : 0);
    return true;
}

static void forget(wsm_hub *hub, held *at) {
    uint32_t key[2] = {at->key[0], at->key[1]};
    wsm__map_remove(&hub->held, key, sizeof key);
    wsm__free(&hub->mem, at, sizeof *at);
}

static int append(wsm_hub *hub, const held *at, const wsm__side *side) {
    static const wsm__origin nobody = {.kind = WSM__ORIGIN_NONE};
    char id[WSM__UUID_LEN];
    wsm__json_out out;
    wsm__buf to;
    wsm__buf_init(&to, &hub->mem, 0);
    wsm__side_names(&to, hub, &at->key[0], 1);
    wsm__record_head head = {.type = WSM__MSG_MENTION_DIGEST,
                             .sender = wsm__slice_str("hub"),
                             .context_id = wsm__slice_str(WSM__MAIL),
                             .time_ms = hub->wall,
                             .priority = WSM_PRIORITY_NORMAL,
                             .to = wsm__slice(to.ptr, to.len)};
    wsm__uuid_v7(&hub->ids, hub->wall, id);
    wsm__uuid_parse(id, sizeof id, head.id);
    wsm__submit_open(hub, NULL, &head, &out);
    wsm__json_num(&out, "count", at->count);
    wsm__json_name(&out, "senders");
    wsm__side_names(&hub->scratch, hub, at->senders, at->senders_count);
    if (!wsm__side_is_main(side)) wsm__json_str(&out, "sidebar_id", wsm__side_id(side));
    if (to.err) hub->scratch.err = to.err;
    int err = wsm__submit_close(hub, &head, &out, &nobody);
    wsm__buf_fini(&to);
    return err;
}

/* It becomes a record, or is dropped because its target may not hear of it any more, or its mailbox is full. False: not
 * yet. */
static bool release(wsm_hub *hub, held *at, bool at_once) {
    const wsm__side *side = wsm__tree_of(&hub->tree, wsm__log_context_at(&hub->records, at->key[1]));
    uint64_t wait_ms = 0;
    bool is_open = side && (wsm__side_is_main(side) || (wsm__side_is_live(side) && wsm__side_has(side, at->key[0])));
    wsm__ledger_item item = {.bytes = DIGEST_BYTES, .context = at->key[1], .is_hidden = side && side->is_hidden};
    if (is_open && wsm__ledger_fits(&hub->ledger, &item, at->key[0], 0)) {
        int err = at_once ? WSM_OK : wsm__wake_may(hub, WSM__ROSTER_HUB, at->key[0], side, &wait_ms);
        if (!err) err = append(hub, at, side);
        if (err == WSM_ERR_NOMEM) hub->count.no_memory++;
        if (err && !at_once) {
            at->due = hub->now + (wait_ms > WSM__RETRY_MS ? wait_ms : WSM__RETRY_MS);
            return false;
        }
    }
    forget(hub, at);
    return true;
}

void wsm__digests_due(wsm_hub *hub) {
    wsm__map_node *cursor = NULL;
    uint64_t first = UINT64_MAX;
    uint32_t most = DUE_AT_ONCE;
    held *at;
    if (!hub->is_ready || hub->is_shutting_down) return;
    while ((at = wsm__map_next(&hub->held, &cursor)) != NULL) {
        bool is_gone = at->due <= hub->now && most > 0 && release(hub, at, false);
        if (is_gone) most--;
        if (!is_gone && at->due < first) first = at->due;
    }
    if (first != UINT64_MAX) wsm__turn_chores_soon(hub, first > hub->now ? first - hub->now : 0);
}

void wsm__digests_flush(wsm_hub *hub) {
    wsm__map_node *cursor = NULL;
    held *at;
    while (hub->is_ready && (at = wsm__map_next(&hub->held, &cursor)) != NULL) release(hub, at, true);
}

void wsm__digests_fini(wsm_hub *hub) {
    wsm__map_node *cursor = NULL;
    held *at;
    while ((at = wsm__map_next(&hub->held, &cursor)) != NULL) wsm__free(&hub->mem, at, sizeof *at);
    wsm__map_fini(&hub->held);
}
