/* libwsm-uv without TLS: echoes of all sizes, the ways in which connections end, what cannot be opened, and a hub that
 * is called from another thread. */
#define _GNU_SOURCE /* memmem */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include "uv_world.h"

#define MANY   200
#define SECRET "an integration test's secret of at least 32 bytes"

/* ---- echo -------------------------------------------------------------------------------------------------------- */

static void echo_of(size_t len) {
    world w;
    peer p = {.want = len, .close_in_data = 1};
    world_init(&w);
    world_open(&w);
    peer_connect(&w, &p, "127.0.0.1", NULL);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.got, len);
    assert_true(p.intact);
    assert_int_equal(p.code, 1000);
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    peer_fini(&w, &p);
    world_close(&w);
}

static void one_byte_comes_back(void **state) {
    (void)state;
    echo_of(1);
}

static void a_message_of_64_kib_comes_back(void **state) {
    (void)state;
    echo_of(64u << 10);
}

static void a_message_of_16_mib_comes_back(void **state) {
    (void)state;
    echo_of(16u << 20);
}

static void many_connections_share_a_loop(void **state) {
    (void)state;
    world w;
    peer *p = calloc(MANY, sizeof *p);
    world_init(&w);
    w.at.accepts_per_turn = 7; /* not a divisor: the last turn takes fewer */
    world_open(&w);
    for (int i = 0; i < MANY; i++) {
        p[i].want = 1000 + (size_t)i;
        p[i].close_in_data = 1;
        peer_connect(&w, &p[i], "localhost", NULL);
    }
    assert_true(run_until(&w, &w.closed, MANY, PATIENCE_MS));
    for (int i = 0; i < MANY; i++) {
        assert_true(run_until(&w, &p[i].closed, 1, PATIENCE_MS));
        assert_int_equal(p[i].got, p[i].want);
        peer_fini(&w, &p[i]);
    }
    assert_int_equal(w.opened, MANY);
    free(p);
    world_close(&w);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static _Atomic int name_is_ambiguous;

/* As the C library's, and when it is told so, the name is first that of a place where nobody listens. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo"); /* as POSIX has it */
    struct addrinfo *first = NULL;
    int err = name_is_ambiguous ? real("127.0.0.2", port, hints, &first) : 0;
    if (!err) err = real(host, port, hints, found);
    if (err || !first) return err;
    struct addrinfo *last = first;
    while (last->ai_next) last = last->ai_next;
    last->ai_next = *found; /* each entry is freed by itself */
    *found = first;
    return 0;
}

/* On most machines localhost is ::1 before it is 127.0.0.1. */
static void the_next_address_is_tried_and_the_first_one_s_failure_forgotten(void **state) {
    (void)state;
    world w;
    peer p = {.want = 1, .close_in_data = 1};
    world_init(&w);
    world_open(&w);
    name_is_ambiguous = 1;
    peer_connect(&w, &p, "127.0.0.1", NULL);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    name_is_ambiguous = 0;
    assert_int_equal(p.got, 1);
    assert_string_equal(p.error, "");
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    peer_fini(&w, &p);
    world_close(&w);
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static void a_half_closed_peer_still_gets_its_answer(void **state) {
    (void)state;
    world w;
    char got[4096];
    int over;
    world_init(&w);
    world_open(&w);
    int fd = raw_connect(&w, 0);
    raw_upgrade(fd);
    raw_send(fd, hello_frame, sizeof hello_frame);
    shutdown(fd, SHUT_WR);
    size_t len = raw_read(&w, fd, got, sizeof got, &over);
    assert_int_equal(over, 1);
    assert_true(len > 7);
    assert_non_null(memmem(got, len, "\x81\x05hello", 7));
    close(fd);
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    world_close(&w);
}

/* The rest of the request is still on its way: a socket that was simply closed would answer it with a reset. */
static void a_refusal_arrives_though_more_input_follows(void **state) {
    (void)state;
    world w;
    char got[4096], junk[100000];
    int over;
    world_init(&w);
    world_open(&w);
    int fd = raw_connect(&w, 0);
    memset(junk, 'x', sizeof junk);
    raw_send(fd, "BREW / HTTP/9.9\r\n\r\n", 19);
    while (send(fd, junk, sizeof junk, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    } /* as much as the kernel takes */
    size_t len = raw_read(&w, fd, got, sizeof got, &over);
    assert_int_equal(over, 1);
    assert_true(len > 12);
    assert_memory_equal(got, "HTTP/1.1 ", 9);
    close(fd);
    world_close(&w);
}

static void a_peer_that_vanishes_under_a_long_write_is_closed_once(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.push = 8u << 20;
    world_open(&w);
    int fd = raw_connect(&w, 4096);
    raw_upgrade(fd);
    raw_send(fd, hello_frame, sizeof hello_frame);
    assert_true(run_until(&w, &w.opened, 1, PATIENCE_MS));
    run_for(&w, 100);
    close(fd); /* with unread input: a reset */
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    run_for(&w, 50);
    assert_int_equal(w.closed, 1);
    world_close(&w);
}

static void a_peer_that_does_not_read_is_cut_in_time(void **state) {
    (void)state;
    world w;
    world_init(&w);
    w.push = 8u << 20;
    w.config.stall_timeout_ms = 200;
    world_open(&w);
    int fd = raw_connect(&w, 4096);
    raw_upgrade(fd);
    raw_send(fd, hello_frame, sizeof hello_frame);
    assert_true(run_until(&w, &w.opened, 1, PATIENCE_MS));
    assert_true(run_until(&w, &w.closed, 1, 8000));
    close(fd);
    world_close(&w);
}

/* As above, but the peer starts to read when the hub has given it up: what libuv still writes must be there. */
static void a_peer_that_reads_too_late_breaks_nothing(void **state) {
    (void)state;
    world w;
    static char sink[1 << 20];
    world_init(&w);
    w.push = 8u << 20;
    w.config.stall_timeout_ms = 200;
    world_open(&w);
    int fd = raw_connect(&w, 65536);
    raw_upgrade(fd);
    raw_send(fd, hello_frame, sizeof hello_frame);
    assert_true(run_until(&w, &w.opened, 1, PATIENCE_MS));
    run_for(&w, 400);
    for (int i = 0; i < 5000 && w.closed == 0; i++) {
        while (recv(fd, sink, sizeof sink, MSG_DONTWAIT) > 0) {
        }
        run_for(&w, 1);
    }
    assert_int_equal(w.closed, 1);
    close(fd);
    world_close(&w);
}

static void closing_in_a_callback_of_the_hub_is_legal(void **state) {
    (void)state;
    world w;
    peer p = {.want = 10};
    world_init(&w);
    w.close_in_data = 1;
    world_open(&w);
    peer_connect(&w, &p, "127.0.0.1", NULL);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.code, 1006);
    peer_fini(&w, &p);
    world_close(&w);
}

static void freeing_a_client_in_its_callbacks_is_legal(void **state) {
    (void)state;
    world w;
    peer in_data = {.want = 10, .free_in_data = 1}, in_close = {.want = 10, .close_in_data = 1, .free_in_close = 1};
    world_init(&w);
    world_open(&w);
    peer_connect(&w, &in_data, "127.0.0.1", NULL);
    peer_connect(&w, &in_close, "127.0.0.1", NULL);
    assert_true(run_until(&w, &w.closed, 2, PATIENCE_MS));
    assert_int_equal(in_data.messages, 1);
    assert_int_equal(in_data.closed, 0);
    assert_int_equal(in_close.closed, 1);
    peer_fini(&w, &in_data);
    peer_fini(&w, &in_close);
    world_close(&w);
}

static void a_client_can_be_freed_before_it_is_connected(void **state) {
    (void)state;
    world w;
    peer p = {0};
    world_init(&w);
    world_open(&w);
    peer_connect(&w, &p, "localhost", NULL);
    peer_fini(&w, &p);
    assert_int_equal(p.closed, 0);
    world_close(&w);
}

/* ---- what cannot be ---------------------------------------------------------------------------------------------- */

static void a_port_where_nobody_listens_ends_with_1006_and_a_sentence(void **state) {
    (void)state;
    world w;
    peer p = {0};
    world_init(&w);
    world_open(&w);
    assert_int_equal(peer_try(&w, &p, "ws://127.0.0.1:1/", NULL, NULL), 0);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.code, 1006);
    assert_int_equal(p.opened, 0);
    assert_non_null(strstr(p.error, "refused"));
    peer_fini(&w, &p);
    world_close(&w);
}

static void a_server_that_never_answers_is_given_up(void **state) {
    (void)state;
    world w;
    peer p = {0};
    wsm_client_config config;
    char url[64];
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 5), 0);
    getsockname(fd, (struct sockaddr *)&at, &len);
    world_init(&w);
    world_open(&w);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", ntohs(at.sin_port));
    wsm_client_config_init(&config, sizeof config);
    config.plain = 1;
    config.handshake_timeout_ms = 100;
    assert_int_equal(peer_try(&w, &p, url, NULL, &config), 0);
    assert_true(run_until(&w, &p.closed, 1, 5000));
    assert_int_equal(p.code, 1006);
    peer_fini(&w, &p);
    close(fd);
    world_close(&w);
}

static void urls_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const urls[] = {"",
                                       "http://127.0.0.1/",
                                       "ws:/127.0.0.1",
                                       "ws://",
                                       "ws:///path",
                                       "ws://user@127.0.0.1/",
                                       "ws://127.0.0.1:0/",
                                       "ws://127.0.0.1:65536/",
                                       "ws://127.0.0.1:80x/",
                                       "ws://127.0.0.1:/",
                                       "ws://[::1/",
                                       "ws://[::1]x/",
                                       "ws://[zz]/",
                                       "ws://127.0.0.1/a b",
                                       "ws://127.0.0.1/a#b",
                                       "ws://127.0.0.1/a\r\nX: y",
                                       "ws://a\r\nb/",
                                       "wss://localhost/"}; /* without tls_ca */
    world w;
    world_init(&w);
    world_open(&w);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        peer p = {0};
        assert_int_equal(peer_try(&w, &p, urls[i], NULL, NULL), WSM_ERR_INVALID);
        assert_null(p.uv);
        assert_int_equal(p.live, 0);
    }
    world_close(&w);
}

static void a_place_that_cannot_be_listened_at_is_told_with_a_sentence(void **state) {
    (void)state;
    world w;
    char why[256];
    world_init(&w);
    world_open(&w);
    uint16_t port = wsm_uv_port(w.uv);
    w.at.port = port;
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_STATE);
    assert_non_null(strstr(why, "in use"));
    assert_int_equal(wsm_uv_port(w.uv), port);
    w.at.address = "localhost";
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_INVALID);
    assert_non_null(strstr(why, "numeric"));
    w.at.address = "127.0.0.1";
    w.at.tls_cert = w.at.tls_key = "/nowhere/at/all.pem";
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_INVALID);
    assert_string_equal(why, "/nowhere/at/all.pem: No such file or directory");
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, NULL, 0), WSM_ERR_INVALID);
    w.at.tls_key = NULL;
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_INVALID);
    assert_non_null(strstr(why, "tls_cert and tls_key"));
    w.at.tls_cert = NULL;
    w.at.backlog = 0;
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_INVALID);
    assert_non_null(strstr(why, "backlog"));
    w.at.size = 1;
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_INVALID);
    assert_non_null(strstr(why, "size"));
    assert_int_equal(wsm_uv_listen(w.uv, NULL, why, sizeof why), WSM_ERR_INVALID);
    assert_string_not_equal(why, "");
    world_close(&w);
}

static void a_larger_listener_struct_is_taken_if_its_surplus_is_zero(void **state) {
    (void)state;
    struct {
        wsm_uv_listener known;
        uint64_t surplus;
    } later;
    world w;
    world_init(&w);
    world_open(&w);
    memset(&later, 0, sizeof later);
    wsm_uv_listener_init(&later.known, sizeof later);
    assert_int_equal(wsm_uv_listen(w.uv, &later.known, NULL, 0), 0);
    later.surplus = 1;
    assert_int_equal(wsm_uv_listen(w.uv, &later.known, NULL, 0), WSM_ERR_VERSION);
    world_close(&w);
}

/* ---- a hub ------------------------------------------------------------------------------------------------------- */

static void *broadcaster(void *arg) {
    world *w = arg;
    wsm_update update;
    wsm_update_init(&update, sizeof update);
    update.exchange = (wsm_slice){"{\"text\":\"from a thread\"}", 24};
    usleep(1500000); /* the hub has nothing to do by now, and the loop sleeps */
    w->sent_at = uv_hrtime();
    return (void *)(intptr_t)wsm_broadcast(w->hub, &update, 1);
}

static void mint(const world *w, char *out, size_t cap) {
    wsm_claims claims;
    wsm_key key;
    size_t len;
    wsm_key_init(&key, sizeof key);
    key.secret = SECRET;
    key.secret_len = sizeof SECRET - 1;
    assert_int_equal(wsm_hub_key_add(w->hub, &key), 0);
    uv_timeval64_t now;
    uv_gettimeofday(&now);
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){"ada", 3};
    claims.iat = now.tv_sec;
    claims.exp = now.tv_sec + 600;
    claims.permission = WSM_PERMISSION_ACTIVE;
    assert_int_equal(wsm_token_mint(&claims, &key, out, cap, &len), 0);
}

static void a_broadcast_of_another_thread_reaches_a_sleeping_client(void **state) {
    (void)state;
    world w;
    peer p = {0};
    wsm_client_config config;
    char token[4097], url[64];
    pthread_t thread;
    void *result = NULL;
    world_init(&w);
    w.at.plain = 0;
    world_open(&w);
    mint(&w, token, sizeof token);
    wsm_client_config_init(&config, sizeof config);
    config.token = token;
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws", wsm_uv_port(w.uv));
    assert_int_equal(peer_try(&w, &p, url, NULL, &config), 0);
    assert_true(run_until(&w, &p.opened, 1, PATIENCE_MS));
    assert_int_equal(pthread_create(&thread, NULL, broadcaster, &w), 0);
    for (int i = 0; i < 100 && !strstr(p.last, "from a thread"); i++) {
        int before = p.messages;
        assert_true(run_until(&w, &p.messages, before + 1, PATIENCE_MS));
    }
    uint64_t came_at = uv_hrtime();
    pthread_join(thread, &result);
    assert_null(result);
    assert_true(came_at - w.sent_at < 1000000000u);
    assert_non_null(strstr(p.last, "from a thread"));
    peer_fini(&w, &p);
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    world_close(&w);
}

static void a_client_without_a_token_is_refused_with_401(void **state) {
    (void)state;
    world w;
    peer p = {0};
    wsm_client_config config;
    char url[64];
    world_init(&w);
    w.at.plain = 0;
    world_open(&w);
    wsm_client_config_init(&config, sizeof config);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws", wsm_uv_port(w.uv));
    assert_int_equal(peer_try(&w, &p, url, NULL, &config), 0);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.refused, 401);
    peer_fini(&w, &p);
    world_close(&w);
    assert_int_equal(w.opened, 0);
}

/* Everything that waits is written before the transports go. */
static void a_shutdown_closes_its_clients_with_1001(void **state) {
    (void)state;
    world w;
    peer p = {0};
    world_init(&w);
    world_open(&w);
    peer_connect(&w, &p, "127.0.0.1", NULL);
    assert_true(run_until(&w, &p.opened, 1, PATIENCE_MS));
    assert_int_equal(wsm_hub_shutdown(w.hub, NULL), 0);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.code, 1001);
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    peer_fini(&w, &p);
    for (int i = 0; i < 100 && !wsm_hub_is_down(w.hub); i++) run_for(&w, 10);
    assert_true(wsm_hub_is_down(w.hub));
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_comes_back),
        cmocka_unit_test(a_message_of_64_kib_comes_back),
        cmocka_unit_test(a_message_of_16_mib_comes_back),
        cmocka_unit_test(many_connections_share_a_loop),
        cmocka_unit_test(the_next_address_is_tried_and_the_first_one_s_failure_forgotten),
        cmocka_unit_test(a_half_closed_peer_still_gets_its_answer),
        cmocka_unit_test(a_refusal_arrives_though_more_input_follows),
        cmocka_unit_test(a_peer_that_vanishes_under_a_long_write_is_closed_once),
        cmocka_unit_test(a_peer_that_does_not_read_is_cut_in_time),
        cmocka_unit_test(a_peer_that_reads_too_late_breaks_nothing),
        cmocka_unit_test(closing_in_a_callback_of_the_hub_is_legal),
        cmocka_unit_test(freeing_a_client_in_its_callbacks_is_legal),
        cmocka_unit_test(a_client_can_be_freed_before_it_is_connected),
        cmocka_unit_test(a_port_where_nobody_listens_ends_with_1006_and_a_sentence),
        cmocka_unit_test(a_server_that_never_answers_is_given_up),
        cmocka_unit_test(urls_that_are_none_are_refused),
        cmocka_unit_test(a_place_that_cannot_be_listened_at_is_told_with_a_sentence),
        cmocka_unit_test(a_larger_listener_struct_is_taken_if_its_surplus_is_zero),
        cmocka_unit_test(a_broadcast_of_another_thread_reaches_a_sleeping_client),
        cmocka_unit_test(a_client_without_a_token_is_refused_with_401),
        cmocka_unit_test(a_shutdown_closes_its_clients_with_1001),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
