/* wsm_log_conformance: the scripts. A script plays one log on one fresh storage; it ends with its first breach, because
 * what follows a breach is not to be trusted. */
#include "logcheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS     40
#define PUMPS_MAX  20000
#define PUMPS_IDLE 20
#define RECORD_MAX (((size_t)16 << 20) + 4096)
#define SENT_MAX   ((size_t)4 << 20) /* of the largest append of many records */
#define STEPS      12                /* of the script that is cut at each of its steps */

/* ---- what scripts are made of ---- */

/* Read everything in pages, as a hub does for one that comes back. */
static void read_all(wsm__lc *check, size_t records_max) {
    uint64_t end = wsm__lc_end_offset(check);
    for (uint64_t at = 1; at <= end; at += records_max) wsm__lc_read_ask(check, at, end, records_max, SIZE_MAX);
    wsm__lc_settle(check);
}

static void reopen(wsm__lc *check) {
    wsm__lc_close(check);
    wsm__lc_open(check);
}

/* After whatever has happened: the log opens, shows what it owes, takes more, and keeps it. */
static void go_on(wsm__lc *check) {
    wsm__lc_open(check);
    wsm__lc_recover(check);
    read_all(check, 64);
    wsm__lc_append(check, 2);
    wsm__lc_settle(check);
    reopen(check);
    read_all(check, 64);
}

/* The script that is cut: whatever a hub asks of a log, in an order in which it might. */
static void step(wsm__lc *check, unsigned number, bool settles) {
    switch (number % STEPS) {
    case 0: wsm__lc_append(check, 1); break;
    case 1: wsm__lc_append(check, 3); break;
    case 2: wsm__lc_pump(check, 1); break;
    case 3: wsm__lc_read_ask(check, 1, wsm__lc_end_offset(check), 100, 1 << 20); break;
    case 4: wsm__lc_append(check, 2); break;
    case 5: wsm__lc_settle(check); break;
    case 6: wsm__lc_save_now(check, wsm__lc_end_offset(check)); break;
    case 7: wsm__lc_append(check, 40); break;
    case 8: wsm__lc_pump(check, 2); break;
    case 9: wsm__lc_append(check, 1); break;
    case 10: wsm__lc_read_ask(check, 2, wsm__lc_end_offset(check), 3, 500); break;
    case 11: wsm__lc_append(check, 5); break;
    }
    if (settles) wsm__lc_settle(check);
}

/* ---- the scripts ---- */

static void play_empty(wsm__lc *check, unsigned cut) {
    (void)cut;
    wsm__lc_open(check);
    wsm__lc_read_ask(check, 1, 10, 10, 1000);
    wsm__lc_settle(check);
    reopen(check);
    wsm__lc_close(check);
}

static void play_plain(wsm__lc *check, unsigned cut) {
    (void)cut;
    wsm__lc_open(check);
    for (uint32_t count = 1; count <= 3; count++) {
        wsm__lc_append(check, count);
        wsm__lc_settle(check);
    }
    for (int i = 0; i < 3; i++) {
        reopen(check);
        wsm__lc_append(check, 1);
        wsm__lc_settle(check);
    }
    go_on(check);
}

static void play_in_flight(wsm__lc *check, unsigned cut) {
    wsm__lc_open(check);
    for (uint32_t i = 0; i < 60; i++) {
        wsm__lc_append(check, 1 + i % 9);
        if (i % 7 == 3) wsm__lc_read_ask(check, 1, 1 + i, 1 + i % 5, 1 << 16);
        if (i % 11 == 5) wsm__lc_pump(check, 1);
    }
    if (cut == 0) wsm__lc_settle(check); /* else close with all that under way */
    wsm__lc_close(check);
    go_on(check);
}

static void play_giant(wsm__lc *check, unsigned cut) {
    (void)cut;
    wsm__lc_open(check);
    wsm__lc_append(check, 1);
    wsm__lc_append(check, 1000);
    wsm__lc_settle(check);
    wsm__lc_read_ask(check, 1, 1, 10, 1); /* at least one, however large */
    wsm__lc_read_ask(check, 1, 1001, 10, 100);
    read_all(check, 1024);
    go_on(check);
}

static void play_reads(wsm__lc *check, unsigned cut) {
    (void)cut;
    static const uint64_t froms[] = {1, 2, 7, 100, 199, 200, 201, 5000};
    static const uint64_t tos[] = {1, 2, 8, 150, 200, 201, 100000};
    static const size_t counts[] = {1, 2, 50, 1000}, bytes[] = {1, 300, 5000, SIZE_MAX};
    wsm__lc_open(check);
    for (int i = 0; i < 8; i++) wsm__lc_append(check, 25);
    wsm__lc_settle(check);
    for (int life = 0; life < 2; life++) {
        for (size_t i = 0; i < sizeof froms / sizeof *froms * sizeof tos / sizeof *tos; i++) {
            for (size_t k = 0; k < 4; k++)
                wsm__lc_read_ask(check, froms[i % 8], tos[i / 8], counts[k], bytes[(i + k) % 4]);
            if (i % 8 == 7) wsm__lc_settle(check);
        }
        reopen(check);
    }
}

static void play_snapshots(wsm__lc *check, unsigned cut) {
    wsm__lc_open(check);
    for (int i = 0; i < 5; i++) {
        wsm__lc_append(check, 10);
        wsm__lc_settle(check);
        uint64_t end = wsm__lc_end_offset(check);
        wsm__lc_save_now(check, i == 3 ? end - 4 : end);
        if (cut > 0) wsm__lc_trim(check, end - 5);
        if (cut % 2 == 0) wsm__lc_settle(check);
        read_all(check, 7);
        if (i % 2 == 1) reopen(check);
        if (cut > 1 && i == 2) wsm__lc_crash(check), wsm__lc_open(check);
    }
    go_on(check);
}

static void play_starved(wsm__lc *check, unsigned cut) {
    wsm__lc_open(check);
    for (unsigned i = 0; i < STEPS; i++) {
        if (i == cut) wsm__lc_starve(check, 3);
        step(check, i, true);
    }
    wsm__lc_close(check);
    wsm__lc_starve(check, (int)cut);
    go_on(check);
}

static void play_crash(wsm__lc *check, unsigned cut) {
    wsm__lc_open(check);
    for (unsigned i = 0; i < cut / 2; i++) step(check, i, cut % 2 == 1);
    wsm__lc_crash(check);
    go_on(check);
}

static void play_crash_while_loading(wsm__lc *check, unsigned cut) {
    wsm__lc_open(check);
    for (unsigned i = 0; i < STEPS; i++) step(check, i, true);
    wsm__lc_close(check);
    for (unsigned i = 0; i < 3; i++) {
        wsm__lc_open_begin(check);
        wsm__lc_pump(check, cut);
        wsm__lc_crash(check);
    }
    wsm__lc_open(check); /* what it calls durable now must be there after this: */
    wsm__lc_crash(check);
    go_on(check);
}

static void play_failure(wsm__lc *check, unsigned cut) {
    wsm__lc_open(check);
    for (unsigned i = 0; i < STEPS; i++) {
        if (i == cut / 2) wsm__lc_fail(check, true);
        step(check, i, cut % 2 == 1);
    }
    wsm__lc_recover(check);
    for (unsigned i = 0; i < 4; i++) step(check, i, false);
    wsm__lc_settle(check);
    wsm__lc_close(check);
    go_on(check);
}

static void play_failure_and_crash(wsm__lc *check, unsigned cut) {
    wsm__lc_open(check);
    for (unsigned i = 0; i < STEPS; i++) {
        if (i == cut) wsm__lc_fail(check, true);
        step(check, i, false);
    }
    wsm__lc_pump(check, cut);
    wsm__lc_crash(check);
    wsm__lc_fail(check, false);
    go_on(check);
}

static void play_open_while_failing(wsm__lc *check, unsigned cut) {
    wsm__lc_open(check);
    for (unsigned i = 0; i < STEPS; i++) step(check, i, cut == 0);
    wsm__lc_close(check);
    wsm__lc_fail(check, true);
    wsm__lc_open(check);
    wsm__lc_close(check);
    wsm__lc_fail(check, false);
    go_on(check);
}

/* Save, and trim no further than a snapshot that an opening has shown to be kept, as a hub must. */
static void random_save(wsm__lc *check) {
    uint64_t end = wsm__lc_end_offset(check);
    if (end > 0) wsm__lc_save_now(check, end - wsm__lc_random(check, end < 5 ? end : 5));
}

static void random_step(wsm__lc *check) {
    uint64_t end = wsm__lc_end_offset(check);
    switch (wsm__lc_random(check, 24)) {
    case 0: wsm__lc_crash(check), wsm__lc_open(check); break;
    case 1: reopen(check); break;
    case 2: wsm__lc_close(check), wsm__lc_open(check); break;
    case 3: wsm__lc_starve(check, (int)wsm__lc_random(check, 4)); break;
    case 4: random_save(check); break;
    case 5: wsm__lc_trim(check, check->snapshot_at); break;
    case 6: wsm__lc_settle(check); break;
    case 7: wsm__lc_append(check, 1 + (uint32_t)wsm__lc_random(check, 100)); break;
    case 8: wsm__lc_fail(check, true); break;
    case 9: wsm__lc_crash(check), wsm__lc_open_begin(check), wsm__lc_crash(check), wsm__lc_open(check); break;
    case 10:
    case 11:
    case 12:
    case 13:
        wsm__lc_read_ask(check, 1 + wsm__lc_random(check, end + 2), 1 + wsm__lc_random(check, end + 9),
                         1 + wsm__lc_random(check, 40), 1 + wsm__lc_random(check, 5000));
        break;
    case 14:
    case 15:
    case 16:
    case 17: wsm__lc_pump(check, 1 + (unsigned)wsm__lc_random(check, 3)); break;
    default: wsm__lc_append(check, 1 + (uint32_t)wsm__lc_random(check, 4)); break;
    }
    if (check->failing && wsm__lc_random(check, 4) == 0) wsm__lc_recover(check);
}

static void play_random(wsm__lc *check, unsigned cut) {
    check->random = check->maker.seed * 1000003 + cut;
    wsm__lc_open(check);
    for (int i = 0; i < 60 && wsm__lc_goes_on(check); i++) random_step(check);
    wsm__lc_starve(check, 0);
    wsm__lc_recover(check);
    wsm__lc_close(check);
    go_on(check);
}

/* What is played, `cuts` times each, and what the log must be able to for it. */
static const struct script {
    const char *name;
    void (*play)(wsm__lc *check, unsigned cut);
    unsigned cuts; /* 0: `rounds` of the maker */
    bool crashes, fails;
} scripts[] = {
    {"empty", play_empty, 1, false, false},
    {"plain", play_plain, 1, false, false},
    {"in_flight", play_in_flight, 2, false, false},
    {"giant", play_giant, 1, false, false},
    {"reads", play_reads, 1, false, false},
    {"snapshots", play_snapshots, 4, false, false},
    {"starved", play_starved, STEPS, false, false},
    {"crash", play_crash, 2 * STEPS + 1, true, false},
    {"crash_while_loading", play_crash_while_loading, 4, true, false},
    {"failure", play_failure, 2 * STEPS, false, true},
    {"failure_and_crash", play_failure_and_crash, STEPS, true, true},
    {"open_while_failing", play_open_while_failing, 2, false, true},
    {"random", play_random, 0, false, false},
};

/* ---- all of them ---- */

typedef struct listener {
    void (*on_breach)(void *user, const wsm_log_breach *breach);
    void *user;
} listener;

static int play(wsm__lc *check, const struct script *script, unsigned cut, const listener *to) {
    check->script = script->name;
    int err = wsm__lc_begin(check);
    if (err) return err;
    script->play(check, cut);
    wsm__lc_end(check);
    check->report.scripts++;
    if (!check->has_breach) return 0;
    check->report.breaches++;
    snprintf(check->script_text, sizeof check->script_text, "%s %u", script->name, cut);
    wsm_log_breach breach = {sizeof breach, wsm__lc_rule_name(check->rule), check->script_text, check->what};
    if (to->on_breach) to->on_breach(to->user, &breach);
    return 0;
}

static int play_all(wsm__lc *check, const listener *to) {
    int err = 0;
    /* What is lent to the log never moves: a log that keeps pointing at it is found out, not crashed. */
    if (!wsm__sim_bytes_room(&check->sent, check->maker.record_max + SENT_MAX)) return WSM_ERR_NOMEM;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts && !err; i++) {
        const struct script *script = &scripts[i];
        if ((script->crashes && !check->maker.crash) || (script->fails && !check->maker.fail)) continue;
        unsigned cuts = script->cuts ? script->cuts : check->maker.rounds;
        for (unsigned cut = 0; cut < cuts && !err; cut++) err = play(check, script, cut, to);
    }
    return err;
}

void wsm_log_maker_init(wsm_log_maker *maker, size_t size) {
    static const wsm_log_maker defaults = {
        .rounds = ROUNDS, .seed = 1, .pumps_max = PUMPS_MAX, .pumps_idle = PUMPS_IDLE, .record_max = RECORD_MAX};
    if (!maker || size < sizeof maker->size) return;
    memset(maker, 0, size);
    memcpy(maker, &defaults, size < sizeof defaults ? size : sizeof defaults);
    maker->size = size;
}

void wsm_log_report_init(wsm_log_report *report, size_t size) {
    if (!report || size < sizeof report->size) return;
    memset(report, 0, size);
    report->size = size;
}

static int maker_take(wsm_log_maker *maker, const wsm_log_maker *given) {
    if (!given || given->size < sizeof given->size) return WSM_ERR_INVALID;
    wsm_log_maker_init(maker, sizeof *maker);
    memcpy(maker, given, given->size < sizeof *maker ? given->size : sizeof *maker);
    if (maker->rounds == 0) maker->rounds = ROUNDS;
    if (maker->pumps_max == 0) maker->pumps_max = PUMPS_MAX;
    if (maker->pumps_idle == 0) maker->pumps_idle = PUMPS_IDLE;
    if (maker->record_max == 0) maker->record_max = RECORD_MAX;
    return maker->fresh && maker->make ? 0 : WSM_ERR_INVALID;
}

int wsm_log_conformance(const wsm_log_maker *maker, void (*on_breach)(void *user, const wsm_log_breach *breach),
                        void *user, wsm_log_report *report) {
    wsm__lc *check = calloc(1, sizeof *check);
    if (!check) return WSM_ERR_NOMEM;
    int err = maker_take(&check->maker, maker);
    if (!err) {
        pthread_mutex_init(&check->mutex, NULL);
        err = play_all(check, &(listener){on_breach, user});
        pthread_mutex_destroy(&check->mutex);
    }
    if (report) {
        size_t size = report->size;
        memcpy(report, &check->report, size < sizeof check->report ? size : sizeof check->report);
        report->size = size;
    }
    if (!err) err = check->report.breaches > 0;
    free(check->history);
    free(check->loaded);
    free(check->batches);
    free(check->reads);
    free(check->saves);
    wsm__sim_bytes_fini(&check->expected);
    wsm__sim_bytes_fini(&check->sent);
    free(check);
    return err;
}
