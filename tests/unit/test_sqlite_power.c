/* What the disk does at its worst, at every call that SQLite makes of it: the power goes, or the call fails, once or
 * for ever. What was acknowledged survives (I-20), recovery yields a prefix without a hole (I-22), under one offset
 * nobody ever sees two payloads (I-23), recovering again, also after a crash in the middle of it, changes nothing
 * (I-24), and what failed is refused as a whole (I-25). */
#define _DEFAULT_SOURCE
#include "sqlite_hub.h"
#include "vfs_power.h"

#define RECORDS_MAX  64
#define RECORD_BYTES 3000
#define SEEDS        1 /* ways in which each crash leaves the disk; WSM_POWER_SEEDS asks for more */

typedef struct world {
    bench b;
    wsm__sqlite_store store;
    bool is_open, was_open; /* now; ever: somebody has seen the epoch */
    char epoch[WSM__SQLITE_EPOCH_LEN + 1];
    uint64_t acked;                /* the last offset whose append succeeded */
    uint64_t tried;                /* the last that was tried */
    unsigned payload[RECORDS_MAX]; /* number of the append that succeeded, or was tried last, at each offset */
    unsigned appends;
    uint64_t saved, save_tried; /* snapshots, likewise; 0: none */
    uint64_t cut;               /* retention may have gone up to here */
} world;

static vfs_power *power;

static int group_setup(void **state) {
    (void)state;
    power = vfs_power_register();
    return 0;
}

static int group_teardown(void **state) {
    (void)state;
    printf("report: %llu power losses: %llu sectors survived, %llu were lost, %llu torn; %llu names could be or not\n",
           (unsigned long long)power->crashes, (unsigned long long)power->survived, (unsigned long long)power->lost,
           (unsigned long long)power->torn, (unsigned long long)power->names_unsettled);
    printf(
        "report: failed on the way to the disk: %llu writes, %llu syncs, %llu truncations, %llu opens, %llu removals\n",
        (unsigned long long)power->failed[POWER_WRITE], (unsigned long long)power->failed[POWER_SYNC],
        (unsigned long long)power->failed[POWER_TRUNCATE], (unsigned long long)power->failed[POWER_OPEN],
        (unsigned long long)power->failed[POWER_DELETE]);
    vfs_power_unregister();
    return 0;
}

static void payload_of(unsigned number, char text[RECORD_BYTES]) {
    memset(text, 'a' + (int)(number % 26), RECORD_BYTES);
    snprintf(text, RECORD_BYTES, "append %u", number);
}

/* ---- the life of a log ----------------------------------------------------------------------------------------------
 */

static int open_log(world *w) {
    int err = wsm__sqlite_store_open(&w->store, w->b.why, sizeof w->b.why);
    if (err) return err;
    sqlite3_wal_autocheckpoint(w->store.db, 6); /* so that a short life sees several */
    if (!w->was_open) memcpy(w->epoch, w->store.epoch, sizeof w->epoch);
    w->is_open = w->was_open = true;
    return 0;
}

static void close_log(world *w) {
    wsm__sqlite_db_close(&w->store);
    w->is_open = false;
    w->store.broken = false;
}

static void append(world *w) {
    char text[RECORD_BYTES];
    wsm__sqlite_batch *batch = calloc(1, sizeof *batch + 2 * sizeof(wsm_record));
    unsigned number = ++w->appends;
    size_t count = 1 + number % 2;
    payload_of(number, text);
    batch->count = count;
    for (size_t i = 0; i < count; i++) batch->records[i] = (wsm_record){.bytes = text, .len = sizeof text};
    uint64_t first = w->store.last + 1;
    for (uint64_t o = first; o < first + count; o++) w->payload[o] = number;
    if (first + count - 1 > w->tried) w->tried = first + count - 1;
    if (wsm__sqlite_store_append(&w->store, batch) == 0) {
        assert_int_equal(batch->outcome, 0);
        assert_int_equal(w->store.last, first + count - 1);
        w->acked = w->store.last;
    } else {
        assert_int_equal(batch->outcome, WSM_ERR_STORE_FAILED);
        assert_int_equal(w->store.last, first - 1);
    }
    free(batch);
}

static void save(world *w) {
    char text[500];
    w->save_tried = w->store.last;
    memset(text, 's', sizeof text);
    if (w->store.last > 0 && wsm__sqlite_snapshot_save(&w->store, w->store.last, text, sizeof text) == 0)
        w->saved = w->store.last;
}

static void retain(world *w) {
    w->store.records_max = 3;
    w->cut = w->store.snapshot_floor;
    wsm__sqlite_retain_step(&w->store, 0);
}

/* A disk that fails may work again: a broken store is tried once before each step, as the worker does. */
static void mend(world *w) {
    if (!w->is_open) {
        open_log(w);
    } else if (w->store.broken) {
        wsm__sqlite_store_reopen(&w->store, w->b.why, sizeof w->b.why);
        if (w->store.db) sqlite3_wal_autocheckpoint(w->store.db, 6);
    }
}

static void live(world *w) {
    static void (*const steps[])(world *) = {append, append, save,   append,    append, save,
                                             append, retain, append, close_log, append};
    open_log(w);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !power->is_dead; i++) {
        mend(w);
        if (w->is_open && !w->store.broken) steps[i](w);
    }
    close_log(w);
}

/* ---- what must hold -------------------------------------------------------------------------------------------------
 */

static void check_records(world *w) {
    wsm__sqlite_page page = {0};
    char text[RECORD_BYTES];
    uint64_t first = w->store.first ? w->store.first : 1;
    if (w->store.last < w->acked) fail_msg("%u is the last, %u was kept", (unsigned)w->store.last, (unsigned)w->acked);
    assert_true(w->store.last <= w->tried);
    assert_true(first <= w->cut + 1);
    assert_int_equal(wsm__sqlite_page_read(&w->store, &page, first, w->store.last, 1000, 1 << 20), 0);
    assert_int_equal(page.count, w->store.last + 1 - first);
    for (size_t i = 0; i < page.count; i++) {
        payload_of(w->payload[first + i], text);
        if (page.records[i].len != sizeof text || memcmp(page.records[i].bytes, text, sizeof text) != 0)
            fail_msg("record %u is not what was appended", (unsigned)(first + i));
    }
    assert_int_equal(w->store.corrupt, 0);
    wsm__sqlite_page_fini(&page);
}

static void check(world *w) {
    wsm__sqlite_snapshot snapshot;
    bool had_seen = w->was_open;
    int err = open_log(w);
    if (err) fail_msg("%s", w->b.why);
    if (had_seen && (w->acked > 0 || w->saved > 0)) assert_string_equal(w->store.epoch, w->epoch);
    check_records(w);
    assert_int_equal(wsm__sqlite_snapshot_load(&w->store, &snapshot), 0);
    assert_true(snapshot.offset >= w->saved || snapshot.offset == w->save_tried);
    sqlite3_free(snapshot.bytes);
    w->acked = w->store.last; /* from here on somebody has seen them */
}

/* The machine is healthy: the log has what it should, goes on, and is the same when it is opened again. */
static void check_and_go_on(world *w) {
    check(w);
    append(w);
    assert_int_equal(w->acked, w->tried = w->store.last);
    close_log(w);
    check(w);
    close_log(w);
}

static world *begin(void) {
    world *w = calloc(1, sizeof *w);
    bench_init_in(&w->b, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"); /* no real disk is to work for this */
    w->store.path = w->b.path;
    w->store.vfs = VFS_POWER;
    vfs_power_on();
    return w;
}

static void finish(world *w) {
    bench_fini(&w->b);
    free(w);
}

static uint64_t calls_of_a_life(void) {
    world *w = begin();
    live(w);
    uint64_t calls = power->calls;
    assert_true(w->acked > 8 && w->saved > 0 && w->cut > 0);
    vfs_power_on();
    check_and_go_on(w);
    finish(w);
    return calls;
}

static uint64_t seeds_wanted(void) {
    const char *text = getenv("WSM_POWER_SEEDS");
    uint64_t wanted = text ? strtoull(text, NULL, 10) : 0;
    return wanted > 0 ? wanted : SEEDS;
}

static void what_was_kept_survives_a_power_loss_at_any_call(void **state) {
    (void)state;
    uint64_t calls = calls_of_a_life();
    for (uint64_t at = 1; at <= calls; at++) {
        for (uint64_t seed = 1; seed <= seeds_wanted(); seed++) {
            world *w = begin();
            power->at = at;
            power->is_crash = true;
            live(w);
            assert_true(power->is_dead);
            vfs_power_settle(at * 1000 + seed);
            power->is_crash = false;
            check_and_go_on(w);
            finish(w);
        }
    }
}

static void a_power_loss_during_recovery_is_recovered_from(void **state) {
    (void)state;
    uint64_t calls = calls_of_a_life();
    for (uint64_t at = 1; at <= calls; at++) {
        world *w = begin();
        power->at = at;
        power->is_crash = true;
        live(w);
        vfs_power_settle(at);
        for (uint64_t again = 1; again <= 3; again++) { /* the recovery is cut short at different places */
            power->at = 1 + (at * 7 + again * 5) % 11;
            if (open_log(w) == 0 && w->acked < w->store.last) w->acked = w->store.last;
            close_log(w);
            vfs_power_settle(at * 10 + again);
        }
        power->is_crash = false;
        check_and_go_on(w);
        finish(w);
    }
}

static void tell(bool is_forever) {
    uint64_t calls = calls_of_a_life();
    for (uint64_t at = 1; at <= calls; at++) {
        world *w = begin();
        power->at = at;
        power->is_forever = is_forever;
        power->is_crash = false;
        live(w);
        vfs_power_on();
        power->is_forever = false;
        check_and_go_on(w);
        finish(w);
    }
}

static void any_call_may_fail_once(void **state) {
    (void)state;
    tell(false);
}

static void all_calls_may_fail_from_one_on(void **state) {
    (void)state;
    tell(true);
}

/* After a sync that failed the kernel may have forgotten what it was to write. */
static void what_was_kept_after_a_failed_call_survives_a_power_loss(void **state) {
    (void)state;
    uint64_t calls = calls_of_a_life();
    for (uint64_t at = 1; at <= calls; at++) {
        world *w = begin();
        power->at = at;
        live(w);
        vfs_power_settle(at); /* the power goes at the end of this life */
        check_and_go_on(w);
        finish(w);
    }
}

/* What a killed process has written may lie in the kernel only: whoever reads it has to see to it that it stays. */
static void what_was_seen_after_a_kill_survives_a_power_loss(void **state) {
    (void)state;
    uint64_t calls = calls_of_a_life();
    for (uint64_t at = 1; at <= calls; at++) {
        world *w = begin();
        power->at = at;
        power->is_crash = power->is_kill = true;
        live(w);
        vfs_power_again();
        check(w); /* from here on somebody has seen it */
        power->is_dead = true;
        close_log(w);
        power->is_crash = power->is_kill = false;
        vfs_power_settle(at);
        check_and_go_on(w);
        finish(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_survives_a_power_loss_at_any_call),
        cmocka_unit_test(a_power_loss_during_recovery_is_recovered_from),
        cmocka_unit_test(what_was_seen_after_a_kill_survives_a_power_loss),
        cmocka_unit_test(any_call_may_fail_once),
        cmocka_unit_test(all_calls_may_fail_from_one_on),
        cmocka_unit_test(what_was_kept_after_a_failed_call_survives_a_power_loss),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
