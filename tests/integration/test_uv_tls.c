/* libwsm-uv with TLS: messages through it, and everything that must not get through. */
#define _GNU_SOURCE /* sockets, mkdtemp */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "uv_world.h"

typedef struct pem {
    char dir[64], cert[96], key[96];
} pem;

static void pem_make(pem *files) {
    char command[512];
    snprintf(files->dir, sizeof files->dir, "/tmp/wsm-test-uv-XXXXXX");
    assert_non_null(mkdtemp(files->dir));
    snprintf(files->cert, sizeof files->cert, "%s/cert.pem", files->dir);
    snprintf(files->key, sizeof files->key, "%s/key.pem", files->dir);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost -keyout %s -out %s >/dev/null 2>&1",
             files->key, files->cert);
    int status = system(command);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void pem_remove(const pem *files) {
    unlink(files->cert);
    unlink(files->key);
    rmdir(files->dir);
}

static void tls_world(world *w, const pem *files) {
    world_init(w);
    w->at.tls_cert = files->cert;
    w->at.tls_key = files->key;
    world_open(w);
}

static void tls_carries_small_and_large_messages(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 64u << 10, 16u << 20};
    world w;
    pem files;
    pem_make(&files);
    tls_world(&w, &files);
    for (int i = 0; i < 3; i++) {
        peer p = {.want = sizes[i], .close_in_data = 1};
        peer_connect(&w, &p, "localhost", files.cert);
        assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
        assert_string_equal(p.error, "");
        assert_int_equal(p.got, sizes[i]);
        assert_true(p.intact);
        assert_int_equal(p.code, 1000);
        peer_fini(&w, &p);
    }
    assert_true(run_until(&w, &w.closed, 3, PATIENCE_MS));
    world_close(&w);
    pem_remove(&files);
}

static void tls_refused(const char *host, const char *ca, const pem *files) {
    world w;
    peer p = {.want = 1};
    tls_world(&w, files);
    peer_connect(&w, &p, host, ca);
    assert_true(run_until(&w, &p.closed, 1, PATIENCE_MS));
    assert_int_equal(p.opened, 0);
    assert_int_equal(p.code, 1006);
    assert_int_not_equal(p.error[0], '\0');
    peer_fini(&w, &p);
    world_close(&w);
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state) {
    (void)state;
    pem ours, other;
    pem_make(&ours);
    pem_make(&other);
    tls_refused("localhost", other.cert, &ours);
    pem_remove(&ours);
    pem_remove(&other);
}

static void a_certificate_of_another_host_is_refused(void **state) {
    (void)state;
    pem files;
    pem_make(&files);
    tls_refused("127.0.0.1", files.cert, &files);
    pem_remove(&files);
}

static void a_key_of_another_certificate_is_refused(void **state) {
    (void)state;
    world w;
    pem ours, other;
    char why[256];
    pem_make(&ours);
    pem_make(&other);
    world_init(&w);
    world_open(&w);
    w.at.tls_cert = ours.cert;
    w.at.tls_key = other.key;
    assert_int_equal(wsm_uv_listen(w.uv, &w.at, why, sizeof why), WSM_ERR_INVALID);
    assert_non_null(strstr(why, other.key));
    world_close(&w);
    pem_remove(&ours);
    pem_remove(&other);
}

static void noise_on_a_tls_port_gets_an_alert_and_an_end(void **state) {
    (void)state;
    world w;
    pem files;
    char got[256];
    int over;
    pem_make(&files);
    tls_world(&w, &files);
    int fd = raw_connect(&w, 0);
    raw_upgrade(fd);
    size_t len = raw_read(&w, fd, got, sizeof got, &over);
    assert_int_equal(over, 1);
    assert_true(len == 0 || got[0] == 0x15); /* an alert, or nothing; never HTTP */
    close(fd);
    world_close(&w);
    pem_remove(&files);
}

static void a_tls_client_that_vanishes_is_closed_once(void **state) {
    (void)state;
    world w;
    pem files;
    peer p = {.want = 4u << 20, .free_in_data = 1};
    pem_make(&files);
    tls_world(&w, &files);
    w.push = 8u << 20;
    peer_connect(&w, &p, "localhost", files.cert);
    assert_true(run_until(&w, &p.messages, 1, PATIENCE_MS));
    assert_true(run_until(&w, &w.closed, 1, PATIENCE_MS));
    peer_fini(&w, &p);
    world_close(&w);
    pem_remove(&files);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_carries_small_and_large_messages),
        cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused),
        cmocka_unit_test(a_certificate_of_another_host_is_refused),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
        cmocka_unit_test(noise_on_a_tls_port_gets_an_alert_and_an_end),
        cmocka_unit_test(a_tls_client_that_vanishes_is_closed_once),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
