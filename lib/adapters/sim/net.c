/* Transports: two pipes with delay and bandwidth between a client and a hub, that cut what goes through them at any
 * byte, and the ways in which they end.
 *
 * Down, a hub's bytes wait in the hub until there is room in flight (`window`, as a socket's buffer), are written in
 * parts, and count as in flight until the client has read them: so a client that does not read stalls the hub's side.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define CLOSE_WAIT (2ull * WSM__SIM_S) /* for what is left to write when the hub wants to close */

static void pump(wsm__sim_line *line);

wsm__sim_line *wsm__sim_line_open(wsm_sim *sim, wsm__sim_machine *node, wsm_peer_kind kind, const wsm__sim_ear *ear) {
    wsm__sim_line *line = wsm__sim_arena_take(&sim->arena, sizeof *line);
    line->next = sim->lines;
    sim->lines = line;
    line->sim = sim;
    line->node = node;
    line->kind = kind;
    line->ear = *ear;
    line->client_open = true;
    return line;
}

void wsm__sim_lines_fini(wsm_sim *sim) {
    for (wsm__sim_line *line = sim->lines; line; line = line->next) {
        wsm__sim_bytes_fini(&line->up.bytes);
        wsm__sim_bytes_fini(&line->down.bytes);
        wsm__sim_bytes_fini(&line->down.lens);
    }
}

static uint64_t delay(const wsm__sim_line *line) {
    wsm_sim *sim = line->sim;
    uint64_t ns = sim->delay_us * 1000ull;
    if (ns) ns = ns / 2 + wsm__sim_draw(sim, WSM__SIM_NET, 64) * ns / 64;
    if (wsm__sim_fails_on(line, WSM_SIM_DELAY, WSM__SIM_NET))
        ns += (1 + wsm__sim_draw(sim, WSM__SIM_NET, 50)) * 100ull * WSM__SIM_MS;
    return ns;
}

static uint64_t arrival(const wsm__sim_line *line, wsm__sim_pipe *pipe, size_t len) {
    const wsm_sim *sim = line->sim;
    uint64_t at = sim->now + delay(line);
    if (at < pipe->free_at) at = pipe->free_at;
    if (sim->bytes_per_ms) at += len * (uint64_t)WSM__SIM_MS / sim->bytes_per_ms;
    return pipe->free_at = at;
}

/* ---- the ends -------------------------------------------------------------------------------------------------------
 */

static void client_end(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_line *line = object;
    (void)number;
    if (!line->client_open || line->is_silent) return;
    line->client_open = false;
    line->ear.on_closed(sim, line->ear.user);
}

static void hub_end(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_line *line = object;
    (void)sim;
    (void)number;
    if (!line->conn || !wsm__sim_machine_enter(line->node, line->node_life)) return;
    wsm_conn *conn = line->conn;
    line->conn = NULL;
    line->is_over = true;
    line->writing_count = 0;
    wsm_conn_closed(conn);
    wsm__sim_machine_leave(line->node);
}

/* The hub's end closes in order: what was written still arrives. */
static void hub_closes(wsm__sim_line *line) {
    if (!line->conn) return;
    hub_end(line->sim, line, 0);
    wsm__sim_at(line->sim, arrival(line, &line->down, 0), client_end, line, 0);
}

static void hub_closes_late(wsm_sim *sim, void *object, uint64_t number) {
    (void)sim;
    (void)number;
    hub_closes(object);
}

void wsm__sim_line_over(wsm__sim_line *line) {
    wsm_sim *sim = line->sim;
    wsm__sim_say(sim, "hub %u closes the transport of %s", line->node->idx, line->address);
    line->is_closing = true;
    if (!sim->pump_later) pump(line);
    if (!line->conn) return;
    wsm_vec vec;
    bool is_empty = line->writing_count == 0 && wsm_conn_pending(line->conn, &vec, 1) == 0;
    if (!line->conn) return;
    if (is_empty && !sim->close_later)
        hub_closes(line);
    else
        wsm__sim_in(sim, is_empty ? WSM__SIM_MS : CLOSE_WAIT, hub_closes_late, line, 0);
    if (!is_empty) wsm__sim_line_waiting(line);
}

void wsm__sim_line_close(wsm__sim_line *line) {
    line->client_open = false;
    if (!line->is_silent) wsm__sim_at(line->sim, arrival(line, &line->up, 0), hub_end, line, 0);
}

static void half_end(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_line *line = object;
    (void)sim;
    (void)number;
    if (!line->conn || !wsm__sim_machine_enter(line->node, line->node_life)) return;
    wsm_conn_eof(line->conn);
    wsm__sim_machine_leave(line->node);
}

void wsm__sim_line_half(wsm__sim_line *line) {
    wsm__sim_at(line->sim, arrival(line, &line->up, 0), half_end, line, 0);
}

void wsm__sim_line_cut(wsm__sim_line *line) {
    if (line->is_cut) return;
    line->is_cut = true;
    wsm__sim_in(line->sim, delay(line), hub_end, line, 0);
    wsm__sim_in(line->sim, delay(line), client_end, line, 0);
}

void wsm__sim_line_silence(wsm__sim_line *line) {
    line->is_silent = true;
    line->silent_at = line->sim->now;
}

void wsm__sim_lines_lost(wsm__sim_machine *node) {
    for (wsm__sim_line *line = node->sim->lines; line; line = line->next) {
        if (line->node != node || line->is_cut) continue;
        bool had = line->conn != NULL;
        line->conn = NULL;
        line->writing_count = 0;
        if (!had && line->is_accepted) continue; /* it was over at the hub's end already */
        line->is_cut = true;
        if (line->client_open) wsm__sim_in(node->sim, delay(line), client_end, line, 0);
    }
}

/* ---- up -------------------------------------------------------------------------------------------------------------
 */

static void deliver_up(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_line *line = object;
    wsm__sim_pipe *up = &line->up;
    up->arrived += (size_t)number;
    if (line->is_cut || line->is_silent || up->arrived == 0) return;
    size_t len = line->kind == WSM_PEER_MESSAGE ? (size_t)number : up->arrived;
    if (line->kind != WSM_PEER_MESSAGE && len > 1 && wsm__sim_fails_on(line, WSM_SIM_SPLIT, WSM__SIM_NET)) {
        len = 1 + wsm__sim_draw(sim, WSM__SIM_NET, (uint32_t)len - 1);
        wsm__sim_in(sim, 1000, deliver_up, line, 0);
    }
    if (len == 0) return;
    char *bytes = wsm__sim_copy(up->bytes.at, len); /* of exactly this size: one byte too far is seen */
    wsm__sim_bytes_drop(&up->bytes, len);
    up->arrived -= len;
    if (line->conn && wsm__sim_machine_enter(line->node, line->node_life)) {
        wsm_conn_recv(line->conn, bytes, len);
        wsm__sim_machine_leave(line->node);
    }
    free(bytes);
}

void wsm__sim_line_write(wsm__sim_line *line, const void *bytes, size_t len) {
    if (len == 0 || line->is_cut) return;
    wsm__sim_bytes_add(&line->up.bytes, bytes, len);
    wsm__sim_at(line->sim, arrival(line, &line->up, len), deliver_up, line, len);
}

static void accept_it(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_line *line = object;
    wsm__sim_machine *node = line->node;
    (void)number;
    if (line->is_cut || line->is_silent) return;
    int err = WSM_ERR_CLOSED;
    if (node->hub && wsm__sim_machine_enter(node, node->life)) {
        wsm_peer peer;
        wsm_peer_init(&peer, sizeof peer);
        peer.kind = line->kind;
        peer.address = line->address[0] ? line->address : NULL;
        if (line->kind != WSM_PEER_RAW) {
            peer.claims = line->claims;
            peer.epoch = line->epoch[0] ? line->epoch : NULL;
            peer.after = line->after;
        }
        line->node_life = node->life;
        line->is_accepted = true;
        wsm_conn *conn = NULL;
        err = wsm_conn_new(&conn, node->hub, &peer, line);
        bool is_lost = line->is_cut || node->life != line->node_life || !node->hub; /* the process died inside */
        line->conn = err || is_lost || line->is_over ? NULL : conn;
        wsm__sim_machine_leave(node);
    }
    if (!err) return;
    line->is_cut = true;
    wsm__sim_in(sim, delay(line), client_end, line, 0);
}

void wsm__sim_line_dial(wsm__sim_line *line) {
    wsm__sim_at(line->sim, arrival(line, &line->up, 0), accept_it, line, 0);
}

/* ---- down -----------------------------------------------------------------------------------------------------------
 */

static void pump_event(wsm_sim *sim, void *object, uint64_t number) {
    (void)sim;
    (void)number;
    pump(object);
}

static void deliver_down(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_line *line = object;
    wsm__sim_pipe *down = &line->down;
    down->arrived += (size_t)number;
    if (line->is_cut || line->is_silent || line->is_stalled || down->arrived == 0) return;
    size_t len = down->arrived;
    if (line->kind == WSM_PEER_MESSAGE) { /* one at a time */
        uint32_t first;
        memcpy(&first, down->lens.at, sizeof first);
        wsm__sim_bytes_drop(&down->lens, sizeof first);
        if (first < len) wsm__sim_in(sim, 1000, deliver_down, line, 0);
        len = first;
    } else if (len > 1 && wsm__sim_fails_on(line, WSM_SIM_SPLIT, WSM__SIM_NET)) {
        len = 1 + wsm__sim_draw(sim, WSM__SIM_NET, (uint32_t)len - 1);
        wsm__sim_in(sim, 1000, deliver_down, line, 0);
    }
    char *bytes = wsm__sim_copy(down->bytes.at, len);
    wsm__sim_bytes_drop(&down->bytes, len);
    down->arrived -= len;
    if (line->client_open) {
        wsm__sim_mix_bytes(sim, bytes, len);
        line->ear.on_bytes(sim, line->ear.user, bytes, len);
    }
    free(bytes);
    if (line->conn) pump(line);
}

void wsm__sim_line_stall(wsm__sim_line *line, bool on) {
    bool was = line->is_stalled;
    line->is_stalled = on;
    if (was && !on) wsm__sim_in(line->sim, 0, deliver_down, line, 0);
}

static void send_down(wsm__sim_line *line, const void *bytes, size_t len) {
    uint32_t whole = (uint32_t)len;
    wsm__sim_bytes_add(&line->down.bytes, bytes, len);
    if (line->kind == WSM_PEER_MESSAGE) wsm__sim_bytes_add(&line->down.lens, &whole, sizeof whole);
    wsm__sim_at(line->sim, arrival(line, &line->down, len), deliver_down, line, len);
}

/* How much of `total` is written now. */
static size_t part(wsm__sim_line *line, size_t total) {
    wsm_sim *sim = line->sim;
    if (line->kind == WSM_PEER_MESSAGE) return total;
    size_t room = sim->window > line->down.bytes.len ? sim->window - line->down.bytes.len : 0;
    if (sim->window && total > room) total = room;
    if (total > 1 && wsm__sim_fails_on(line, WSM_SIM_SPLIT, WSM__SIM_NET))
        total = 1 + wsm__sim_draw(sim, WSM__SIM_NET, (uint32_t)total - 1);
    return total;
}

/* Write `most` bytes of the vectors. */
static size_t write_vecs(wsm__sim_line *line, const wsm_vec *vec, size_t count, size_t most) {
    size_t done = 0;
    for (size_t i = 0; i < count && done < most; i++) {
        size_t len = vec[i].len < most - done ? vec[i].len : most - done;
        if (len) send_down(line, vec[i].base, len);
        done += len;
    }
    return done;
}

static void sent(wsm__sim_line *line, size_t len) {
    if (len > 0) line->went_at = line->sim->now;
    wsm_conn_sent(line->conn, len);
    if (line->conn && wsm_conn_queued(line->conn) == 0) line->waits_from = 0;
}

static void written(wsm_sim *sim, void *object, uint64_t number) {
    wsm__sim_line *line = object;
    size_t total = 0;
    (void)sim;
    (void)number;
    if (!line->conn || line->writing_count == 0 || !wsm__sim_machine_enter(line->node, line->node_life)) return;
    for (size_t i = 0; i < line->writing_count; i++) total += line->writing[i].len;
    size_t went = write_vecs(line, line->writing, line->writing_count, part(line, total));
    line->writing_count = 0;
    sent(line, went);
    wsm__sim_machine_leave(line->node);
    pump(line);
}

static bool has_room(const wsm__sim_line *line) {
    return line->sim->window == 0 || line->down.bytes.len < line->sim->window;
}

static void pump(wsm__sim_line *line) {
    wsm_sim *sim = line->sim;
    wsm_vec vec[4];
    if (line->is_pumping || line->writing_count > 0) return;
    line->is_pumping = true;
    while (line->conn && !line->is_cut && has_room(line) && wsm__sim_machine_enter(line->node, line->node_life)) {
        size_t count = wsm_conn_pending(line->conn, vec, line->kind == WSM_PEER_MESSAGE ? 1 : 4);
        size_t total = 0;
        for (size_t i = 0; i < count; i++) total += vec[i].len;
        if (line->conn) wsm__sim_check_queue(line);
        if (line->conn && total > 0) wsm__sim_check_expired(line);
        if (total > 0 && line->waits_from == 0) line->waits_from = sim->now;
        if (total > 0 && line->conn && sim->async_writes) {
            memcpy(line->writing, vec, sizeof vec);
            line->writing_count = count;
            wsm__sim_in(sim, 200000, written, line, 0);
        } else if (total > 0 && line->conn) {
            sent(line, write_vecs(line, vec, count, part(line, total)));
        }
        wsm__sim_machine_leave(line->node);
        if (total == 0 || line->writing_count > 0) break;
    }
    line->is_pumping = false;
}

wsm__sim_line *wsm__sim_line_find(wsm_sim *sim, const wsm_conn *conn) {
    wsm__sim_line *line = sim->lines;
    while (line && line->conn != conn) line = line->next;
    return line;
}

void wsm__sim_line_pump(wsm__sim_line *line) {
    pump(line);
}

void wsm__sim_line_drop(wsm__sim_line *line) {
    hub_closes(line);
}

void wsm__sim_line_waiting(wsm__sim_line *line) {
    if (line->sim->pump_later || !line->conn)
        wsm__sim_in(line->sim, 100000, pump_event, line, 0);
    else
        pump(line);
}
