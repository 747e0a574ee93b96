/* lib/client/news.c: what a host may do inside its callbacks, and in which order it hears of the end. */
#include "client_world.h"

#include "wsm/error.h"

#define RECORD "{\"type\":\"memory_update\",\"offset\":9,\"exchange\":1}"

/* A whole life, in one piece of bytes where it can be, with whatever the world does in its callbacks. */
static void live(world *w) {
    assert_int_equal(world_new(w), 0);
    size_t len;
    char *answer = server_answer(w, w->config.plain ? NULL : "wsm.v1", &len);
    char bytes[2048];
    memcpy(bytes, answer, len);
    free(answer);
    const char *const texts[] = {WELCOME, RECORD};
    for (size_t i = 0; i < 2; i++) {
        size_t text_len = strlen(texts[i]);
        bytes[len] = '\x81';
        bytes[len + 1] = (char)text_len;
        memcpy(bytes + len + 2, texts[i], text_len);
        len += 2 + text_len;
    }
    memcpy(bytes + len, "\x88\x02\x03\xe8", 4);
    world_feed(w, bytes, len + 4);
}

static void a_client_may_be_freed_in_any_callback(void **state) {
    (void)state;
    static const struct {
        world_call call;
        int plain;
        const char *log;
    } cases[] = {
        {CALL_WAITING, 1, NULL},
        {CALL_OPEN, 1, "open\n"},
        {CALL_DATA, 1, NULL},
        {CALL_CUT, 1, NULL},
        {CALL_CLOSE, 1, NULL},
        {CALL_WAITING, 0, NULL},
        {CALL_MESSAGE, 0, "message welcome\n"},
        {CALL_OPEN, 0, "message welcome\nopen\n"},
        {CALL_CUT, 0, "message welcome\nopen\nmessage memory_update 9\ncut\n"},
        {CALL_CLOSE, 0, "message welcome\nopen\nmessage memory_update 9\ncut\nclose 1000 \n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        world_init(&w);
        w.config.plain = cases[i].plain;
        w.free_in = cases[i].call;
        live(&w);
        assert_null(w.client);
        assert_int_equal(w.mem.live, 0);
        if (cases[i].log) assert_string_equal(w.log, cases[i].log);
        world_fini(&w);
    }
}

static void a_refused_client_may_be_freed_when_it_hears_of_it(void **state) {
    (void)state;
    static const world_call calls[] = {CALL_REFUSED, CALL_CUT, CALL_CLOSE};
    static const char *const logs[] = {"refused 401 \n", "refused 401 \ncut\n", "refused 401 \ncut\nclose 1006 \n"};
    for (size_t i = 0; i < 3; i++) {
        world w;
        world_init(&w);
        w.free_in = calls[i];
        assert_int_equal(world_new(&w), 0);
        world_feed(&w, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", 38);
        assert_null(w.client);
        assert_string_equal(w.log, logs[i]);
        world_fini(&w);
    }
}

static void a_client_may_be_closed_in_any_callback(void **state) {
    (void)state;
    static const world_call calls[] = {CALL_WAITING, CALL_OPEN, CALL_MESSAGE, CALL_CUT, CALL_CLOSE};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        world w;
        world_init(&w);
        w.close_in = calls[i];
        live(&w);
        const char *end = strstr(w.log, "cut\nclose 1000 \n");
        assert_non_null(end);
        assert_string_equal(end, "cut\nclose 1000 \n");
        world_fini(&w);
    }
}

static void the_transport_may_go_in_any_callback(void **state) {
    (void)state;
    static const struct {
        world_call call;
        const char *log;
    } cases[] = {
        {CALL_OPEN, "message welcome\nopen\nclose 1006 \n"},
        {CALL_MESSAGE, "message welcome\nclose 1006 \n"},
        {CALL_CUT, "message welcome\nopen\nmessage memory_update 9\ncut\nclose 1000 \n"},
        {CALL_CLOSE, "message welcome\nopen\nmessage memory_update 9\ncut\nclose 1000 \n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        world_init(&w);
        w.closed_in = cases[i].call;
        live(&w);
        assert_string_equal(w.log, cases[i].log);
        world_fini(&w);
    }
}

/* ---- calls from inside
 * ------------------------------------------------------------------------------------------------ */

static int inside_ticks;

static void tick_inside(void *user, wsm_client *client, wsm_data type, const void *bytes, size_t len) {
    world *w = user;
    (void)type;
    w->now += 100000;
    assert_int_equal(wsm_client_tick(client), 0);
    assert_int_equal(wsm_client_recv(client, bytes, len), WSM_ERR_REENTRANT);
    assert_int_equal(wsm_client_send(client, WSM_DATA_TEXT, bytes, len), 0);
    assert_false(w->told); /* once, when the call that led here returns */
    world_note(w, "tick\n");
    inside_ticks++;
}

static void calls_from_inside_are_served_or_refused(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.config.plain = 1;
    w.host.on_data = tick_inside;
    world_open_up(&w);
    inside_ticks = 0;
    world_feed(&w,
               "\x81\x01"
               "a\x81\x01"
               "b",
               6);
    assert_int_equal(inside_ticks, 2);
    server_expect(&w, 0x1, "a", 1);
    server_expect(&w, 0x1, "b", 1);
    world_fini(&w);
}

static void write_at_once(void *user, wsm_client *client) {
    world *w = user;
    (void)client;
    w->told = true;
    world_flush(w);
}

static void a_host_may_write_inside_bytes_waiting(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.config.plain = 1;
    w.host.bytes_waiting = write_at_once;
    world_open_up(&w);
    wsm_client_send(w.client, WSM_DATA_TEXT, "x", 1);
    server_expect(&w, 0x1, "x", 1);
    server_close(&w, 1001, "");
    server_expect_close(&w, 1001);
    assert_string_equal(w.log, "open\ncut\nclose 1001 \n");
    world_fini(&w);
}

static void a_host_need_not_listen(void **state) {
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        world w;
        world_init(&w);
        w.config.plain = plain;
        w.host.on_open = NULL;
        w.host.on_message = NULL;
        w.host.on_data = NULL;
        w.host.on_close = NULL;
        w.host.on_refused = NULL;
        live(&w);
        assert_string_equal(w.log, "cut\n");
        world_fini(&w);
    }
    world w;
    world_init(&w);
    w.host.on_refused = NULL;
    assert_int_equal(world_new(&w), 0);
    world_feed(&w, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", 38);
    assert_string_equal(w.log, "cut\nclose 1006 \n");
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_may_be_freed_in_any_callback),
        cmocka_unit_test(a_refused_client_may_be_freed_when_it_hears_of_it),
        cmocka_unit_test(a_client_may_be_closed_in_any_callback),
        cmocka_unit_test(the_transport_may_go_in_any_callback),
        cmocka_unit_test(calls_from_inside_are_served_or_refused),
        cmocka_unit_test(a_host_may_write_inside_bytes_waiting),
        cmocka_unit_test(a_host_need_not_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
