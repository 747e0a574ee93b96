/* system_status: a connection whose token may is told every few seconds how the hub is doing. Each message is the whole
 * picture, so one that finds no room is left out: the next is newer. Nothing in it depends on what goes on in a private
 * sidebar: its line would be for members alone, and they may have left it by the time that the message is written.
 */
#include "hub/mentions.h"
#include "limits.h"
#include "proto/phrase.h"

#define CONTEXTS_MAX 16u /* sidebars with a line: those where most wakes cause others */

static void put_line(wsm__buf *buf, const wsm_hub *hub, const wsm__context *context) {
    wsm__json_out out;
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "context_id", wsm__slice(context->id, context->id_len));
    wsm__json_num(&out, "wake_permille", wsm__wake_reproduction(hub, context));
    wsm__json_close(&out);
}

static void put_contexts(wsm__buf *buf, const wsm_conn *conn) {
    const wsm_hub *hub = conn->hub;
    const wsm__context *top[CONTEXTS_MAX];
    uint32_t count = wsm__wake_top(hub, &conn->identity, top, CONTEXTS_MAX);
    wsm__buf_putc(buf, '[');
    if (conn->reads_main) put_line(buf, hub, hub->main);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 || conn->reads_main) wsm__buf_putc(buf, ',');
        put_line(buf, hub, top[i]);
    }
    wsm__buf_putc(buf, ']');
}

static void tell(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    wsm__encoder enc;
    wsm__buf contexts;
    wsm__buf_init(&contexts, &hub->mem, 0);
    put_contexts(&contexts, conn);
    wsm__answer_begin(hub, &enc, WSM__MSG_SYSTEM_STATUS);
    wsm__encode_num(&enc, "interval_s", conn->status_interval / 1000);
    wsm__encode_num(&enc, "connections", hub->conns_count);
    wsm__encode_num(&enc, "agents_present", hub->registry.present);
    wsm__encode_raw(&enc, "contexts", wsm__slice(contexts.ptr, contexts.len));
    wsm__encode_end(&enc);
    if (contexts.err && !hub->scratch.err) hub->scratch.err = contexts.err;
    wsm__buf_fini(&contexts);
    wsm__peer_hint(conn, WSM__LANE_NORMAL);
}

void wsm__status_pump(wsm_conn *conn) {
    wsm_hub *hub = conn->hub;
    if (conn->status_interval == 0 || conn->phase != WSM__PHASE_LIVE) return;
    if (conn->status_at <= hub->now) {
        if (wsm__io_room(&conn->io, 1) > 0) tell(conn);
        conn->status_at = hub->now + conn->status_interval;
    }
    wsm__peer_rearm(conn, conn->status_at);
}

static void answer(wsm_hub *hub, const wsm__command *command, uint64_t interval_s) {
    char room[48];
    wsm__phrase result;
    wsm__phrase_init(&result, room, sizeof room);
    wsm__phrase_add(&result, "{\"interval_s\":");
    wsm__phrase_add_u64(&result, interval_s);
    wsm__phrase_add(&result, "}");
    wsm__verdict verdict = {.result = wsm__slice_str(room)};
    wsm__answer(hub, command->origin, &verdict);
}

void wsm__status_submit(wsm_hub *hub, const wsm__command *command) {
    wsm_conn *conn = command->conn;
    wsm__json_value wanted = wsm__message_field(command->message, "interval_s");
    uint64_t interval_s = WSM__STATUS_S;
    if (!conn) {
        wsm__answer_error(hub, command->origin, WSM_ERR_UNSUPPORTED, "type",
                          "type: only a connection is told; a host asks wsm_hub_metrics");
        return;
    }
    if (!(conn->identity.claims.can & WSM_CAN_STATUS)) {
        wsm__answer_error(hub, command->origin, WSM_ERR_FORBIDDEN, "type",
                          "type: only for tokens whose \"can\" has status");
        return;
    }
    if (wanted.kind) wsm__json_u64(wanted, UINT64_MAX, &interval_s);
    conn->status_interval = interval_s * 1000;
    conn->status_at = hub->now;
    answer(hub, command, interval_s);
    wsm__status_pump(conn);
}
