/* F10: a script of operations for three agents and the host on one hub, through the public API. What everybody hears is
 * held against what was applied: records come byte for byte as they were applied (I-03), each once on a connection, and
 * in order within their lane (I-02); who stayed and read has all of them, or was told of a gap (I-01); each request has
 * one answer (I-07); numbers within a context step by one (I-04); nothing is left at the end (I-63).
 *
 * Each operation is a byte and those that it asks for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "hub_world.h"
#include "ref_json.h"

#define AGENTS      3
#define OPS_MAX     300
#define APPLIED_MAX 600

static const char *const names[AGENTS] = {"ada", "bob", "eve"};
static const ref_json_limits limits = {70, 100000, 70000};

typedef struct seat { /* a connection, from joining to its end */
    peer *p;
    answers book;
    double from; /* records after this one are owed to it; -1: not known */
    size_t read; /* bytes of its text that were looked at */
    double last_normal;
    uint8_t got[APPLIED_MAX]; /* by offset: delivered, or in a gap */
    bool was_stalled;
} seat;

typedef struct applied {
    uint64_t offset;
    fuzz_text json;
    bool is_for_all; /* an update in main */
} applied;

typedef struct session {
    hub_world world; /* first: it is what callbacks are given */
    seat seats[WORLD_PEERS];
    int now[AGENTS]; /* the seat of each agent, -1: none */
    int seats_count;
    applied applied[APPLIED_MAX];
    size_t applied_count;
    double seq;
    unsigned tags, results;
    char epoch[17];
} session;

/* ---- what is applied ---- */

static void on_applied(void *user, const wsm_applied *event) {
    session *s = user;
    FUZZ_EXPECT(event->size == sizeof *event);
    if (s->applied_count == APPLIED_MAX) return;
    applied *a = &s->applied[s->applied_count++];
    if (s->applied_count > 1) FUZZ_EXPECT(event->offset > a[-1].offset);
    a->offset = event->offset;
    fuzz_put(&a->json, event->json.ptr, event->json.len);
    bool is_update = event->type.len == 13 && memcmp(event->type.ptr, "memory_update", 13) == 0;
    a->is_for_all = is_update && event->context_id.len == 4 && memcmp(event->context_id.ptr, "main", 4) == 0;
    if (!a->is_for_all) return;
    ref_json_verdict verdict;
    ref_json *json = ref_json_parse(event->json.ptr, event->json.len, &limits, &verdict);
    FUZZ_EXPECT(json);
    const ref_json *seq = ref_json_get(json, "seq");
    FUZZ_EXPECT(seq && seq->kind == REF_NUMBER && seq->number > s->seq);
    s->seq = seq->number;
    ref_json_free(json);
}

static void on_result(void *user, const wsm_result *result) {
    session *s = user;
    s->results++;
    FUZZ_EXPECT(result->tag > 0 && result->tag <= s->tags && !result->durable);
}

static const applied *applied_at(const session *s, double offset) {
    for (size_t i = 0; i < s->applied_count; i++)
        if ((double)s->applied[i].offset == offset) return &s->applied[i];
    return NULL;
}

/* ---- what is heard ---- */

static double number_of(const ref_json *json, const char *name) {
    const ref_json *value = ref_json_get(json, name);
    return value && value->kind == REF_NUMBER ? value->number : -1;
}

static void hear_record(session *s, seat *at, const ref_json *json, const char *line, size_t len) {
    double offset = number_of(json, "offset");
    const applied *a = applied_at(s, offset);
    if (!a) return;
    bool same = a->json.len == len && memcmp(a->json.ptr, line, len) == 0;
    if (!same) {
        fuzz_show("applied", a->json.ptr, a->json.len);
        fuzz_show("heard", line, len);
    }
    FUZZ_EXPECT(same);
    if (offset < APPLIED_MAX) {
        FUZZ_EXPECT(!(at->got[(int)offset] & 1)); /* once on a connection */
        at->got[(int)offset] |= 1;
    }
    const ref_json *priority = ref_json_get(json, "priority");
    bool is_normal =
        !priority || ref_json_is(priority, "normal") || ref_json_is(priority, "high") || ref_json_is(priority, "low");
    if (!is_normal) return;
    FUZZ_EXPECT(offset > at->last_normal);
    at->last_normal = offset;
}

static void hear(session *s, seat *at, const char *line, size_t len) {
    ref_json_verdict verdict;
    ref_json *json = ref_json_parse(line, len, &limits, &verdict);
    if (!json) fuzz_show("from the hub", line, len);
    FUZZ_EXPECT(json && json->kind == REF_OBJECT);
    const ref_json *type = ref_json_get(json, "type");
    answers_came(&at->book, line, len);
    if (ref_json_is(type, "welcome")) {
        const ref_json *resume = ref_json_get(json, "resume");
        FUZZ_EXPECT(resume && number_of(json, "offset") >= 0);
        if (at->from < 0 || ref_json_is(resume, "resync")) at->from = number_of(json, "offset");
    } else if (ref_json_is(type, "gap")) {
        double from = number_of(json, "from_offset"), to = number_of(json, "to_offset");
        FUZZ_EXPECT(from >= 0 && to >= from);
        for (double i = from; i <= to && i < APPLIED_MAX; i++) at->got[(int)i] |= 2;
    } else if (ref_json_get(json, "seq")) {
        hear_record(s, at, json, line, len);
    }
    ref_json_free(json);
}

static void hear_all(session *s) {
    for (int i = 0; i < s->seats_count; i++) {
        seat *at = &s->seats[i];
        while (at->p->text && at->read < at->p->len) {
            const char *line = at->p->text + at->read, *end = strchr(line, '\n');
            hear(s, at, line, (size_t)(end - line));
            at->read = (size_t)(end - at->p->text) + 1;
        }
    }
}

/* ---- operations ---- */

static seat *seat_of(session *s, size_t agent) {
    return s->now[agent] >= 0 && s->seats[s->now[agent]].p->conn ? &s->seats[s->now[agent]] : NULL;
}

static void say(session *s, size_t agent, const char *text, size_t len) {
    seat *at = seat_of(s, agent);
    if (!at || len == 0) return;
    bool was_open = at->p->code == 0;
    if (was_open) answers_asked(&at->book, text, len);
    char *copy = fuzz_copy(text, len);
    wsm_conn_recv(at->p->conn, copy, len);
    free(copy);
}

static void join(session *s, fuzz_in *in) {
    size_t agent = fuzz_below(in, AGENTS);
    unsigned how = fuzz_u8(in);
    if (s->seats_count == WORLD_PEERS || s->world.peers_count == WORLD_PEERS) return;
    double after = -1;
    if (how & 1) after = how >> 4;
    seat *at = &s->seats[s->seats_count];
    memset(at, 0, sizeof *at);
    at->from = after;
    wsm_permission permission = agent == 2 ? WSM_PERMISSION_OBSERVER : WSM_PERMISSION_ACTIVE;
    at->p = &s->world.peers[s->world.peers_count];
    at->p->stalled = (how & 2) != 0;
    at->was_stalled = at->p->stalled;
    peer *p = world_join(&s->world, names[agent], permission, how & 1 ? how & 4 ? "0000000000000000" : s->epoch : NULL,
                         after > 0 ? (uint64_t)after : 0);
    FUZZ_EXPECT(p == at->p);
    s->now[agent] = s->seats_count++;
}

static void update(session *s, fuzz_in *in) {
    static const char *const priorities[] = {"normal", "critical", "background", "high", "low", "normal"};
    size_t agent = fuzz_below(in, AGENTS);
    unsigned id = fuzz_u8(in), what = fuzz_u8(in);
    char text[512];
    int len = snprintf(
        text, sizeof text,
        "{\"type\":\"memory_update\",\"message_id\":\"0190e0a0-7b1c-7def-8123-0000000000%02x\",\"exchange\":{\"n\":%u},"
        "\"priority\":\"%s\",\"key\":\"k%u\"}",
        id, what & 7, priorities[what / 8 % 6], what & 3);
    say(s, agent, text, (size_t)len);
}

static void ask(session *s, fuzz_in *in) {
    static const char id_of[] = "0190e0a0-7b1c-7def-8123-0000000001";
    size_t agent = fuzz_below(in, AGENTS), which = fuzz_below(in, 3);
    unsigned id = fuzz_u8(in);
    char text[256];
    int len = 0;
    if (which == 0) len = snprintf(text, sizeof text, "{\"type\":\"agent_list\",\"message_id\":\"%s%02x\"}", id_of, id);
    if (which == 1)
        len = snprintf(text, sizeof text,
                       "{\"type\":\"agent_presence\",\"status\":\"working\",\"message_id\":\"%s%02x\"}", id_of, id);
    if (which == 2)
        len = snprintf(text, sizeof text, "{\"type\":\"agent_presence\",\"status\":\"idle\",\"note\":\"%02x\"}", id);
    say(s, agent, text, (size_t)len);
}

static void broadcast(session *s, fuzz_in *in) {
    wsm_update what;
    unsigned how = fuzz_u8(in);
    char id[37];
    snprintf(id, sizeof id, "0190e0a0-7b1c-7def-8123-0000000003%02x", how & 15);
    wsm_update_init(&what, sizeof what);
    what.exchange = (wsm_slice){"{\"by\":\"host\"}", 13};
    what.message_id = how & 16 ? id : NULL;
    what.sender_agent_id = how & 32 ? "ada" : NULL;
    what.priority = how & 64 ? WSM_PRIORITY_CRITICAL : WSM_PRIORITY_DEFAULT;
    s->tags++;
    if (wsm_broadcast(s->world.hub, &what, s->tags) != 0) s->results++;
    wsm_hub_tick(s->world.hub);
}

static void stall(session *s, fuzz_in *in) {
    seat *at = seat_of(s, fuzz_below(in, AGENTS));
    if (!at) return;
    at->p->stalled = !at->p->stalled;
    at->was_stalled = true;
    if (!at->p->stalled) peer_drain(at->p);
}

static void step(session *s, fuzz_in *in) {
    size_t agent;
    wsm_slice line;
    seat *at;
    switch (fuzz_below(in, 12)) {
    case 0:
    case 1: join(s, in); break;
    case 2:
        at = seat_of(s, fuzz_below(in, AGENTS));
        if (at) peer_leave(at->p);
        break;
    case 3:
    case 4:
    case 5: update(s, in); break;
    case 6: ask(s, in); break;
    case 7: broadcast(s, in); break;
    case 8: stall(s, in); break;
    case 9: world_run(&s->world, (uint64_t)fuzz_u8(in) * 200); break;
    case 10:
        agent = fuzz_below(in, AGENTS);
        line = fuzz_until(in, '\n');
        say(s, agent, line.ptr, line.len);
        break;
    default:
        at = seat_of(s, fuzz_below(in, AGENTS));
        if (at) wsm_conn_close(at->p->conn, 1000, NULL);
        break;
    }
}

/* ---- the end: all read what waits, and time passes ---- */

static void check_seat(const session *s, const seat *at) {
    bool is_open = at->p->conn && at->p->code == 0;
    answers_check(&at->book, is_open);
    if (!is_open || at->from < 0) return;
    for (size_t i = 0; i < s->applied_count; i++) {
        double offset = (double)s->applied[i].offset;
        if (!s->applied[i].is_for_all || offset <= at->from || offset >= APPLIED_MAX) continue;
        if (!at->got[(int)offset]) fuzz_show("missed", s->applied[i].json.ptr, s->applied[i].json.len);
        FUZZ_EXPECT(at->got[(int)offset]);
    }
}

static void settle(session *s) {
    for (int i = 0; i < s->seats_count; i++) {
        s->seats[i].p->stalled = 0;
        if (s->seats[i].p->conn) peer_drain(s->seats[i].p);
    }
    world_run(&s->world, 3000);
    hear_all(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    unsigned mode = fuzz_u8(&in);
    session *s = calloc(1, sizeof *s);
    if (!s) abort();
    world_init(&s->world);
    fuzz_mem_begin(&s->world.mem);
    s->world.host.on_applied = on_applied;
    s->world.host.on_result = on_result;
    s->now[0] = s->now[1] = s->now[2] = -1;
    if (mode & 1) s->world.config.queue_messages_agent = 4;
    if (mode & 2) s->world.config.history_records_max = 3;
    if (mode & 4) s->world.config.queue_bytes_max = 4000;
    if (mode & 8) s->world.config.connections_per_agent = 1;
    s->world.config.violations_per_min = 0;
    bool started = world_start(&s->world, NULL) == 0;
    if (started) {
        wsm_hub_position(s->world.hub, s->epoch);
        for (int i = 0; in.left > 0 && i < OPS_MAX && s->applied_count < APPLIED_MAX - 100; i++) step(s, &in);
        settle(s);
        if (!fuzz_mem_is_short(&s->world.mem)) {
            for (int i = 0; i < s->seats_count; i++) check_seat(s, &s->seats[i]);
            FUZZ_EXPECT(s->results == s->tags);
        }
    }
    for (size_t i = 0; i < s->applied_count; i++) fuzz_text_free(&s->applied[i].json);
    world_end(&s->world);
    fuzz_mem_end(&s->world.mem);
    free(s);
    return 0;
}
