/* The life of an upgraded connection: pongs, the close handshake from both sides, heartbeats, and what happens without
 * memory. What the link hands out is read by an engine of the other side and written down as a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "wire/link.h"
#include "wire_build.h"
#include "wsm/error.h"

static const wsm__link_limits usual = {
    .ws = {.message_bytes_max = 10000, .fragments_max = 8, .binary = true},
    .control_per_s = 10,
    .control_burst = 20,
    .assembly_timeout_ms = 30000,
    .close_timeout_ms = 5000,
    .ping_interval_ms = 30000,
    .ping_strikes = 3,
};

typedef struct fixture {
    test_mem fault;
    wsm__mem mem;
    wsm__ws_pool *pool;
    wsm__link_limits limits;
    wsm__link link;
    uint64_t now;
    unsigned char dice; /* the next random byte; 0xff: random fails */
    build in;           /* events the owner saw */
    build out;          /* what the peer sees */
    bool saw_why;
    bool waits; /* the owner has output */
} fixture;

static int roll(void *user, void *bytes, size_t len) {
    fixture *f = user;
    if (f->dice == 0xff) return -1;
    for (size_t i = 0; i < len; i++) ((unsigned char *)bytes)[i] = f->dice++;
    return 0;
}

static int open_link(fixture *f, bool is_client, int32_t jitter) {
    return wsm__link_init(&f->link, &f->mem, f->pool, &f->limits, is_client, roll, f, f->now, jitter);
}

static void prepare(fixture *f) {
    *f = (fixture){.limits = usual, .now = 1000};
    wsm__mem_init(&f->mem, test_alloc, &f->fault, 0);
    f->pool = wsm__ws_pool_new(&f->mem, 2);
}

static void setup(fixture *f) {
    prepare(f);
    assert_int_equal(open_link(f, false, 0), 0);
}

static void setup_client(fixture *f) {
    prepare(f);
    assert_int_equal(open_link(f, true, 0), 0);
}

static void teardown(fixture *f) {
    wsm__link_fini(&f->link);
    wsm__ws_pool_free(f->pool);
    build_free(&f->in);
    build_free(&f->out);
    assert_int_equal(atomic_load(&f->mem.used), 0);
    assert_int_equal(atomic_load(&f->fault.live), 0);
}

static const char letters[] = "-TBPOXE";

static void receive_bytes(fixture *f, const unsigned char *bytes, size_t len) {
    wsm__ws_event event;
    size_t at = 0, used;
    do {
        wsm__link_recv(&f->link, bytes + at, len - at, &used, &event, f->now);
        at += used;
        if (event.kind == WSM__WS_NONE) break;
        assert_true(event.kind == WSM__WS_TEXT || event.kind == WSM__WS_BINARY || event.kind == WSM__WS_CLOSE);
        if (event.why) f->saw_why = true;
        build_event(&f->in, letters[event.kind], event.code, event.payload.ptr, event.payload.len);
    } while (true);
    assert_int_equal(at, len);
}

static void receive(fixture *f, const char *script) {
    build bytes = {0};
    build_frames(&bytes, script, !f->link.masked);
    receive_bytes(f, bytes.ptr ? bytes.ptr : (const unsigned char *)"", bytes.len);
    build_free(&bytes);
}

/* As the peer reads it. */
static void read_out(fixture *f, wsm_slice bytes) {
    static const wsm__ws_limits any = {.message_bytes_max = 100000, .fragments_max = 10, .binary = true};
    wsm__mem mem;
    wsm__mem_init(&mem, NULL, NULL, 0);
    wsm__ws_pool *pool = wsm__ws_pool_new(&mem, 0);
    wsm__ws peer;
    wsm__ws_init(&peer, &mem, pool, &any, f->link.masked);
    wsm__ws_event event;
    size_t used;
    assert_int_equal(wsm__ws_recv(&peer, bytes.ptr, bytes.len, &used, &event), 0);
    assert_int_equal(used, bytes.len);
    assert_true(event.kind != WSM__WS_NONE && event.kind != WSM__WS_ERROR);
    build_event(&f->out, letters[event.kind], event.code, event.payload.ptr, event.payload.len);
    wsm__ws_fini(&peer);
    wsm__ws_pool_free(pool);
}

/* Hand out all that the link will give, and count it as written. */
static bool write_out(fixture *f, bool data_waiting) {
    bool closes = false, is_close;
    wsm__frame *frame;
    while ((frame = wsm__link_take(&f->link, data_waiting, &is_close))) {
        assert_false(closes);
        closes = is_close;
        read_out(f, wsm__frame_bytes(frame));
        wsm__frame_unref(frame);
    }
    wsm__link_wrote(&f->link, true);
    return closes;
}

static void expect(build *got, const char *script) {
    build wanted = {0};
    build_put(&wanted, "", 1);
    wanted.len = 0;
    build_events(&wanted, script);
    if (got->len != wanted.len || (got->len > 0 && memcmp(got->ptr, wanted.ptr, got->len) != 0)) {
        fail_msg("got '%.*s', wanted '%.*s'", (int)got->len, (const char *)got->ptr, (int)wanted.len,
                 (const char *)wanted.ptr);
    }
    got->len = 0;
    build_free(&wanted);
}

static bool tick(fixture *f, uint64_t now, uint64_t next) {
    bool pinged;
    f->now = now;
    assert_int_equal(wsm__link_tick(&f->link, now, f->waits, &pinged), next);
    return pinged;
}

/* ---- messages and pings ---- */

static void messages_come_out_and_control_frames_do_not(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    receive(&f, "T:a P:x B:%ff O:y t:b P c:c C:d");
    expect(&f.in, "T:a B:%ff T:bcd");
    assert_int_equal(f.link.pings_in, 2);
    assert_int_equal(f.link.pongs_in, 1);
    teardown(&f);
}

static void a_ping_is_answered_with_its_payload(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    assert_false(wsm__link_has_control(&f.link));
    receive(&f, "P:x%00%ff P");
    assert_true(wsm__link_has_control(&f.link));
    assert_false(write_out(&f, true));
    expect(&f.out, "O:x%00%ff O");
    assert_false(wsm__link_has_control(&f.link));
    teardown(&f);
}

static void a_client_masks_its_pongs_afresh(void **state) {
    (void)state;
    fixture f;
    setup_client(&f);
    receive(&f, "P:x P:x");
    bool is_close;
    wsm__frame *first = wsm__link_take(&f.link, false, &is_close);
    wsm__frame *second = wsm__link_take(&f.link, false, &is_close);
    assert_int_equal((unsigned char)wsm__frame_bytes(first).ptr[1], 0x81);
    assert_memory_not_equal(wsm__frame_bytes(first).ptr + 2, wsm__frame_bytes(second).ptr + 2, 4);
    read_out(&f, wsm__frame_bytes(first));
    expect(&f.out, "O:x");
    wsm__frame_unref(first);
    wsm__frame_unref(second);
    teardown(&f);
}

static void ten_pings_in_a_row_are_all_answered(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    receive(&f, "P:0 P:1 P:2 P:3 P:4 P:5 P:6 P:7 P:8 P:9");
    write_out(&f, false);
    expect(&f.out, "O:0 O:1 O:2 O:3 O:4 O:5 O:6 O:7 O:8 O:9");
    teardown(&f);
}

static void beyond_sixteen_waiting_pongs_only_the_newest_ping_counts(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    receive(&f, "P:0 P:1 P:2 P:3 P:4 P:5 P:6 P:7 P:8 P:9 P:a P:b P:c P:d P:e P:f P:g P:h P:i");
    assert_int_equal(f.link.pongs, WSM__LINK_PONGS);
    write_out(&f, false);
    expect(&f.out, "O:0 O:1 O:2 O:3 O:4 O:5 O:6 O:7 O:8 O:9 O:a O:b O:c O:d O:e O:i");
    assert_int_equal(f.link.pongs, 0);
    teardown(&f);
}

static void a_flood_of_control_frames_is_closed_with_1008(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    receive(&f, "P P P P P P P P P P O O O O O O O O O O T:a");
    expect(&f.in, "T:a");
    write_out(&f, false);
    f.out.len = 0;
    receive(&f, "O T:b");
    expect(&f.in, "X1008");
    assert_true(f.saw_why);
    assert_true(write_out(&f, true));
    expect(&f.out, "X1008:policy");
    assert_int_equal(f.link.state, WSM__LINK_DEAD);
    teardown(&f);
}

static void control_frames_are_allowed_at_their_rate(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    for (int i = 0; i < 200; i++, f.now += 100) receive(&f, "P:x");
    expect(&f.in, "");
    assert_int_equal(f.link.pings_in, 200);
    assert_int_equal(f.link.state, WSM__LINK_OPEN);
    teardown(&f);
}

/* ---- closing ---- */

static void the_peers_close_is_answered_with_its_code(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    receive(&f, "T:a X4000:bye T:b");
    expect(&f.in, "T:a X4000:bye");
    assert_false(f.saw_why);
    assert_int_equal(f.link.state, WSM__LINK_CLOSE_BOTH);
    assert_true(write_out(&f, true));
    expect(&f.out, "X4000");
    assert_int_equal(f.link.state, WSM__LINK_DEAD);
    assert_int_equal(f.link.code_recv, 4000);
    assert_int_equal(f.link.code_sent, 4000);
    teardown(&f);
}

static void a_close_without_a_code_is_answered_without_one(void **state) {
    (void)state;
    fixture f;
    setup_client(&f);
    receive(&f, "X");
    expect(&f.in, "X1005");
    write_out(&f, false);
    expect(&f.out, "X1005");
    assert_int_equal(f.link.state, WSM__LINK_DEAD);
    teardown(&f);
}

static void our_close_waits_for_the_peers(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__link_close(&f.link, 1001, wsm__slice_str("shutdown"), f.now);
    assert_int_equal(f.link.state, WSM__LINK_CLOSE_QUEUED);
    assert_true(write_out(&f, false));
    expect(&f.out, "X1001:shutdown");
    assert_int_equal(f.link.state, WSM__LINK_CLOSE_QUEUED);

    receive(&f, "T:late X1001");
    expect(&f.in, "T:late X1001");
    assert_int_equal(f.link.state, WSM__LINK_DEAD);
    assert_false(wsm__link_has_control(&f.link));
    teardown(&f);
}

static void both_may_close_at_once(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__link_close(&f.link, 1000, wsm__slice_str("normal"), f.now);
    receive(&f, "X4001");
    assert_int_equal(f.link.state, WSM__LINK_CLOSE_BOTH);
    assert_true(write_out(&f, true));
    expect(&f.out, "X1000:normal");
    assert_int_equal(f.link.state, WSM__LINK_DEAD);
    teardown(&f);
}

static void closing_twice_does_nothing(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__link_close(&f.link, 1000, wsm__slice_str("first"), f.now);
    wsm__link_close(&f.link, 1001, wsm__slice_str("second"), f.now + 100);
    write_out(&f, false);
    expect(&f.out, "X1000:first");
    assert_int_equal(f.link.close_by, f.now + 5000);
    teardown(&f);
}

static void a_clean_close_lets_data_go_first(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__link_close(&f.link, 1000, wsm__slice_str(""), f.now);
    receive(&f, "P:x");
    assert_false(write_out(&f, true));
    expect(&f.out, "O:x");
    assert_true(wsm__link_has_control(&f.link));
    assert_true(write_out(&f, false));
    expect(&f.out, "X1000");
    teardown(&f);
}

static void nothing_follows_our_close_frame(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__link_close(&f.link, 1000, wsm__slice_str(""), f.now);
    write_out(&f, false);
    f.out.len = 0;
    receive(&f, "P:x");
    write_out(&f, false);
    expect(&f.out, "");
    teardown(&f);
}

static void an_offence_is_told_and_closes_at_once(void **state) {
    (void)state;
    static const struct {
        const char *in, *event, *out;
    } rows[] = {
        {"R4T:a T:b", "X1002", "X1002:protocol"},       {"T:%ff", "X1007", "X1007:bad_data"},
        {"L8B*10001", "X1002", "X1002:protocol"},       {"B*10001", "X1009", "X1009:too_big"},
        {"t c c c c c c c C", "X1008", "X1008:policy"}, {"X1005", "X1002", "X1002:protocol"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        setup(&f);
        receive(&f, rows[i].in);
        expect(&f.in, rows[i].event);
        assert_true(f.saw_why);
        assert_true(write_out(&f, true));
        expect(&f.out, rows[i].out);
        assert_int_equal(f.link.state, WSM__LINK_DEAD);
        receive(&f, "T:ignored X1000");
        expect(&f.in, "");
        teardown(&f);
    }
}

static void an_offence_after_our_close_ends_it(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__link_close(&f.link, 1000, wsm__slice_str("normal"), f.now);
    write_out(&f, false);
    expect(&f.out, "X1000:normal");
    receive(&f, "N3");
    expect(&f.in, "X1002");
    assert_int_equal(f.link.state, WSM__LINK_DEAD);
    assert_false(wsm__link_has_control(&f.link));
    teardown(&f);
}

static void a_long_reason_is_cut_between_characters(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    char reason[200];
    memset(reason, 'x', sizeof reason);
    memcpy(reason + 121, "\xe2\x82\xac", 3);
    wsm__link_close(&f.link, 1000, wsm__slice(reason, sizeof reason), f.now);
    bool is_close;
    wsm__frame *frame = wsm__link_take(&f.link, false, &is_close);
    assert_int_equal(wsm__frame_payload(frame).len, 2 + 121);
    wsm__frame_unref(frame);
    teardown(&f);
}

static void a_reason_of_just_the_limit_stays_whole(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    char reason[123];
    memset(reason, 'x', sizeof reason);
    memcpy(reason + 120, "\xe2\x82\xac", 3);
    wsm__link_close(&f.link, 1000, wsm__slice(reason, sizeof reason), f.now);
    bool is_close;
    wsm__frame *frame = wsm__link_take(&f.link, false, &is_close);
    assert_int_equal(wsm__frame_payload(frame).len, 125);
    wsm__frame_unref(frame);
    teardown(&f);
}

static void a_peer_that_never_closes_is_cut_in_time(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wsm__link_close(&f.link, 1000, wsm__slice_str(""), 1000);
    write_out(&f, false);
    tick(&f, 1000, 6000);
    tick(&f, 5999, 6000);
    assert_int_equal(f.link.state, WSM__LINK_CLOSE_QUEUED);
    tick(&f, 6000, UINT64_MAX);
    assert_int_equal(f.link.state, WSM__LINK_DEAD);
    teardown(&f);
}

static void a_peer_that_never_reads_our_answer_is_cut_in_time(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    receive(&f, "X1000");
    tick(&f, 5999, 6000);
    assert_int_equal(f.link.state, WSM__LINK_CLOSE_BOTH);
    tick(&f, 6000, UINT64_MAX);
    assert_int_equal(f.link.state, WSM__LINK_DEAD);
    teardown(&f);
}

/* ---- time ---- */

static void silence_is_pinged_and_three_strikes_close(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    assert_false(tick(&f, 30999, 31000));
    assert_true(tick(&f, 31000, 61000));
    write_out(&f, false);
    assert_true(tick(&f, 61000, 91000));
    write_out(&f, false);
    assert_true(tick(&f, 91000, 121000));
    write_out(&f, false);
    expect(&f.out, "P:%00%00%00%00%00%00%00%01 P:%00%00%00%00%00%00%00%02 P:%00%00%00%00%00%00%00%03");
    assert_false(tick(&f, 121000, 126000));
    assert_true(write_out(&f, true));
    expect(&f.out, "X4012:heartbeat_timeout");
    teardown(&f);
}

static void any_byte_ends_the_silence(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    tick(&f, 31000, 61000);
    tick(&f, 61000, 91000);
    tick(&f, 91000, 121000);
    assert_int_equal(f.link.strikes, 2);
    f.now = 120000;
    receive(&f, "#81");
    assert_int_equal(f.link.strikes, 0);
    tick(&f, 121000, 150000); /* the byte began a message, and the silence anew; both end at 150 000 */
    assert_int_equal(f.link.state, WSM__LINK_OPEN);
    teardown(&f);
}

static void an_interval_in_which_waiting_output_went_is_no_strike(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    f.waits = true;
    wsm__link_wrote(&f.link, false);
    tick(&f, 31000, 61000); /* the first ping, behind what waits */
    for (uint64_t at = 61000; at <= 361000; at += 30000) {
        wsm__link_wrote(&f.link, false);
        tick(&f, at, at + 30000);
    }
    assert_int_equal(f.link.strikes, 0);
    tick(&f, 391000, 421000); /* it waits, and nothing went */
    assert_int_equal(f.link.strikes, 1);
    f.waits = false;
    wsm__link_wrote(&f.link, false);
    tick(&f, 421000, 451000);
    assert_int_equal(f.link.strikes, 1);
    wsm__link_wrote(&f.link, false); /* nothing waited before: what the transport took at once proves nothing */
    tick(&f, 451000, 481000);
    assert_int_equal(f.link.strikes, 2);
    tick(&f, 481000, 486000);
    assert_int_equal(f.link.code_sent, 4012);
    teardown(&f);
}

static void jitter_moves_the_ping(void **state) {
    (void)state;
    fixture f;
    prepare(&f);
    assert_int_equal(open_link(&f, false, -3000), 0);
    tick(&f, 27999, 28000);
    assert_true(tick(&f, 28000, 55000));
    teardown(&f);
}

static void a_late_tick_is_one_heartbeat(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    assert_true(tick(&f, 1000000, 1030000));
    assert_int_equal(f.link.pings_out, 1);
    assert_int_equal(f.link.strikes, 0);
    teardown(&f);
}

static void pings_do_not_pile_up_behind_a_stalled_peer(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    f.limits.ping_strikes = 0;
    for (uint64_t i = 1; i <= 100; i++) tick(&f, 1000 + i * 30000, 31000 + i * 30000);
    assert_int_equal(f.link.control.count, 1);
    assert_int_equal(f.link.state, WSM__LINK_OPEN);
    teardown(&f);
}

static void no_interval_means_no_heartbeat(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    f.limits.ping_interval_ms = 0;
    assert_false(tick(&f, 10000000, UINT64_MAX));
    teardown(&f);
}

static void a_closing_link_has_no_heartbeat(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    f.limits.close_timeout_ms = 100000;
    wsm__link_close(&f.link, 1000, wsm__slice_str(""), 1000);
    assert_false(tick(&f, 31000, 101000));
    teardown(&f);
}

static void the_pong_to_our_ping_measures_the_way(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    tick(&f, 31000, 61000);
    f.now = 31080;
    receive(&f, "O:other O");
    assert_int_equal(f.link.rtt_ms, 0);
    receive(&f, "O:%00%00%00%00%00%00%00%01");
    assert_int_equal(f.link.rtt_ms, 80);
    f.now = 31500;
    receive(&f, "O:%00%00%00%00%00%00%00%01"); /* once only */
    assert_int_equal(f.link.rtt_ms, 80);
    write_out(&f, false);

    tick(&f, 61500, 91500);
    f.now = 61660;
    receive(&f, "O:%00%00%00%00%00%00%00%02");
    assert_int_equal(f.link.rtt_ms, 90);
    teardown(&f);
}

static void a_message_must_be_whole_in_time(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    f.limits.ping_interval_ms = 0;
    receive(&f, "t:a");
    f.now = 20000;
    receive(&f, "P:x c:b");
    tick(&f, 30999, 31000);
    assert_int_equal(f.link.state, WSM__LINK_OPEN);
    tick(&f, 31000, 36000);
    write_out(&f, true);
    expect(&f.out, "O:x X1008:policy");
    teardown(&f);
}

static void every_message_has_its_own_time(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    f.limits.ping_interval_ms = 0;
    receive(&f, "t:a");
    f.now = 30000;
    receive(&f, "C:b t:c");
    tick(&f, 31000, 60000);
    f.now = 32000;
    receive(&f, "C:d");
    tick(&f, 60000, UINT64_MAX);
    expect(&f.in, "T:ab T:cd");
    teardown(&f);
}

/* ---- without memory ---- */

static void without_random_bytes_a_client_closes_by_its_reserve(void **state) {
    (void)state;
    fixture f;
    setup_client(&f);
    f.dice = 0xff;
    receive(&f, "P:x");
    expect(&f.in, "X1013");
    assert_true(write_out(&f, true));
    expect(&f.out, "X1013:overload");
    assert_int_equal(f.link.state, WSM__LINK_DEAD);
    teardown(&f);
}

static void without_random_bytes_no_client_begins(void **state) {
    (void)state;
    fixture f;
    prepare(&f);
    f.dice = 0xff;
    size_t before = atomic_load(&f.mem.used);
    assert_int_equal(open_link(&f, true, 0), WSM_ERR_NOMEM);
    assert_int_equal(atomic_load(&f.mem.used), before);
    teardown(&f);
}

static void a_close_without_memory_uses_the_reserve(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    f.fault.fail_at = atomic_load(&f.fault.calls) + 1;
    wsm__link_close(&f.link, 1000, wsm__slice_str("bye"), f.now);
    write_out(&f, false);
    expect(&f.out, "X1013:overload");
    assert_int_equal(f.link.code_sent, 1013);
    teardown(&f);
}

static void a_ping_without_memory_still_counts_the_silence(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    f.fault = (test_mem){.live = atomic_load(&f.fault.live), .fail_at = 1, .fail_forever = 1};
    assert_false(tick(&f, 31000, 61000));
    assert_false(tick(&f, 61000, 91000));
    assert_int_equal(f.link.strikes, 1);
    teardown(&f);
}

/* A server's life from its first byte to the end, with one allocation failing: it ends by itself or closes with 1013.
 */
static void each_failing_allocation_closes_with_1013(void **state) {
    (void)state;
    for (size_t n = 1;; n++) {
        fixture f;
        prepare(&f);
        f.fault = (test_mem){.live = atomic_load(&f.fault.live), .fail_at = n};
        if (open_link(&f, false, 0) == 0) {
            receive(&f, "T:a P:x t*5000 P:y C*4000 B:b");
            tick(&f, 31000, f.link.state == WSM__LINK_OPEN ? 61000 : UINT64_MAX);
            receive(&f, "X1000");
            write_out(&f, true);
            assert_int_equal(f.link.state, WSM__LINK_DEAD);
            if (f.link.code_sent != 1000) assert_int_equal(f.link.code_sent, 1013);
            if (!test_mem_has_failed(&f.fault)) assert_int_equal(f.link.code_sent, 1000);
        }
        bool failed = test_mem_has_failed(&f.fault);
        teardown(&f);
        if (!failed) break;
    }
}

/* ---- cuts ---- */

static void input_cut_anyhow_yields_the_same(void **state) {
    (void)state;
    static const char *const scripts[] = {
        "T:a P:x t:b P:y C:c B X1000:bye T:d",
        "P P P P P P P P P P P P P P P P P P P P P T:a",
        "T:a P:x t:b T:c X1000",
        "X",
    };
    for (size_t s = 0; s < sizeof scripts / sizeof *scripts; s++) {
        build bytes = {0};
        build_frames(&bytes, scripts[s], true);
        fixture whole;
        setup(&whole);
        receive_bytes(&whole, bytes.ptr, bytes.len);
        write_out(&whole, true);
        for (size_t step = 1; step < bytes.len; step++) {
            fixture cut;
            setup(&cut);
            for (size_t at = 0; at < bytes.len; at += step) {
                receive_bytes(&cut, bytes.ptr + at, bytes.len - at < step ? bytes.len - at : step);
            }
            write_out(&cut, true);
            assert_int_equal(cut.in.len, whole.in.len);
            if (whole.in.len > 0) assert_memory_equal(cut.in.ptr, whole.in.ptr, whole.in.len);
            assert_int_equal(cut.out.len, whole.out.len);
            assert_memory_equal(cut.out.ptr, whole.out.ptr, whole.out.len);
            assert_int_equal(cut.link.state, whole.link.state);
            teardown(&cut);
        }
        teardown(&whole);
        build_free(&bytes);
    }
}

static void an_end_at_any_time_leaves_nothing(void **state) {
    (void)state;
    static const char *const scripts[] = {"", "P:x P:y", "t*9000", "#8185", "t:a P:x X1000", "N3", "T*5000"};
    for (size_t s = 0; s < sizeof scripts / sizeof *scripts; s++) {
        fixture f;
        setup(&f);
        receive(&f, scripts[s]);
        wsm__link_close(&f.link, 1000, wsm__slice_str(""), f.now);
        teardown(&f);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_and_control_frames_do_not),
        cmocka_unit_test(a_ping_is_answered_with_its_payload),
        cmocka_unit_test(a_client_masks_its_pongs_afresh),
        cmocka_unit_test(ten_pings_in_a_row_are_all_answered),
        cmocka_unit_test(beyond_sixteen_waiting_pongs_only_the_newest_ping_counts),
        cmocka_unit_test(a_flood_of_control_frames_is_closed_with_1008),
        cmocka_unit_test(control_frames_are_allowed_at_their_rate),
        cmocka_unit_test(the_peers_close_is_answered_with_its_code),
        cmocka_unit_test(a_close_without_a_code_is_answered_without_one),
        cmocka_unit_test(our_close_waits_for_the_peers),
        cmocka_unit_test(both_may_close_at_once),
        cmocka_unit_test(closing_twice_does_nothing),
        cmocka_unit_test(a_clean_close_lets_data_go_first),
        cmocka_unit_test(nothing_follows_our_close_frame),
        cmocka_unit_test(an_offence_is_told_and_closes_at_once),
        cmocka_unit_test(an_offence_after_our_close_ends_it),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
        cmocka_unit_test(a_reason_of_just_the_limit_stays_whole),
        cmocka_unit_test(a_peer_that_never_closes_is_cut_in_time),
        cmocka_unit_test(a_peer_that_never_reads_our_answer_is_cut_in_time),
        cmocka_unit_test(silence_is_pinged_and_three_strikes_close),
        cmocka_unit_test(any_byte_ends_the_silence),
        cmocka_unit_test(an_interval_in_which_waiting_output_went_is_no_strike),
        cmocka_unit_test(jitter_moves_the_ping),
        cmocka_unit_test(a_late_tick_is_one_heartbeat),
        cmocka_unit_test(pings_do_not_pile_up_behind_a_stalled_peer),
        cmocka_unit_test(no_interval_means_no_heartbeat),
        cmocka_unit_test(a_closing_link_has_no_heartbeat),
        cmocka_unit_test(the_pong_to_our_ping_measures_the_way),
        cmocka_unit_test(a_message_must_be_whole_in_time),
        cmocka_unit_test(every_message_has_its_own_time),
        cmocka_unit_test(without_random_bytes_a_client_closes_by_its_reserve),
        cmocka_unit_test(without_random_bytes_no_client_begins),
        cmocka_unit_test(a_close_without_memory_uses_the_reserve),
        cmocka_unit_test(a_ping_without_memory_still_counts_the_silence),
        cmocka_unit_test(each_failing_allocation_closes_with_1013),
        cmocka_unit_test(input_cut_anyhow_yields_the_same),
        cmocka_unit_test(an_end_at_any_time_leaves_nothing),
    };
    return cmocka_run_group_tests_name("wire_link", tests, NULL, NULL);
}
