/* See fault_world.h. */
#include "fault_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "malloc_fault.h"

#define TEXT_CAP (96u << 10) /* what a peer may get to hear in a story: collected without an allocation */
#define EPOCH    "00112233445566ff"

/* ---- the log --------------------------------------------------------------------------------------------------------
 */

static int keeper_open(void *user, wsm_hub *hub) {
    keeper *log = user;
    wsm_log_info info;
    int err = 0;
    log->hub = hub;
    if (log->saved) err = wsm_log_snapshot(hub, log->saved, log->snapshot, log->snapshot_len);
    for (uint64_t o = log->saved + 1; !err && o <= log->last; o++) {
        wsm_record record = {o, log->bytes[o - 1], log->lens[o - 1]};
        err = wsm_log_deliver(hub, &record, 1);
    }
    wsm_log_info_init(&info, sizeof info);
    info.epoch = EPOCH;
    info.first_offset = log->last ? 1 : 0;
    info.last_offset = log->last;
    return err ? err : wsm_log_ready(hub, &info, 0);
}

/* All or nothing: when the hub cannot be told, nothing was taken. */
static int keeper_append(void *user, uint64_t id, const wsm_vec *records, size_t count) {
    keeper *log = user;
    wsm_record told[KEEP_RECORDS];
    if (log->last + count > KEEP_RECORDS || log->late_count == 16) abort();
    for (size_t i = 0; i < count; i++) {
        char *at = log->bytes[log->last + i];
        if (records[i].len > KEEP_BYTES) abort();
        memcpy(at, records[i].base, records[i].len);
        log->lens[log->last + i] = records[i].len;
        told[i] = (wsm_record){log->last + i + 1, at, records[i].len};
    }
    if (!log->is_harsh) fault_pause();
    int err = wsm_log_deliver(log->hub, told, count);
    if (!err) log->last += count;
    if (!err && wsm_log_done(log->hub, id, WSM_LOG_SYNCED)) log->late[log->late_count++] = id;
    if (!log->is_harsh) fault_resume();
    return err;
}

void fault_keeper_later(keeper *log) {
    for (int i = 0; i < log->late_count; i++)
        if (wsm_log_done(log->hub, log->late[i], WSM_LOG_SYNCED)) abort();
    log->late_count = 0;
}

static int keeper_read(void *user, uint64_t id, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    keeper *log = user;
    wsm_record page[KEEP_RECORDS];
    size_t count = 0;
    (void)bytes_max;
    for (uint64_t o = from; o <= to && o <= log->last && count < records_max; o++)
        page[count++] = (wsm_record){o, log->bytes[o - 1], log->lens[o - 1]};
    return wsm_log_page(log->hub, id, page, count, 0);
}

static int keeper_save(void *user, uint64_t offset, const void *bytes, size_t len) {
    keeper *log = user;
    if (len > sizeof log->snapshot) return WSM_ERR_TOO_LARGE;
    memcpy(log->snapshot, bytes, len);
    log->snapshot_len = len;
    log->saved = offset;
    return 0;
}

/* ---- the world ------------------------------------------------------------------------------------------------------
 */

fault_world *fault_world_new(void) {
    fault_world *world = calloc(1, sizeof *world);
    if (!world) abort();
    world_init(&world->hub);
    world->hub.host.wake = NULL;
    return world;
}

void fault_world_free(void *user) {
    fault_world *world = user;
    world_end(&world->hub);
    if (world->hub.mem.live) abort();
    free(world);
}

int fault_world_start(fault_world *world, int with_keeper) {
    wsm_log log;
    wsm_log_init(&log, sizeof log);
    log.user = &world->keeper;
    log.open = keeper_open;
    log.append = keeper_append;
    log.read = keeper_read;
    log.save = keeper_save;
    return world_start(&world->hub, with_keeper ? &log : NULL);
}

int fault_join_how(fault_world *world, const wsm_peer *how) {
    peer *p = &world->hub.peers[world->hub.peers_count];
    *p = (peer){.world = &world->hub, .text = p->text, .cap = p->cap};
    if (!p->text) {
        fault_pause();
        p->text = calloc(1, TEXT_CAP);
        fault_resume();
        if (!p->text) abort();
        p->cap = TEXT_CAP;
    }
    wsm_conn *conn = NULL;
    int err = wsm_conn_new(&conn, world->hub.hub, how, p);
    if (err) {
        if (conn) abort();
        return err;
    }
    if (!p->gone) p->conn = conn;
    world->hub.peers_count++;
    return 0;
}

int fault_join(fault_world *world, const char *agent, wsm_permission permission, const char *epoch, uint64_t after) {
    wsm_claims claims;
    wsm_peer how;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){agent, strlen(agent)};
    claims.exp = world->hub.wall / 1000 + 86400; /* longer than any story takes */
    claims.permission = permission;
    claims.can = WSM_CAN_STATUS;
    wsm_peer_init(&how, sizeof how);
    how.kind = WSM_PEER_MESSAGE;
    how.claims = &claims;
    how.epoch = epoch;
    how.after = after;
    world->names[world->hub.peers_count] = agent;
    return fault_join_how(world, &how);
}

int fault_say(fault_world *world, int idx, unsigned number, const char *type, const char *rest) {
    world->input = &world->hub.peers[idx];
    snprintf(world->said, sizeof world->said, "00000000-0000-4000-8000-%012x", number);
    int err = peer_say(world->input, "{\"type\":\"%s\",\"message_id\":\"%s\"%s}", type, world->said, rest);
    return world->input->gone && err == WSM_ERR_CLOSED ? 0 : err;
}

/* ---- what can be seen -----------------------------------------------------------------------------------------------
 */

typedef struct sheet {
    char *out;
    size_t len, cap;
    bool at_end;
} sheet;

static void put(sheet *to, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(to->out + to->len, to->cap - to->len, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= to->cap - to->len) abort();
    to->len += (size_t)len;
}

/* The hub mints ids at random, and a call that is made twice draws twice; what is done later is dated later. */
static bool is_uuid(const char *text) {
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]) || !text[i]) return false;
    }
    return true;
}

/* Offsets are no fixed thing either: the hub appends records of its own, and later where memory lacked. */
static size_t number_at(const char *line, size_t len) {
    static const char *const names[] = {"\"offset\":", "\"from\":", "\"to\":"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t at = strlen(names[i]);
        if (len <= at || strncmp(line, names[i], at) != 0) continue;
        while (at < len && line[at] >= '0' && line[at] <= '9') at++;
        return at;
    }
    return 0;
}

static void put_line(sheet *to, const char *line, size_t len) {
    for (size_t i = 0; i < len;) {
        if (len - i >= 36 && is_uuid(line + i) && strncmp(line + i, "00000000-", 9) != 0) {
            put(to, "UUID");
            i += 36;
        } else if (len - i > 39 && strncmp(line + i, "\"timestamp\":\"", 13) == 0) {
            i += 39;
        } else if (to->at_end && number_at(line + i, len - i) > 0) {
            i += number_at(line + i, len - i);
        } else {
            put(to, "%c", line[i++]);
        }
    }
    put(to, "\n");
}

static bool matters(const char *line, size_t len) { /* positions are told by the clock, not by events */
    static const char position[] = "{\"type\":\"position\"";
    return len < sizeof position - 1 || memcmp(line, position, sizeof position - 1) != 0;
}

static void put_peer(sheet *to, const peer *p, int idx) {
    put(to, "peer %d: %s %u\n", idx, p->gone ? "gone" : p->conn ? "here" : "left", p->code);
    for (size_t at = 0, end; at < p->len; at = end + 1) {
        const char *feed = memchr(p->text + at, '\n', p->len - at);
        end = feed ? (size_t)(feed - p->text) : p->len;
        if (matters(p->text + at, end - at)) put_line(to, p->text + at, end - at);
    }
}

static void put_metric(void *user, const wsm_metric *metric) { /* counters count attempts, too */
    if (!metric->is_counter && !strstr(metric->name, "memory"))
        put(user, "%s %s %g\n", metric->name, metric->labels, metric->value);
}

/* The last word on each tag: a host repeats what found no memory. */
static void put_results(sheet *to, const hub_world *hub) {
    for (int i = 0; i < hub->results_count; i++) {
        const wsm_result *r = &hub->results[i];
        bool is_last = true;
        for (int k = i + 1; k < hub->results_count; k++) is_last = is_last && hub->results[k].tag != r->tag;
        if (is_last || !to->at_end)
            put(to, "result %llu: %d, %s\n", (unsigned long long)r->tag, r->err, r->offset ? "a record" : "none");
    }
}

size_t fault_see(void *user, char *out, size_t cap, bool at_end) {
    fault_world *world = user;
    hub_world *hub = &world->hub;
    sheet to = {out, 0, cap, at_end};
    if (hub->hub) {
        put(&to, "ready %d, down %d\n", wsm_hub_is_ready(hub->hub), wsm_hub_is_down(hub->hub));
        if (!at_end) put(&to, "position %llu\n", (unsigned long long)wsm_hub_position(hub->hub, NULL));
        if (!at_end) wsm_hub_metrics(hub->hub, put_metric, &to);
    }
    if (!at_end) put(&to, "log %llu\n", (unsigned long long)world->keeper.last);
    put(&to, "has a snapshot %d, security %d\n", world->keeper.saved > 0, hub->security);
    put_results(&to, hub);
    for (int i = 0; i < hub->peers_count; i++) put_peer(&to, &hub->peers[i], i);
    return to.len;
}

/* ---- after a fault --------------------------------------------------------------------------------------------------
 */

bool fault_settle(void *user) {
    fault_world *world = user;
    int gone = 0;
    if (world->hub.hub) world_run(&world->hub, 1500); /* what lacked memory is tried again within a second */
    for (int i = 0; i < world->hub.peers_count; i++)
        gone += world->hub.peers[i].gone || world->hub.peers[i].code == 1013;
    bool refused = false;
    for (int i = 0; i < world->hub.results_count; i++) refused = refused || world->hub.results[i].err == WSM_ERR_NOMEM;
    return gone > world->expected || refused;
}

/* No HTTP and no frames, which tests cannot read by lines. */
static bool is_text(const peer *p) {
    return p->len > 0 && p->text[0] == '{';
}

/* Every update that went to `p` came in order, each once, without a hole: as its numbers say. */
static bool is_whole(const peer *p) {
    unsigned long long before = 0;
    for (const char *line = p->text; line && *line;) {
        const char *feed = strchr(line, '\n');
        const char *seq = strncmp(line, "{\"type\":\"memory_update\",", 25) == 0 ? strstr(line, "\"seq\":") : NULL;
        if (seq) {
            unsigned long long number = strtoull(seq + 6, NULL, 10);
            if (before && number != before + 1) return false;
            before = number;
        }
        line = feed ? feed + 1 : NULL;
    }
    return true;
}

/* Answers with the id: each request has one, or its connection has ended. */
static int answers(const peer *p, const char *id) {
    char field[80];
    snprintf(field, sizeof field, "\"original_message_id\":\"%s\"", id);
    return peer_count(p, field);
}

const char *fault_judge(void *user, step_kind kind, int err) {
    static char wrong[160];
    fault_world *world = user;
    hub_world *hub = &world->hub;
    if (err && err != WSM_ERR_NOMEM) return "it said something else than \"no memory\"";
    if (!hub->hub || !wsm_hub_is_ready(hub->hub)) return NULL;
    for (int i = 0; i < hub->peers_count; i++) {
        hub->peers[i].stalled = 0;
        peer_drain(&hub->peers[i]);
    }
    world_run(hub, 2000);
    if (kind == INPUT && world->input && world->input->conn && world->said[0] &&
        answers(world->input, world->said) != 1)
        return "the request has not exactly one answer";
    int heard[WORLD_PEERS];
    for (int i = 0; i < hub->peers_count; i++)
        heard[i] = is_text(&hub->peers[i]) ? peer_count(&hub->peers[i], "\"type\":\"memory_update\"") : 0;
    int joined = fault_join(world, "zoe", WSM_PERMISSION_ACTIVE, NULL, 0);
    if (joined == WSM_ERR_SHUTTING_DOWN) return NULL;
    if (joined) return "nobody can join any more";
    peer *zoe = &hub->peers[hub->peers_count - 1];
    world_run(hub, 100);
    uint64_t before = wsm_hub_position(hub->hub, NULL); /* that she is known may be a record, too */
    peer_say(zoe,
             "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-0000000000ff\",\"exchange\":1}");
    world_run(hub, 100);
    if (wsm_hub_position(hub->hub, NULL) != before + 1 || answers(zoe, "00000000-0000-4000-8000-0000000000ff") != 1)
        return "the hub takes no updates any more";
    for (int i = 0; i < hub->peers_count - 1; i++) {
        peer *p = &hub->peers[i];
        bool is_reader = is_text(p) && peer_count(p, "\"type\":\"welcome\"") > 0;
        snprintf(wrong, sizeof wrong, "peer %d: ", i);
        char *what = wrong + strlen(wrong);
        size_t cap = sizeof wrong - strlen(wrong);
        if (p->gone && (p->code == 1013 || p->code == 0)) {
            if (kind != INPUT || p == world->input || p->code == 0) continue;
            snprintf(what, cap, "was closed for another's input");
            return wrong;
        }
        if (!p->conn || !is_reader || p->gone) continue;
        if (peer_count(p, "\"type\":\"memory_update\"") != heard[i] + 1)
            snprintf(what, cap, "does not hear what follows");
        else if (!is_whole(p))
            snprintf(what, cap, "has missed something");
        else
            continue;
        return wrong;
    }
    return NULL;
}
