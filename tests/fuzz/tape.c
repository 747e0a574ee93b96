/* See tape.h. */
#include "tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub_world.h"
#include "ref_json.h"

#define EPOCH "0123456789abcdef"

static uint64_t last_of(const tape *t) {
    return t->count > 0 ? t->records[t->count - 1].offset : t->snapshot_offset;
}

static void deliver_all(tape *t, wsm_hub *hub) {
    wsm_log_info info;
    wsm_log_info_init(&info, sizeof info);
    info.epoch = EPOCH;
    info.first_offset = t->count > 0 ? t->records[0].offset : 0;
    info.last_offset = last_of(t);
    if (t->snapshot) wsm_log_snapshot(hub, t->snapshot_offset, t->snapshot, t->snapshot_len);
    for (size_t i = 0; i < t->count; i++)
        while (wsm_log_deliver(hub, &t->records[i], 1) == WSM_ERR_NOMEM && fuzz_fail_at == 0) FUZZ_FAIL("memory");
    wsm_log_ready(hub, &info, 0);
}

static int tape_open(void *user, wsm_hub *hub) {
    tape *t = user;
    t->hub = hub;
    if (!(t->mode & TAPE_LATE)) deliver_all(t, hub);
    return 0;
}

static int tape_append(void *user, uint64_t id, const wsm_vec *records, size_t count) {
    tape *t = user;
    if (t->count + count > TAPE_RECORDS_MAX + TAPE_MORE) return WSM_ERR_STORE_FAILED;
    for (size_t i = 0; i < count; i++) {
        wsm_record *record = &t->records[t->count];
        *record = (wsm_record){last_of(t) + 1, fuzz_copy(records[i].base, records[i].len), records[i].len};
        t->count++;
        wsm_log_deliver(t->hub, record, 1);
    }
    wsm_log_done(t->hub, id, WSM_LOG_SYNCED);
    return 0;
}

static int tape_read(void *user, uint64_t id, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    tape *t = user;
    size_t first = 0, count = 0;
    (void)bytes_max;
    while (first < t->count && t->records[first].offset < from) first++;
    while (first + count < t->count && t->records[first + count].offset <= to && count < records_max) count++;
    wsm_log_page(t->hub, id, t->records + first, count, 0);
    return 0;
}

static int tape_save(void *user, uint64_t offset, const void *bytes, size_t len) {
    tape *t = user;
    free(t->saved);
    t->saved = fuzz_copy(bytes, len);
    t->saved_len = len;
    t->saved_offset = offset;
    return 0;
}

static void tape_close(void *user) {
    (void)user;
}

void tape_unwind(tape *t) {
    for (size_t i = 0; i < t->count; i++) free((void *)(uintptr_t)t->records[i].bytes);
    free(t->snapshot);
    free(t->saved);
}

/* ---- a hub on it ---- */

typedef struct listener {
    hub_world world; /* first: it is what callbacks are given */
    const tape *t;   /* whose records are looked at before they are believed; NULL: nobody's */
    fuzz_text applied;
    uint64_t last;
} listener;

/* A head and a body, each an object of strict JSON. */
static bool is_sound(const wsm_record *record) {
    static const ref_json_limits limits = {32, 100000, 128};
    const char *feed = record->bytes ? memchr(record->bytes, '\n', record->len) : NULL;
    if (!feed) return false;
    ref_json_verdict verdict;
    const char *end = (const char *)record->bytes + record->len;
    ref_json *head = ref_json_parse(record->bytes, (size_t)(feed - (const char *)record->bytes), &limits, &verdict),
             *body = ref_json_parse(feed + 1, (size_t)(end - feed - 1), &limits, &verdict);
    bool both = head && head->kind == REF_OBJECT && body && body->kind == REF_OBJECT;
    ref_json_free(head);
    ref_json_free(body);
    return both;
}

static void on_applied(void *user, const wsm_applied *applied) {
    listener *l = user;
    for (size_t i = 0; l->t && i < l->t->count; i++)
        if (l->t->records[i].offset == applied->offset) FUZZ_EXPECT(is_sound(&l->t->records[i]));
    FUZZ_EXPECT(applied->offset > l->last);
    l->last = applied->offset;
    fuzz_print(&l->applied, "%llu %.*s %.*s %016llx\n", (unsigned long long)applied->offset, (int)applied->type.len,
               applied->type.ptr, (int)applied->sender_agent_id.len, applied->sender_agent_id.ptr,
               (unsigned long long)fuzz_hash(applied->json.ptr, applied->json.len));
}

static bool start(listener *l, tape *t, bool looks) {
    wsm_log log;
    *l = (listener){.last = 0};
    world_init(&l->world);
    l->world.wall += t->later_ms;
    if (looks) l->t = t;
    fuzz_mem_begin(&l->world.mem);
    l->world.host.on_applied = on_applied;
    if (t->mode & TAPE_SHORT) {
        l->world.config.history_records_max = 2;
        l->world.config.replay_page_records = 3;
    }
    wsm_log_init(&log, sizeof log);
    log.user = t;
    log.open = tape_open;
    log.append = tape_append;
    log.read = t->mode & TAPE_READS ? tape_read : NULL;
    log.save = t->mode & TAPE_SAVES ? tape_save : NULL;
    log.close = tape_close;
    int err = wsm_hub_new(&l->world.hub, &l->world.config, &l->world.host, &log, l);
    if (err) FUZZ_EXPECT(fuzz_mem_is_short(&l->world.mem) || err == WSM_ERR_LOG_CORRUPT);
    if (err) return false;
    if (t->mode & TAPE_LATE) {
        FUZZ_EXPECT(!wsm_hub_is_ready(l->world.hub));
        deliver_all(t, l->world.hub);
    }
    world_run(&l->world, 2000);
    if (!fuzz_mem_is_short(&l->world.mem)) FUZZ_EXPECT(l->world.ready == 1);
    return l->world.ready == 1 && l->world.ready_err == 0;
}

/* Messages in a peer's text: strict JSON, offsets of records rising. */
static void check_stream(const peer *p) {
    static const ref_json_limits limits = {70, 1000000, 70000};
    double last = 0;
    for (const char *line = p->text; line && *line;) {
        const char *end = strchr(line, '\n');
        ref_json_verdict verdict;
        ref_json *json = ref_json_parse(line, (size_t)(end - line), &limits, &verdict);
        if (!json) fuzz_show("from the hub", line, (size_t)(end - line));
        FUZZ_EXPECT(json && json->kind == REF_OBJECT && ref_json_get(json, "type"));
        const ref_json *offset = ref_json_get(json, "offset"), *type = ref_json_get(json, "type");
        bool is_record = offset && !ref_json_is(type, "welcome") && !ref_json_is(type, "position") &&
                         !ref_json_is(type, "replay_end") && !ref_json_is(type, "ack") &&
                         !ref_json_is(type, "duplicate_ack");
        if (is_record) {
            FUZZ_EXPECT(offset->kind == REF_NUMBER && offset->number > last);
            last = offset->number;
        }
        ref_json_free(json);
        line = end + 1;
    }
}

static void end(listener *l) {
    wsm_hub_free(l->world.hub);
    l->world.hub = NULL;
    for (int i = 0; i < l->world.peers_count; i++) free(l->world.peers[i].text);
    fuzz_mem_end(&l->world.mem);
    fuzz_text_free(&l->applied);
}

/* Somebody reads all there is, somebody writes one more, and the hub ends as it should. */
static void use(listener *l, tape *t) {
    hub_world *w = &l->world;
    t->hub = w->hub; /* another one had the tape since */
    uint64_t before = wsm_hub_position(w->hub, NULL);
    FUZZ_EXPECT(before == last_of(t));
    peer *reader = world_join(w, "reader", WSM_PERMISSION_OBSERVER, EPOCH, 0);
    world_run(w, 3000);
    peer *writer = world_join(w, "writer", WSM_PERMISSION_ACTIVE, NULL, 0);
    peer_say(writer,
             "{\"type\":\"memory_update\",\"message_id\":\"0190e0a0-7b1c-7def-8123-4567fffffff1\",\"exchange\":1}");
    world_run(w, 3000);
    wsm_hub_shutdown(w->hub, NULL);
    world_run(w, 20000);
    if (fuzz_mem_is_short(&w->mem)) return;
    check_stream(reader);
    check_stream(writer);
    FUZZ_EXPECT(peer_count(writer, "\"type\":\"ack\"") + peer_count(writer, "\"type\":\"duplicate_ack\"") == 1 ||
                peer_count(writer, "\"type\":\"error\"") == 1);
    FUZZ_EXPECT(wsm_hub_is_down(w->hub));
}

/* The snapshot it made, and no record before it: the same place, and the same snapshot if it is made again. */
static void run_from_saved(tape *t) {
    listener third;
    tape rest = {.mode = t->mode, .later_ms = t->later_ms};
    rest.snapshot = fuzz_copy(t->saved, t->saved_len);
    rest.snapshot_len = t->saved_len;
    rest.snapshot_offset = t->saved_offset;
    for (size_t i = 0; i < t->count; i++) {
        if (t->records[i].offset <= t->saved_offset) continue;
        wsm_record copy = t->records[i];
        if (copy.bytes) copy.bytes = fuzz_copy(copy.bytes, copy.len);
        rest.records[rest.count++] = copy;
    }
    FUZZ_EXPECT(start(&third, &rest, false));
    FUZZ_EXPECT(wsm_hub_position(third.world.hub, NULL) == last_of(t));
    wsm_hub_shutdown(third.world.hub, NULL);
    world_run(&third.world, 20000);
    if (rest.saved) {
        bool same = rest.saved_len == t->saved_len && memcmp(rest.saved, t->saved, t->saved_len) == 0;
        if (!same) fuzz_show("saved", t->saved, t->saved_len);
        if (!same) fuzz_show("saved again", rest.saved, rest.saved_len);
        FUZZ_EXPECT(same);
    }
    end(&third);
    tape_unwind(&rest);
}

void tape_run(tape *t) {
    listener first, second;
    bool good = start(&first, t, true);
    if (fuzz_fail_at == 0) { /* recovery of recovery is the same state */
        bool again = start(&second, t, false);
        FUZZ_EXPECT(again == good && fuzz_same(&first.applied, &second.applied));
        FUZZ_EXPECT(first.world.ready_err == second.world.ready_err);
        if (good) FUZZ_EXPECT(wsm_hub_position(first.world.hub, NULL) == wsm_hub_position(second.world.hub, NULL));
        end(&second);
    }
    if (good) use(&first, t);
    end(&first);
    if (good && t->saved && fuzz_fail_at == 0) run_from_saved(t);
}
