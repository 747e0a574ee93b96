/* Eight threads that hand commands to a hub while it ticks. Each tag has its result, exactly once, whatever happens:
 * a full inbox, a record, a refusal, a shutdown in the middle. Built with ThreadSanitizer too (`make check-tsan`). */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "wsm/wsm.h"

#define THREADS 8
#define EACH    400 /* commands of a thread */

typedef struct hammer {
    wsm_hub *hub;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    int wakes;
    unsigned results[THREADS * EACH], records; /* on the hub's thread only */
    atomic_uint taken, busy, refused;
    atomic_int running;
} hammer;

typedef struct hand {
    hammer *all;
    unsigned number;
} hand;

static void on_wake(void *user) {
    hammer *all = user;
    pthread_mutex_lock(&all->mutex);
    all->wakes = 1;
    pthread_cond_signal(&all->woken);
    pthread_mutex_unlock(&all->mutex);
}

static void on_result(void *user, const wsm_result *result) {
    hammer *all = user;
    assert_true(result->tag < THREADS * EACH);
    all->results[result->tag]++;
    all->records += result->offset > 0;
}

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    wsm_vec vec[16];
    size_t count;
    (void)user, (void)conn_user;
    while ((count = wsm_conn_pending(conn, vec, 16)) > 0)
        for (size_t i = 0; i < count; i++) wsm_conn_sent(conn, vec[i].len);
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn_user;
    wsm_conn_closed(conn);
}

/* One command in four is refused: it is not for the host to say hello. */
static int say(hammer *all, unsigned tag) {
    static const char submit[] = "{\"type\":\"memory_update\",\"exchange\":{\"by\":\"submit\"}}",
                      wrong[] = "{\"type\":\"hello\"}";
    wsm_update update;
    if (tag % 4 == 3) return wsm_submit(all->hub, NULL, wrong, sizeof wrong - 1, tag);
    if (tag % 2) return wsm_submit(all->hub, "ada", submit, sizeof submit - 1, tag);
    wsm_update_init(&update, sizeof update);
    update.exchange = (wsm_slice){"{\"by\":\"broadcast\"}", 18};
    return wsm_broadcast(all->hub, &update, tag);
}

static void *hammer_run(void *arg) {
    hand *h = arg;
    hammer *all = h->all;
    for (unsigned i = 0; i < EACH; i++) {
        unsigned tag = h->number * EACH + i;
        int err;
        while ((err = say(all, tag)) == WSM_ERR_BUSY) {
            atomic_fetch_add(&all->busy, 1);
            sched_yield();
        }
        if (err == 0) atomic_fetch_add(&all->taken, 1);
        if (err == WSM_ERR_SHUTTING_DOWN) atomic_fetch_add(&all->refused, 1);
    }
    atomic_fetch_sub(&all->running, 1);
    on_wake(all);
    return NULL;
}

static void wait_for_wake(hammer *all, int64_t ms) {
    struct timespec until;
    if (ms < 0 || ms > 50) ms = 50;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&all->mutex);
    if (!all->wakes && ms > 0) pthread_cond_timedwait(&all->woken, &all->mutex, &until);
    all->wakes = 0;
    pthread_mutex_unlock(&all->mutex);
}

static void begin(hammer *all) {
    wsm_config config;
    wsm_host host;
    memset(all, 0, sizeof *all);
    pthread_mutex_init(&all->mutex, NULL);
    pthread_cond_init(&all->woken, NULL);
    wsm_config_init(&config, sizeof config);
    wsm_host_init(&host, sizeof host);
    config.inbox_max = 64; /* so that it is full now and then */
    config.agent_messages_per_s = 0;
    host.wake = on_wake;
    host.on_result = on_result;
    host.bytes_waiting = bytes_waiting;
    host.close_transport = close_transport;
    assert_int_equal(wsm_hub_new(&all->hub, &config, &host, NULL, all), 0);
    atomic_store(&all->running, THREADS);
}

static void join_reader(hammer *all) {
    wsm_claims claims;
    wsm_peer how;
    wsm_conn *conn;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){"reader", 6};
    claims.exp = (int64_t)time(NULL) + 3600;
    wsm_peer_init(&how, sizeof how);
    how.kind = WSM_PEER_MESSAGE;
    how.claims = &claims;
    assert_int_equal(wsm_conn_new(&conn, all->hub, &how, NULL), 0);
}

/* Hammer; after `shutdown_after` results shut the hub down (0: never). */
static void run(hammer *all, unsigned shutdown_after) {
    pthread_t threads[THREADS];
    hand hands[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        hands[i] = (hand){all, i};
        assert_int_equal(pthread_create(&threads[i], NULL, hammer_run, &hands[i]), 0);
    }
    while (atomic_load(&all->running) > 0) {
        wait_for_wake(all, wsm_hub_tick(all->hub));
        if (shutdown_after && all->records > shutdown_after) {
            assert_int_equal(wsm_hub_shutdown(all->hub, NULL), 0);
            shutdown_after = 0;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    while (wsm_hub_tick(all->hub) == 0) {
    }
}

static unsigned results_once(const hammer *all) {
    unsigned once = 0;
    for (unsigned i = 0; i < THREADS * EACH; i++) {
        assert_true(all->results[i] <= 1);
        once += all->results[i];
    }
    return once;
}

static void finish(hammer *all) {
    wsm_hub_free(all->hub);
    pthread_cond_destroy(&all->woken);
    pthread_mutex_destroy(&all->mutex);
}

static hammer only;

static void each_command_of_eight_threads_has_one_result(void **state) {
    (void)state;
    begin(&only);
    join_reader(&only);
    run(&only, 0);
    assert_int_equal(atomic_load(&only.taken), THREADS * EACH);
    assert_int_equal(results_once(&only), THREADS * EACH);
    assert_int_equal(only.records, THREADS * EACH / 4 * 3);
    printf("report: %d commands from %d threads, each with one result; %u times the inbox was full\n", THREADS * EACH,
           THREADS, atomic_load(&only.busy));
    finish(&only);
}

static void what_was_taken_before_a_shutdown_has_its_result(void **state) {
    (void)state;
    begin(&only);
    run(&only, 300);
    assert_int_equal(atomic_load(&only.taken) + atomic_load(&only.refused), THREADS * EACH);
    assert_int_equal(results_once(&only), atomic_load(&only.taken));
    finish(&only);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_of_eight_threads_has_one_result),
        cmocka_unit_test(what_was_taken_before_a_shutdown_has_its_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
