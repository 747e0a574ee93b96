/* A hub and a client on a libuv loop, over real sockets, plain and with TLS, while any allocation fails, mbedTLS's and
 * wslay's, too: each call answers "no memory" or what follows is a closed connection, everything can be taken down, and
 * nothing is left. The same again then succeeds. libuv's own tables are spared: it ends the program when they cannot
 * grow. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "malloc_fault.h"
#include "wsm/uv.h"

#define TURN_MS   60 /* what an echo over loopback takes, and more */
#define ENDING_MS 20000

/* A handshake makes some 24 000 allocations, most of them alike: the numbers of a curve. */
#define TLS_EACH_UP_TO 60
#define TLS_STRIDE     97 /* then every so manieth; WSM_FAULT_STRIDE asks for another */

static char folder[64], cert[96], key[96]; /* cert "": without TLS */

typedef struct side {
    void *handle; /* first: wsm_uv * or wsm_uv_client * */
    int opened, echoed, closed, done;
} side;

typedef struct world {
    side server, client;
    uv_loop_t loop;
    uv_timer_t timer;
    int is_late;
    wsm_host host;
    wsm_hub *hub;
} world;

static void server_data(void *user, wsm_conn *conn, void *conn_user, wsm_data type, const void *bytes, size_t len) {
    (void)user, (void)conn_user;
    if (wsm_conn_send(conn, type, bytes, len, WSM_PRIORITY_NORMAL)) wsm_conn_close(conn, 1013, NULL);
}

static void client_open(void *user, wsm_client *client) {
    ((side *)user)->opened++;
    if (wsm_client_send(client, WSM_DATA_TEXT, "echo", 4)) wsm_client_close(client, 1013 + 3000, NULL);
}

static void client_data(void *user, wsm_client *client, wsm_data type, const void *bytes, size_t len) {
    (void)client, (void)type, (void)bytes;
    ((side *)user)->echoed += len == 4;
}

static void client_close(void *user, wsm_client *client, uint16_t code, wsm_slice reason) {
    (void)client, (void)code, (void)reason;
    ((side *)user)->closed++;
}

static void on_done(void *user) {
    ((side *)user)->done++;
}

static void on_time(uv_timer_t *timer) {
    ((world *)timer->data)->is_late = 1;
}

static void run(world *w, const int *flag, const int *other, uint64_t ms) {
    w->is_late = 0;
    uv_timer_start(&w->timer, on_time, ms, 0);
    while (!w->is_late && !*flag && !*other) uv_run(&w->loop, UV_RUN_ONCE);
    uv_timer_stop(&w->timer);
}

static int serve(world *w) {
    wsm_uv_listener at;
    wsm_config config;
    wsm_host_init(&w->host, sizeof w->host);
    w->host.on_data = server_data;
    wsm_config_init(&config, sizeof config);
    int err = wsm_uv_new((wsm_uv **)&w->server.handle, &w->loop, &w->host);
    if (!err) err = wsm_hub_new(&w->hub, &config, &w->host, NULL, &w->server);
    if (!err) err = wsm_uv_attach(w->server.handle, w->hub);
    wsm_uv_listener_init(&at, sizeof at);
    at.plain = 1;
    if (cert[0]) {
        at.tls_cert = cert;
        at.tls_key = key;
    }
    return err ? err : wsm_uv_listen(w->server.handle, &at, NULL, 0);
}

static int call(world *w) {
    wsm_client_config config;
    wsm_client_host host;
    char url[64];
    wsm_client_config_init(&config, sizeof config);
    wsm_client_host_init(&host, sizeof host);
    config.plain = 1;
    host.on_open = client_open;
    host.on_data = client_data;
    host.on_close = client_close;
    const char *ca = cert[0] ? cert : NULL;
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/", ca ? "wss" : "ws", wsm_uv_port(w->server.handle));
    return wsm_uv_connect((wsm_uv_client **)&w->client.handle, &w->loop, url, ca, &config, &host, &w->client);
}

static void finish(world *w) {
    static const int never;
    if (w->client.handle) {
        wsm_uv_client_close(w->client.handle, on_done, &w->client);
        run(w, &w->client.done, &never, ENDING_MS);
        assert_int_equal(w->client.done, 1);
    }
    if (w->server.handle) {
        wsm_uv_close(w->server.handle, on_done, &w->server);
        wsm_hub_free(w->hub);
        run(w, &w->server.done, &never, ENDING_MS);
        assert_int_equal(w->server.done, 1);
    }
    uv_close((uv_handle_t *)&w->timer, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

/* Libraries keep what they make at their first use. */
static bool is_warm;

/* One telling: whether an allocation failed. `n` 0: none does, and there must be an echo, and a close. */
static bool tell(size_t n, fault_mode mode) {
    world w = {0};
    size_t live = fault_live();
    assert_int_equal(uv_loop_init(&w.loop), 0);
    uv_timer_init(&w.loop, &w.timer);
    w.timer.data = &w;
    if (n) fault_arm(n, mode);
    int served = serve(&w), called = 0;
    if (!served) called = call(&w);
    if (!served && !called) run(&w, &w.client.echoed, &w.client.closed, n ? TURN_MS : ENDING_MS);
    if (w.client.echoed && !w.client.closed && wsm_uv_client_get(w.client.handle)) {
        wsm_client_close(wsm_uv_client_get(w.client.handle), 1000, NULL);
        run(&w, &w.client.closed, &w.client.closed, n ? TURN_MS : ENDING_MS);
        if (n == 0) assert_int_equal(w.client.closed, 1);
    }
    bool failed = fault_disarm();
    assert_true(served == 0 || served == WSM_ERR_NOMEM);
    assert_true(called == 0 || called == WSM_ERR_NOMEM);
    if (n == 0) assert_int_equal(w.client.echoed, 1);
    if (served == 0 && called == 0 && !w.client.echoed && !w.client.closed) { /* late, or a server without memory */
        run(&w, &w.client.echoed, &w.client.closed, ENDING_MS);
        assert_true(w.client.echoed || w.client.closed);
    }
    finish(&w);
    if (is_warm && fault_live() > live) fail_msg("allocation %zu: %zu blocks are left", n, fault_live() - live);
    return failed;
}

static void any_allocation_may_fail_under_a_loop(void **state) {
    (void)state;
    fault_spare("libuv");
    for (int i = 0; i < 3; i++) tell(0, FAULT_ONCE);
    is_warm = true;
    for (int mode = 0; mode < 2; mode++)
        for (size_t n = 1; tell(n, (fault_mode)mode); n++) tell(0, FAULT_ONCE);
    fault_spare(NULL);
}

static void any_allocation_may_fail_under_tls(void **state) {
    (void)state;
    char command[512];
    strcpy(folder, "/tmp/wsm-fault-uv-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(key, sizeof key, "%s/key.pem", folder);
    snprintf(cert, sizeof cert, "%s/cert.pem", folder);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
             "-addext subjectAltName=DNS:127.0.0.1 -keyout %s -out %s >/dev/null 2>&1",
             key, cert);
    assert_int_equal(system(command), 0);
    fault_spare("libuv");
    is_warm = false;
    for (int i = 0; i < 3; i++) tell(0, FAULT_ONCE);
    is_warm = true;
    const char *wanted = getenv("WSM_FAULT_STRIDE");
    size_t stride = wanted && atoi(wanted) > 0 ? (size_t)atoi(wanted) : TLS_STRIDE;
    for (int mode = 0; mode < 2; mode++) {
        for (size_t n = 1; tell(n, (fault_mode)mode); n += n < TLS_EACH_UP_TO ? 1 : stride)
            if (n % 10 == 0) tell(0, FAULT_ONCE);
    }
    fault_spare(NULL);
    unlink(cert);
    unlink(key);
    assert_int_equal(rmdir(folder), 0);
    cert[0] = '\0';
}

static int report(void **state) {
    (void)state;
    printf("report: allocation points failed: %zu\n", fault_points());
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail_under_a_loop),
        cmocka_unit_test(any_allocation_may_fail_under_tls),
    };
    return cmocka_run_group_tests(tests, NULL, report);
}
