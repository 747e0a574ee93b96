/* context_watch: a connection is told of a context once, and then of what changes in it, by the difference between what
 * it may see now and what it was told last (proto/json_diff.h), at most once in the interval it asks for.
 *
 * A watch that knows of no change stands in hub->watches and costs nothing. At the end of a turn those whose context
 * may have changed are taken out and wait for their connection's timer; when the difference has been sent, or there is
 * none, they go back. What does not fit the queue now is part of a later difference: a watch has no queue of its own.
 */
#include "hub/sides.h"
#include "limits.h"
#include "proto/json_diff.h"
#include "proto/phrase.h"

/* What a context as told depends on. */
typedef struct stamp {
    uint64_t active, trimmed_to, reshaped, presence;
} stamp;

typedef struct wsm__watch {
    struct wsm__watch *next; /* of the connection */
    wsm__list in_idle;       /* of the hub, or in no list: it waits for its time */
    wsm_conn *conn;
    const wsm__context *context;
    uint64_t interval, next_at; /* ms */
    uint64_t version;           /* as told last, and ... */
    wsm__buf told;              /* ... the context then */
    stamp stamp;
} watch;

static stamp stamp_of(const wsm_hub *hub, const wsm__side *side) {
    return (stamp){side->active, side->context->trimmed_to, hub->reshaped, hub->registry.version};
}

static bool is_stirred(const watch *w) {
    const wsm_hub *hub = w->conn->hub;
    stamp now = stamp_of(hub, wsm__tree_of(&hub->tree, w->context));
    return memcmp(&now, &w->stamp, sizeof now) != 0;
}

static watch *watch_of(const wsm_conn *conn, const wsm__context *context) {
    for (watch *w = conn->watches; w; w = w->next)
        if (w->context == context) return w;
    return NULL;
}

static void watch_free(watch *w) {
    wsm__list_remove(&w->in_idle);
    wsm__buf_fini(&w->told);
    wsm__free(&w->conn->hub->mem, w, sizeof *w);
}

void wsm__watch_drop(wsm_conn *conn, const wsm__context *context) {
    for (watch **at = &conn->watches, *w; (w = *at) != NULL;) {
        if (context && w->context != context) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        watch_free(w);
    }
}

/* The client has `context` now, whose bytes change hands. */
static void note_told(watch *w, const wsm__side *side, wsm__buf *context) {
    wsm_hub *hub = w->conn->hub;
    wsm__buf old = w->told;
    w->told = *context;
    *context = old;
    w->version = side->active;
    w->stamp = stamp_of(hub, side);
    w->next_at = hub->now + w->interval;
    wsm__list_remove(&w->in_idle);
    wsm__list_push(&hub->watches, &w->in_idle);
}

/* ---- what has changed -----------------------------------------------------------------------------------------------
 */

/* In hub->scratch. False: there is no difference. */
static bool write_delta(const watch *w, const wsm__side *side, const wsm__origin *origin, const wsm__buf *context) {
    wsm_hub *hub = w->conn->hub;
    wsm__encoder enc;
    wsm__buf patch;
    wsm__buf_init(&patch, &hub->mem, 0);
    wsm__json_diff(&patch, wsm__slice(w->told.ptr, w->told.len), wsm__slice(context->ptr, context->len));
    int err = patch.err;
    bool is_empty = !err && patch.len == 2 && w->version == side->active && !origin;
    if (!is_empty) {
        wsm__answer_begin(hub, &enc, WSM__MSG_CONTEXT_DELTA);
        wsm__encode_str(&enc, "context_id", wsm__side_id(side));
        if (origin && origin->has_id) wsm__encode_str(&enc, "cause", wsm__slice(origin->message_id, WSM__UUID_LEN));
        wsm__encode_num(&enc, "from_version", w->version);
        wsm__encode_num(&enc, "to_version", side->active);
        wsm__encode_raw(&enc, "patch", wsm__slice(patch.ptr, patch.len));
        wsm__encode_end(&enc);
        if (err && !hub->scratch.err) hub->scratch.err = err;
    }
    wsm__buf_fini(&patch);
    return !is_empty;
}

/* It has outgrown a message: the client hears so, with what it has, and may ask for its records page by page. */
static bool tell_end(watch *w) {
    wsm_hub *hub = w->conn->hub;
    wsm__encoder enc;
    wsm__answer_begin(hub, &enc, WSM__MSG_CONTEXT_DELTA);
    wsm__encode_str(&enc, "context_id", wsm__slice(w->context->id, w->context->id_len));
    wsm__encode_num(&enc, "from_version", w->version);
    wsm__encode_num(&enc, "to_version", w->version);
    wsm__encode_raw(&enc, "patch", wsm__slice_str("[]"));
    wsm__encode_bool(&enc, "ended", true);
    wsm__encode_end(&enc);
    return wsm__peer_hint_of(w->conn, WSM__LANE_NORMAL, w->context);
}

/* Compares, and sends what differs. False: it has to be tried again. */
static bool look(watch *w, bool *is_over) {
    wsm_conn *conn = w->conn;
    wsm_hub *hub = conn->hub;
    wsm__buf context;
    const wsm__side *side = wsm__tree_of(&hub->tree, w->context);
    *is_over = wsm__rights_no(&hub->tree, side, conn->agent->number, WSM__OP_READ, NULL).err != WSM_OK;
    if (*is_over) return true;
    if (wsm__memory_is_tight(hub) || wsm__io_room(&conn->io, 1) == 0) return false;
    wsm__buf_init(&context, &hub->mem, hub->config.queue_bytes_max ? hub->config.queue_bytes_max / 2 : SIZE_MAX);
    wsm__context_put(&context, hub, side, conn->agent->number, conn);
    bool is_done = context.err == WSM_OK;
    if (context.err == WSM_ERR_TOO_LARGE) is_done = *is_over = tell_end(w);
    if (is_done && !*is_over && write_delta(w, side, NULL, &context))
        is_done = wsm__peer_hint_of(conn, WSM__LANE_NORMAL, w->context);
    if (is_done && !*is_over) note_told(w, side, &context);
    wsm__buf_fini(&context);
    return is_done;
}

void wsm__watch_pump(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    for (watch *w = conn->watches, *next; w; w = next) {
        bool is_over = false;
        next = w->next;
        if (conn->phase != WSM__PHASE_LIVE) return;
        if (!wsm__list_is_empty(&w->in_idle)) continue; /* it stands with those that know of no change */
        if (w->next_at <= hub->now && !look(w, &is_over)) w->next_at = hub->now + w->interval;
        if (is_over)
            wsm__watch_drop(conn, w->context);
        else if (wsm__list_is_empty(&w->in_idle))
            wsm__peer_rearm(conn, w->next_at);
    }
}

void wsm__watch_stir(wsm_hub *hub) {
    if (wsm__list_is_empty(&hub->watches)) return;
    if (hub->stirred[0] == hub->records.applied && hub->stirred[1] == hub->registry.version) return;
    hub->stirred[0] = hub->records.applied;
    hub->stirred[1] = hub->registry.version;
    for (wsm__list *node = hub->watches.next, *next; node != &hub->watches; node = next) {
        watch *w = WSM__CONTAINER(node, watch, in_idle);
        next = node->next;
        if (!is_stirred(w)) continue;
        wsm__list_remove(node);
        wsm__peer_rearm(w->conn, w->next_at > hub->now ? w->next_at : hub->now);
    }
}

/* ---- what clients ask -----------------------------------------------------------------------------------------------
 */

bool wsm__watch_answer(wsm_conn *conn, const wsm__side *side, const wsm__origin *origin, uint64_t have,
                       wsm__buf *context) {
    watch *w = watch_of(conn, side->context);
    if (!w) return false;
    if (w->version == have) {
        write_delta(w, side, origin, context);
        wsm__peer_notice(conn, WSM__LANE_NORMAL);
    } else {
        wsm__context_tell(conn, side, origin, wsm__slice(context->ptr, context->len));
    }
    w = watch_of(conn, side->context); /* a notice that does not fit ends the connection */
    if (w) note_told(w, side, context);
    return true;
}

/* A new one, or the one that there is; NULL: answered. */
static watch *take(wsm_conn *conn, const wsm__command *command, const wsm__side *side) {
    wsm_hub *hub = conn->hub;
    uint32_t count = 0;
    watch *w = watch_of(conn, side->context);
    if (w) return w;
    for (const watch *other = conn->watches; other; other = other->next) count++;
    if (count >= WSM__WATCHES_MAX) {
        wsm__answer_error(hub, command->origin, WSM_ERR_LIMIT, "context_id",
                          "context_id: a connection watches at most 16 contexts");
        return NULL;
    }
    w = wsm__zalloc(&hub->mem, sizeof *w);
    if (!w) {
        wsm__answer_error(hub, command->origin, WSM_ERR_NOMEM, NULL, NULL);
        return NULL;
    }
    *w = (watch){.next = conn->watches, .conn = conn, .context = side->context};
    wsm__list_init(&w->in_idle);
    wsm__buf_init(&w->told, &hub->mem, 0);
    conn->watches = w;
    return w;
}

static void answer(wsm_hub *hub, const wsm__command *command, uint64_t interval) {
    char room[48];
    wsm__phrase result;
    wsm__phrase_init(&result, room, sizeof room);
    wsm__phrase_add(&result, "{\"interval_ms\":");
    wsm__phrase_add_u64(&result, interval);
    wsm__phrase_add(&result, "}");
    wsm__verdict verdict = {.result = wsm__slice_str(room)};
    wsm__answer(hub, command->origin, &verdict);
}

void wsm__watch_submit(wsm_hub *hub, const wsm__command *command) {
    wsm__ask ask;
    wsm__buf context;
    uint64_t interval = 0;
    wsm_conn *conn = command->conn;
    if (!conn) {
        wsm__answer_error(hub, command->origin, WSM_ERR_UNSUPPORTED, "type", "type: only a connection watches");
        return;
    }
    if (!wsm__context_readable(&ask, hub, command)) return;
    wsm__json_u64(wsm__ask_field(&ask, "interval_ms"), UINT64_MAX, &interval);
    if (interval > 0 && interval < WSM__WATCH_MS_MIN) interval = WSM__WATCH_MS_MIN;
    if (interval == 0) {
        wsm__watch_drop(conn, ask.side->context);
        answer(hub, command, 0);
        return;
    }
    if (wsm__context_take(&context, hub, command, &ask)) {
        watch *w = take(conn, command, ask.side);
        if (w) {
            w->interval = interval;
            wsm__context_tell(conn, ask.side, command->origin, wsm__slice(context.ptr, context.len));
            w = watch_of(conn, ask.side->context);
            if (w) note_told(w, ask.side, &context);
            answer(hub, command, interval);
        }
    }
    wsm__buf_fini(&context);
}
