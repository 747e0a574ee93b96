/* The hub when its memory runs out: what is given up, in which order, and that nothing is lost by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kept_world.h"
#include "side_talk.h"

#define BUDGET (2u << 20)

/* What on_drop told, by agent, in the order in which they were first told of. */
static struct {
    char agent[8];
    uint64_t shed, others;
} drops[8];

static void on_drop(void *user, const wsm_drop *drop) {
    size_t i = 0;
    (void)user;
    while (i < 7 && drops[i].agent[0] && strncmp(drops[i].agent, drop->agent_id.ptr, drop->agent_id.len) != 0) i++;
    snprintf(drops[i].agent, sizeof drops[i].agent, "%.*s", (int)drop->agent_id.len, drop->agent_id.ptr);
    assert_true(strcmp(drop->lane, "normal") == 0 || strcmp(drop->lane, "background") == 0);
    if (strcmp(drop->reason, "shed") == 0)
        drops[i].shed += drop->count;
    else
        drops[i].others += drop->count;
}

static void memory_used(void *user, const wsm_metric *metric) {
    if (strcmp(metric->name, "wsm_memory_bytes") == 0) *(double *)user = metric->value;
}

static void shed_count(void *user, const wsm_metric *metric) {
    if (metric->labels && strcmp(metric->labels, "reason=\"shed\"") == 0) *(double *)user += metric->value;
}

/* Little memory, and queues that could hold more than that. */
static void prepare(kept_world *k) {
    memset(drops, 0, sizeof drops);
    kept_world_init(k);
    k->w.config.memory_budget_bytes = BUDGET;
    k->w.config.queue_bytes_max = 16u << 20;
    k->w.config.queue_messages_agent = 0;
    k->w.config.history_records_max = 4;
    k->w.config.stall_timeout_ms = 0;
    k->w.config.dedup_ids_max = 16;
    k->w.host.on_drop = on_drop;
}

static void start(kept_world *k) {
    prepare(k);
    kept_world_open(k);
}

static void say_large(peer *p, int from, int to, const char *priority) {
    static char filler[3001];
    memset(filler, 'x', 3000);
    for (int n = from; n <= to; n++) {
        double used = 0;
        peer_say(p, "{\"type\":\"memory_update\",\"priority\":\"%s\",\"exchange\":[%d,\"%s\"]}", priority, n, filler);
        wsm_hub_metrics(p->world->hub, memory_used, &used);
        assert_true(used <= BUDGET * 0.81); /* the turn that goes over it is the turn that sheds */
    }
}

/* Every record once; those of one lane in order. */
static void assert_has_all(const peer *p, int from, int to) {
    static int times[1000];
    memset(times, 0, sizeof times);
    for (const char *at = p->text; (at = strstr(at, "\"exchange\":[")) != NULL; at++)
        times[strtol(at + 12, NULL, 10)]++;
    for (int n = 1; n < 1000; n++) assert_int_equal(times[n], n >= from && n <= to);
    assert_null(strstr(p->text, "\"type\":\"gap\""));
}

/* What is handed out carries no NUL. */
static const char *line_of(const wsm_vec *vec) {
    static char line[4096];
    snprintf(line, sizeof line, "%.*s", (int)vec->len, (const char *)vec->base);
    return line;
}

static void the_longest_queue_is_shed_first_and_reads_it_again(void **state) {
    (void)state;
    kept_world k = {0};
    double shed = 0;
    start(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_OBSERVER, NULL, 0);
    bob->stalled = 1;
    say_large(ada, 1, 100, "normal");
    peer *carl = world_join(&k.w, "carl", WSM_PERMISSION_OBSERVER, NULL, 0);
    carl->stalled = 1;
    say_large(ada, 101, 120, "background");
    say_large(ada, 121, 121, "critical");
    say_large(ada, 122, 700, "normal");
    assert_string_equal(drops[0].agent, "bob"); /* he held the most */
    assert_true(drops[0].shed > 300);
    wsm_hub_metrics(k.w.hub, shed_count, &shed);
    assert_true(shed == (double)(drops[0].shed + drops[1].shed));
    assert_false(bob->gone || carl->gone);
    assert_has_all(ada, 1, 700); /* who takes what he is sent notices nothing */

    bob->stalled = carl->stalled = 0;
    peer_drain(bob);
    peer_drain(carl);
    world_run(&k.w, 1000);
    assert_has_all(bob, 1, 700);
    assert_has_all(carl, 101, 700);
    assert_true(strstr(carl->text, "\"exchange\":[121,") < strstr(carl->text, "\"exchange\":[122,"));
    assert_true(strstr(bob->text, "\"exchange\":[121,") <
                strstr(bob->text, "\"exchange\":[100,")); /* it was not shed */
    assert_int_equal(drops[0].others + drops[1].others, 0);
    world_run(&k.w, 5000);
    assert_non_null(strstr(peer_last(bob, "\"type\":\"position\""), "\"offset\":701"));
    kept_world_end(&k);
}

static void no_position_goes_beyond_what_is_still_to_be_read_again(void **state) {
    (void)state;
    kept_world k = {0};
    start(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_OBSERVER, NULL, 0);
    bob->stalled = 1;
    say_large(ada, 1, 40, "critical");
    say_large(ada, 41, 700, "normal");
    assert_true(drops[0].shed > 0);
    wsm_vec vec;
    int received = 0;
    for (int i = 0; i < 2000 && wsm_conn_pending(bob->conn, &vec, 1) > 0; i++) { /* frame by frame, and time passes */
        const char *line = line_of(&vec), *position = strstr(line, "\"type\":\"position\",");
        if (position)
            assert_true(strtol(strstr(position, "\"offset\":") + 9, NULL, 10) <= 1 + received); /* 1: ada's card */
        bob->text = realloc(bob->text, bob->len + vec.len + 2);
        bob->len += (size_t)sprintf(bob->text + bob->len, "%s\n", line);
        received += strstr(line, "\"type\":\"memory_update\"") != NULL;
        wsm_conn_sent(bob->conn, vec.len);
        world_run(&k.w, 500);
    }
    assert_has_all(bob, 1, 700);
    kept_world_end(&k);
}

/* The next frames, one by one. */
static void take(peer *p, int count) {
    wsm_vec vec;
    for (int i = 0; i < count && wsm_conn_pending(p->conn, &vec, 1) > 0; i++) {
        const char *line = line_of(&vec);
        p->text = realloc(p->text, p->len + vec.len + 2);
        p->len += (size_t)sprintf(p->text + p->len, "%s\n", line);
        wsm_conn_sent(p->conn, vec.len);
    }
}

static void what_one_lane_had_sent_before_the_other_is_not_sent_again(void **state) {
    (void)state;
    kept_world k = {0};
    start(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_OBSERVER, NULL, 0);
    peer *carl = world_join(&k.w, "carl", WSM_PERMISSION_OBSERVER, NULL, 0);
    bob->stalled = carl->stalled = 1;
    say_large(ada, 1, 40, "background");
    say_large(ada, 41, 100, "normal");
    say_large(ada, 101, 140, "background");
    take(bob, 50); /* most of the normal ones, and a few of the background */
    take(carl, 90);
    say_large(ada, 141, 700, "normal");
    assert_true(drops[0].shed > 0 && drops[1].shed > 0);
    bob->stalled = carl->stalled = 0;
    peer_drain(bob);
    peer_drain(carl);
    world_run(&k.w, 1000);
    assert_has_all(bob, 1, 700);
    assert_has_all(carl, 1, 700);
    kept_world_end(&k);
}

static void one_whose_replay_is_under_way_gets_all_of_it_in_order(void **state) {
    (void)state;
    kept_world k = {0};
    start(&k);
    peer *ada = kept_world_join(&k, "ada");
    say_large(ada, 1, 200, "normal");
    peer *bob = &k.w.peers[k.w.peers_count];
    bob->stalled = 1;
    world_join(&k.w, "bob", WSM_PERMISSION_OBSERVER, KEPT_EPOCH, 0);
    peer *carl = world_join(&k.w, "carl", WSM_PERMISSION_OBSERVER, NULL, 0);
    carl->stalled = 1;
    say_large(ada, 201, 900, "normal");
    bob->stalled = carl->stalled = 0;
    peer_drain(bob);
    peer_drain(carl);
    world_run(&k.w, 1000);
    assert_true(drops[0].shed + drops[1].shed < 900); /* hardly anything is read twice */
    assert_has_all(bob, 1, 900);
    assert_has_all(carl, 201, 900);
    assert_non_null(strstr(peer_last(bob, "replay_end"), "\"offset\":201,\"count\":200"));
    assert_true(strstr(bob->text, "\"exchange\":[200,") < strstr(bob->text, "\"type\":\"replay_end\""));
    assert_true(strstr(bob->text, "\"exchange\":[201,") > strstr(bob->text, "\"type\":\"replay_end\""));
    kept_world_end(&k);
}

static void take_at_once(peer *p) {
    wsm_vec vec[30];
    size_t count = wsm_conn_pending(p->conn, vec, 30), len = 0;
    for (size_t i = 0; i < count; i++) {
        const char *line = line_of(&vec[i]);
        p->text = realloc(p->text, p->len + vec[i].len + 2);
        p->len += (size_t)sprintf(p->text + p->len, "%s\n", line);
        len += vec[i].len;
    }
    wsm_conn_sent(p->conn, len);
}

static bool has_shed(const char *agent) {
    for (size_t i = 0; i < 8; i++)
        if (strcmp(drops[i].agent, agent) == 0) return drops[i].shed > 0;
    return false;
}

/* Its last page goes beyond its end, and what came of that is given up: the count would be of more than had come. */
static void a_replay_counts_what_has_come_before_its_end(void **state) {
    (void)state;
    kept_world k = {0};
    prepare(&k);
    k.w.config.queue_messages_human = 40;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    say_large(ada, 1, 60, "normal");
    wsm_claims claims = world_claims(&k.w, "bob");
    claims.permission = WSM_PERMISSION_OBSERVER;
    claims.kind = WSM_KIND_HUMAN;
    peer *bob = &k.w.peers[k.w.peers_count];
    bob->stalled = 1;
    world_join_as(&k.w, &claims, KEPT_EPOCH, 0);
    say_large(ada, 61, 100, "normal");
    take_at_once(bob);
    peer *carl = world_join(&k.w, "carl", WSM_PERMISSION_OBSERVER, NULL, 0);
    carl->stalled = 1;
    int last = 100;
    double used = 0;
    for (; used < BUDGET * 0.8 && !has_shed("bob"); wsm_hub_metrics(k.w.hub, memory_used, &used)) {
        last++; /* critical ones are not given up */
        say_large(ada, last, last, "critical");
    }
    assert_in_range(last, 200, 900);
    carl->stalled = 0;
    peer_drain(carl);
    bob->stalled = 0;
    peer_drain(bob);
    world_run(&k.w, 5000);
    assert_has_all(bob, 1, last);
    const char *end = strstr(bob->text, "\"type\":\"replay_end\"");
    assert_non_null(end);
    long came = 0;
    for (const char *at = bob->text; (at = strstr(at, "\"exchange\":[")) != NULL && at < end; at++) came++;
    assert_int_equal(strtol(strstr(end, "\"count\":") + 8, NULL, 10), came);
    kept_world_end(&k);
}

/* A position before the notice of a gap would let a client that is cut in between resume behind it. */
static void a_gap_that_waits_holds_the_position_back(void **state) {
    (void)state;
    kept_world k = {.kept = {.misses = 3, .loses = 3}};
    start(&k);
    peer *ada = kept_world_join(&k, "ada");
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_OBSERVER, NULL, 0);
    bob->stalled = 1;
    say_large(ada, 1, 2, "normal");
    wsm_vec vec[8];
    wsm_conn_pending(bob->conn, vec, 8); /* the first two are on their way */
    say_large(ada, 3, 4, "normal");
    world_run(&k.w, 3000);
    size_t count = wsm_conn_pending(bob->conn, vec, 8);
    assert_in_range(count, 4, 8);
    for (size_t i = 0; i < count; i++) {
        const char *line = line_of(&vec[i]), *position = strstr(line, "\"type\":\"position\"");
        if (strstr(line, "\"type\":\"gap\"")) break;
        assert_true(!position || strstr(position, "\"offset\":2"));
        assert_true(i + 1 < count); /* it does come */
    }
    kept_world_end(&k);
}

/* Each of ten sidebars may keep a megabyte in memory, and the hub has four. */
static void what_memory_holds_of_many_contexts_does_not_fill_it(void **state) {
    (void)state;
    static char text[4000];
    char side[10][SIDE_ID];
    kept_world k = {0};
    kept_world_init(&k);
    k.w.config.memory_budget_bytes = 4u << 20;
    k.w.config.history_bytes_max = 1u << 20;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    for (int i = 0; i < 10; i++) side_spawn(ada, "", "", side[i]);
    for (int n = 0; n < 2000; n++) {
        snprintf(text, sizeof text, "\"context_id\":\"%s\",\"exchange\":\"%03000d\"", side[n % 10], n);
        if (strcmp(answer_of(peer_ask(ada, "memory_update", "%s", text)), "ack") != 0) fail_msg("%d is refused", n);
        peer_forget(ada);
    }
    double used = 0;
    wsm_hub_metrics(k.w.hub, memory_used, &used);
    assert_in_range((size_t)used, (4u << 20) / 2, (4u << 20) / 10 * 8);
    peer_leave(ada); /* and the store has it all */
    ada = world_join(&k.w, "ada", WSM_PERMISSION_ACTIVE, KEPT_EPOCH, 11);
    world_run(&k.w, 60000);
    assert_int_equal(peer_count(ada, "\"type\":\"memory_update\""), 2000);
    assert_int_equal(peer_count(ada, "\"type\":\"gap\""), 0);
    kept_world_end(&k);
}

typedef struct host_page {
    bool came, more;
    uint64_t next;
    size_t count; /* of updates, in all pages */
} host_page;

static host_page *host_got;

static void on_page(void *user, const wsm_page *page) {
    (void)user;
    assert_int_equal(page->err, 0);
    host_got->came = true;
    host_got->more = page->more;
    host_got->next = page->next_after;
    for (size_t i = 0; i < page->count; i++) host_got->count += page->messages[i].len > 1000; /* cards are short */
}

/* A page of the store is copied before it is looked at. */
static void a_page_is_no_larger_than_a_small_budget_can_hold(void **state) {
    (void)state;
    kept_world k = {0};
    static char text[31000];
    kept_world_init(&k);
    k.w.config.memory_budget_bytes = BUDGET;
    k.w.config.history_records_max = 4;
    k.w.config.replay_page_bytes = 16u << 20;
    k.w.config.queue_bytes_max = 16u << 20;
    k.w.host.on_page = on_page;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    for (int n = 1; n <= 80; n++) {
        int len = snprintf(text, sizeof text, "{\"type\":\"memory_update\",\"exchange\":\"%030000d\"}", n);
        wsm_conn_recv(ada->conn, text, (size_t)len);
        world_run(&k.w, 20);
    }
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_OBSERVER, KEPT_EPOCH, 0);
    world_run(&k.w, 10000);
    assert_int_equal(peer_count(bob, "\"type\":\"memory_update\""), 80);
    assert_int_equal(peer_count(bob, "replay_end"), 1);

    host_page got = {0}; /* the host, too */
    host_got = &got;
    do {
        got.came = false;
        assert_int_equal(wsm_records_read(k.w.hub, NULL, got.next, 500, 1), 0);
        world_run(&k.w, 1000);
        assert_true(got.came);
    } while (got.more);
    assert_int_equal(got.count, 80);
    peer_forget(ada);
    peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":\"after\"}");
    assert_int_equal(peer_count(ada, "after"), 1); /* nothing is held up */
    kept_world_end(&k);
}

/* The log takes its time, and what it has not yet told of fills the memory: there must be some left to apply it. */
static void what_is_under_way_can_still_be_applied(void **state) {
    (void)state;
    kept_world k = {0};
    start(&k);
    peer *ada = kept_world_join(&k, "ada");
    world_run(&k.w, 100);
    k.kept.holds = 1;
    k.kept.told = k.kept.count;
    static char filler[30001], text[31000];
    memset(filler, 'x', 30000);
    for (int n = 1; n <= 100; n++) {
        int len = snprintf(
            text, sizeof text,
            "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-%012d\",\"exchange\":\"%s\"}", n,
            filler);
        wsm_conn_recv(ada->conn, text, (size_t)len);
    }
    assert_non_null(strstr(peer_last(ada, "\"type\":\"error\""), "\"code\":\"busy\""));
    for (int i = 0; i < 100 && kept_log_release(&k.kept); i++) world_run(&k.w, 100);
    assert_int_equal(k.kept.waiting_count, 0);
    world_run(&k.w, 5000);
    int taken = peer_count(ada, "\"type\":\"ack\"");
    assert_in_range(taken, 30, 99);
    assert_int_equal(peer_count(ada, "\"type\":\"memory_update\""), taken);
    kept_world_end(&k);
}

static struct {
    int (*append)(void *user, uint64_t append_id, const wsm_vec *records, size_t count);
    int accepts, appends;
} fussy; /* a log that takes so many appends, and refuses the next one */

static int fussy_append(void *user, uint64_t append_id, const wsm_vec *records, size_t count) {
    fussy.appends++;
    return fussy.accepts-- == 0 ? WSM_ERR_STORE_FAILED : fussy.append(user, append_id, records, count);
}

static void say_three(hub_world *w, peer *p) {
    static char filler[20001], text[21000];
    w->in_callback = NULL;
    memset(filler, 'x', 20000);
    for (int n = 1; n <= 3; n++) {
        int len = snprintf(
            text, sizeof text,
            "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-%012d\",\"exchange\":[%d,\"%s\"]}", n,
            n, filler);
        wsm_conn_recv(p->conn, text, (size_t)len);
    }
}

/* What a turn has collected is more than one append may bring back, so it goes in parts. A part that is refused takes
 * with it what stands behind it; what its senders are told is written when nothing of the turn is written any more. */
static void a_part_of_a_turn_that_is_refused_spoils_no_record(void **state) {
    (void)state;
    for (int accepts = 0; accepts < 4; accepts++) {
        kept_world k = {0};
        wsm_log log = kept_log_of(&k.kept);
        fussy.append = log.append;
        log.append = fussy_append;
        fussy.accepts = 1000;
        kept_world_init(&k);
        k.w.config.memory_budget_bytes = BUDGET;
        assert_int_equal(world_start(&k.w, &log), 0);
        peer *ada = kept_world_join(&k, "ada");
        world_run(&k.w, 100);
        peer_forget(ada);
        fussy.accepts = accepts;
        fussy.appends = 0;
        k.w.in_callback = say_three; /* all in one turn */
        peer_say(ada, "{\"type\":\"agent_list\",\"message_id\":\"00000000-0000-4000-8000-%012d\"}", 9);
        world_run(&k.w, 100);
        assert_int_equal(peer_count(ada, "\"code\":\"store_failed\""), accepts < 3 ? 3 - accepts : 0);
        assert_int_equal(peer_count(ada, "\"durable\":true"), accepts < 3 ? accepts : 3);
        assert_int_equal(fussy.appends, accepts < 3 ? accepts + 1 : 3);
        char part[32];
        for (int n = 1; n <= 3; n++) {
            snprintf(part, sizeof part, "\"exchange\":[%d,", n);
            assert_int_equal(peer_count(ada, part), n <= accepts);
        }
        assert_int_equal(peer_count(ada, "\"type\":\"memory_update\""), accepts < 3 ? accepts : 3);
        kept_world_end(&k);
    }
}

static int open_later(void *user, wsm_hub *hub) {
    ((kept_log *)user)->hub = hub;
    return WSM_OK;
}

static int say_ready(hub_world *w, const kept_log *kept) {
    wsm_log_info info;
    wsm_log_info_init(&info, sizeof info);
    info.epoch = KEPT_EPOCH;
    info.first_offset = 1;
    info.last_offset = kept->count;
    return wsm_log_ready(w->hub, &info, 0);
}

/* A log that fills the hub as fast as it can, and waits where there is no room. Returns how often it had to. */
static int load_greedily(hub_world *w, const kept_log *kept) {
    int waits = 0;
    assert_int_equal(wsm_log_snapshot(w->hub, kept->snapshot_offset, kept->snapshot, kept->snapshot_len), 0);
    for (uint64_t i = kept->snapshot_offset; i < kept->count; i++) {
        while (wsm_log_deliver(w->hub, &kept->records[i], 1)) {
            assert_true(waits++ < 1000);
            world_run(w, 20);
        }
    }
    while (say_ready(w, kept)) {
        assert_true(waits++ < 1000);
        world_run(w, 20);
    }
    world_run(w, 100);
    return waits;
}

/* The records behind a snapshot must not take the room that it needs to become the state that they change. */
static void a_snapshot_is_loaded_though_much_stands_behind_it(void **state) {
    (void)state;
    kept_world k = {0};
    static char filler[30001], text[31000];
    memset(filler, 'x', 30000);
    kept_world_init(&k);
    k.w.config.snapshot_records = 150;
    kept_world_open(&k);
    peer *ada = kept_world_join(&k, "ada");
    for (int n = 0; n < 250; n++) {
        bool is_ref = n < 160;
        int len = is_ref ? snprintf(text, sizeof text, "{\"type\":\"data_ref\",\"name\":\"n%d\",\"value\":\"%.3000s\"}",
                                    n, filler)
                         : snprintf(text, sizeof text, "{\"type\":\"memory_update\",\"exchange\":\"%s\"}", filler);
        wsm_conn_recv(ada->conn, text, (size_t)len);
        world_run(&k.w, 1000);
    }
    kept_world_close(&k);
    assert_true(k.kept.snapshot_len > 400000);
    assert_true(k.kept.count - k.kept.snapshot_offset > 90);

    wsm_log log = kept_log_of(&k.kept);
    log.open = open_later;
    kept_world_init(&k);
    k.w.config.memory_budget_bytes = BUDGET;
    k.w.config.history_records_max = 4;
    assert_int_equal(world_start(&k.w, &log), 0);
    assert_true(load_greedily(&k.w, &k.kept) > 0);
    assert_int_equal(k.w.ready, 1);
    assert_int_equal(k.w.ready_err, 0);
    kept_world_end(&k);
}

/* A log that delivers all that it has at once, six times what the hub's budget can hold, and the same again as long as
 * it is refused. What it was told of once is taken once, a part each time. */
static void a_delivery_that_is_larger_than_the_budget_is_taken_in_parts(void **state) {
    (void)state;
    kept_world k = {0};
    static char filler[30001], text[31000];
    memset(filler, 'x', 30000);
    kept_world_begin(&k);
    peer *ada = kept_world_join(&k, "ada");
    int len = snprintf(text, sizeof text, "{\"type\":\"memory_update\",\"exchange\":\"%s\"}", filler);
    for (int n = 0; n < 400; n++) {
        wsm_conn_recv(ada->conn, text, (size_t)len);
        world_run(&k.w, 1000);
    }
    assert_int_equal(k.kept.count, 401); /* ada's card was the first */
    kept_world_close(&k);

    wsm_log log = kept_log_of(&k.kept);
    log.open = open_later;
    kept_world_init(&k);
    k.w.config.memory_budget_bytes = BUDGET;
    k.w.config.history_records_max = 4;
    assert_int_equal(world_start(&k.w, &log), 0);
    uint64_t waits = 0, position = 0;
    while (wsm_log_deliver(k.w.hub, k.kept.records, k.kept.count)) {
        world_run(&k.w, 20);
        assert_true(wsm_hub_position(k.w.hub, NULL) > position);
        position = wsm_hub_position(k.w.hub, NULL);
        waits++;
    }
    assert_true(waits > 5);
    world_run(&k.w, 100);
    assert_int_equal(wsm_hub_position(k.w.hub, NULL), 401);
    assert_int_equal(wsm_log_deliver(k.w.hub, k.kept.records, 100), 0); /* and once more, for nothing */
    assert_int_equal(say_ready(&k.w, &k.kept), 0);
    world_run(&k.w, 100);
    assert_int_equal(k.w.ready, 1);
    assert_int_equal(k.w.ready_err, 0);
    peer *bob = world_join(&k.w, "bob", WSM_PERMISSION_OBSERVER, KEPT_EPOCH, 399);
    world_run(&k.w, 100);
    assert_int_equal(peer_count(bob, "\"type\":\"memory_update\""), 2);
    assert_int_equal(peer_count(bob, "\"type\":\"gap\""), 0);
    kept_world_end(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_queue_is_shed_first_and_reads_it_again),
        cmocka_unit_test(no_position_goes_beyond_what_is_still_to_be_read_again),
        cmocka_unit_test(what_one_lane_had_sent_before_the_other_is_not_sent_again),
        cmocka_unit_test(one_whose_replay_is_under_way_gets_all_of_it_in_order),
        cmocka_unit_test(a_page_is_no_larger_than_a_small_budget_can_hold),
        cmocka_unit_test(what_is_under_way_can_still_be_applied),
        cmocka_unit_test(a_replay_counts_what_has_come_before_its_end),
        cmocka_unit_test(a_part_of_a_turn_that_is_refused_spoils_no_record),
        cmocka_unit_test(a_snapshot_is_loaded_though_much_stands_behind_it),
        cmocka_unit_test(a_delivery_that_is_larger_than_the_budget_is_taken_in_parts),
        cmocka_unit_test(what_memory_holds_of_many_contexts_does_not_fill_it),
        cmocka_unit_test(a_gap_that_waits_holds_the_position_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
