/* The suite's side of the contract: one function for each thing that a hub, or fate, does to a log. */
#include "logcheck.h"

#include <stdlib.h>
#include <string.h>

static void lock(wsm__lc *check) {
    pthread_mutex_lock(&check->mutex);
}

static void unlock(wsm__lc *check) {
    pthread_mutex_unlock(&check->mutex);
}

bool wsm__lc_goes_on(wsm__lc *check) {
    lock(check);
    bool goes_on = !check->has_breach;
    unlock(check);
    return goes_on;
}

uint64_t wsm__lc_end_offset(wsm__lc *check) {
    lock(check);
    uint64_t end = check->end;
    unlock(check);
    return end;
}

/* Between these two the log is inside a call of ours. */
static void call_begin(wsm__lc *check) {
    lock(check);
    check->in_call = true;
    unlock(check);
}

static void call_end(wsm__lc *check) {
    lock(check);
    check->in_call = false;
    unlock(check);
}

/* One pump. Returns whether the log may have something to do still. */
static bool pump(wsm__lc *check) {
    return check->maker.pump && check->maker.pump(check->maker.user) != 0;
}

void wsm__lc_pump(wsm__lc *check, unsigned times) {
    while (times-- > 0 && pump(check)) {
    }
}

/* What is owed: the first of it as a rule, or WSM__RULES. The mutex is held. */
static wsm__rule owed(const wsm__lc *check) {
    if (check->loading) return WSM__RULE_OPENS;
    if (check->ready_failed) return WSM__RULES;
    for (size_t i = check->batches_first; i < check->batches_count; i++) {
        const wsm__lc_batch *batch = &check->batches[i];
        if (batch->refused) continue;
        if (!batch->ended) return WSM__RULE_DONE_COMES;
        if (batch->outcome >= 0 && batch->shown < batch->count) return WSM__RULE_DELIVER_ALL;
        if (batch->shown > 0 && batch->shown < batch->count) return WSM__RULE_ALL_OR_NOTHING;
    }
    for (size_t i = 0; i < check->reads_count; i++)
        if (!check->reads[i].answered) return WSM__RULE_READ_COMES;
    return WSM__RULES;
}

static wsm__rule look(wsm__lc *check, uint64_t *words, bool *has_breach) {
    lock(check);
    wsm__rule rule = owed(check);
    *words = check->words;
    *has_breach = check->has_breach;
    unlock(check);
    return rule;
}

static void say_owed(wsm__lc *check, wsm__rule rule) {
    lock(check);
    size_t appends = 0, reads = 0;
    for (size_t i = check->batches_first; i < check->batches_count; i++)
        appends += !check->batches[i].refused && !check->batches[i].ended;
    for (size_t i = 0; i < check->reads_count; i++) reads += !check->reads[i].answered;
    wsm__lc_breach(check, rule, "still owed: %zu ends of appends, %zu pages; delivered up to %zu", appends, reads,
                   check->end);
    unlock(check);
}

void wsm__lc_settle(wsm__lc *check) {
    uint64_t words, heard = UINT64_MAX;
    bool has_breach;
    uint32_t silent = 0;
    for (;;) {
        wsm__rule rule = look(check, &words, &has_breach);
        silent = words == heard ? silent + 1 : 0;
        heard = words;
        if (has_breach) return;
        uint32_t patience = rule == WSM__RULES ? check->maker.pumps_idle : check->maker.pumps_max;
        bool may_go_on = silent < patience && pump(check);
        if (may_go_on) continue;
        rule = look(check, &words, &has_breach);
        if (words != heard) continue; /* its last word came while it was asked */
        if (rule != WSM__RULES) say_owed(check, rule);
        lock(check);
        check->starved = false;
        unlock(check);
        return;
    }
}

/* ---- lives ---- */

static int life_new(wsm__lc *check) {
    wsm__lc_life *life = calloc(1, sizeof *life);
    if (!life) return WSM_ERR_NOMEM;
    life->check = check;
    wsm_log_probe probe;
    wsm__lc_probe(&probe, life);
    int err = wsm_log_probe_new(&life->hub, &probe);
    if (err) {
        free(life);
        return err;
    }
    life->next = check->lives;
    check->lives = life;
    return 0;
}

static void life_reset(wsm__lc *check) {
    check->loading = true;
    check->ready = check->ready_failed = check->has_last = check->starved = false;
    check->loaded_count = 0;
    check->loaded_from = check->snapshot_at = 0;
    check->batches_first = check->batches_count;
    check->reads_count = 0;
}

void wsm__lc_open_begin(wsm__lc *check) {
    wsm__lc_close(check); /* if it is open */
    if (!wsm__lc_goes_on(check)) return;
    lock(check);
    life_reset(check);
    unlock(check);
    memset(&check->log, 0, sizeof check->log);
    wsm_log_init(&check->log, sizeof check->log);
    int err = life_new(check);
    if (!err) err = check->maker.make(check->maker.user, check->lives->hub, &check->log);
    check->is_made = !err;
    check->report.opens++;
    call_begin(check);
    if (!err) err = check->log.open(check->log.user, check->lives->hub);
    call_end(check);
    if (!err) return;
    lock(check);
    /* An opening that finds no memory, or a storage that fails, says so and is made again. */
    if (!check->failing && err != WSM_ERR_NOMEM)
        wsm__lc_breach(check, WSM__RULE_OPENS, "the log cannot be opened: %d", err);
    check->ready_failed = true;
    check->loading = false;
    unlock(check);
}

static void end_life(wsm__lc *check, bool crashed) {
    lock(check);
    if (check->lives) check->lives->over = true;
    check->crashed = crashed;
    unlock(check);
    check->is_made = false;
    check->log = (wsm_log){0};
}

/* Close without asking what is owed. */
static void shut(wsm__lc *check) {
    call_begin(check);
    if (check->log.close) check->log.close(check->log.user);
    call_end(check);
}

static void shut_end(wsm__lc *check) {
    bool crashed =
        check->crashed && !(check->ready && !check->ready_failed); /* a life that has loaded nothing changes nothing */
    end_life(check, crashed);
    if (check->maker.unmake) check->maker.unmake(check->maker.user);
    check->report.closes++;
    wsm__lc_pump(check, check->maker.pumps_idle);
}

void wsm__lc_open(wsm__lc *check) {
    for (int tries = 0; tries < 8 && wsm__lc_goes_on(check); tries++) {
        wsm__lc_open_begin(check);
        wsm__lc_settle(check);
        lock(check);
        bool is_over = check->failing || check->has_breach || (check->ready && !check->ready_failed);
        unlock(check);
        if (is_over) return;
        if (check->is_made) {
            shut(check);
            shut_end(check);
        }
    }
}

void wsm__lc_close(wsm__lc *check) {
    if (!check->is_made) return;
    /* A hub without memory that closes has given up what it could not be told: the log need not insist. */
    lock(check);
    bool has_given_up = check->starved;
    check->nomem = 0;
    check->lives->dying = has_given_up;
    unlock(check);
    shut(check);
    uint64_t words;
    bool has_breach;
    wsm__rule rule = look(check, &words, &has_breach);
    if (rule != WSM__RULES && rule != WSM__RULE_OPENS && !has_breach && !has_given_up) say_owed(check, rule);
    lock(check);
    check->lives->dying = false;
    unlock(check);
    shut_end(check);
}

void wsm__lc_crash(wsm__lc *check) {
    if (!check->maker.crash || !check->is_made) {
        wsm__lc_close(check);
        return;
    }
    lock(check);
    check->lives->dying = true;
    unlock(check);
    check->maker.crash(check->maker.user);
    lock(check);
    check->lives->dying = false;
    unlock(check);
    end_life(check, true);
    check->report.crashes++;
}

void wsm__lc_fail(wsm__lc *check, bool on) {
    if (!check->maker.fail || on == check->failing) return;
    lock(check);
    check->failing = on;
    check->has_failed = true;
    check->recovering = !on;
    for (size_t i = check->batches_first; i < check->batches_count; i++) check->batches[i].may_fail = true;
    unlock(check);
    check->maker.fail(check->maker.user, on);
    check->report.errors += on;
}

static bool is_recovering(wsm__lc *check) {
    lock(check);
    bool is = check->recovering && !check->has_breach;
    unlock(check);
    return is;
}

/* A hub asks a log for nothing before it has loaded. */
static bool may_call(wsm__lc *check) {
    lock(check);
    bool may = check->is_made && check->ready && !check->ready_failed && !check->has_breach;
    unlock(check);
    return may;
}

void wsm__lc_recover(wsm__lc *check) {
    wsm__lc_fail(check, false);
    if (wsm__lc_goes_on(check) && !may_call(check)) {
        wsm__lc_close(check);
        wsm__lc_open(check);
    }
    for (uint32_t tries = 0; is_recovering(check) && tries < check->maker.pumps_max / 10; tries++) {
        wsm__lc_append(check, 1);
        wsm__lc_settle(check);
        wsm__lc_pump(check, 10);
    }
    lock(check);
    if (check->recovering) wsm__lc_breach(check, WSM__RULE_APPENDS_WORK, "the storage works again, appends do not");
    unlock(check);
}

void wsm__lc_starve(wsm__lc *check, int words) {
    lock(check);
    check->nomem = words;
    unlock(check);
}

/* ---- calls ---- */

void wsm__lc_append(wsm__lc *check, uint32_t count) {
    if (!may_call(check)) return;
    wsm_vec *records = calloc(count, sizeof *records);
    lock(check);
    bool has_room = records && WSM__LC_GROW(check->batches, check->batches_count, check->batches_cap);
    size_t number = check->batches_count;
    if (has_room)
        check->batches[check->batches_count++] =
            (wsm__lc_batch){.count = count, .may_fail = check->failing || check->recovering};
    uint64_t id = wsm__lc_id(check, number);
    unlock(check);
    if (!has_room) {
        free(records);
        return;
    }
    wsm__sim_bytes_clear(&check->sent);
    for (uint32_t i = 0; i < count; i++) wsm__lc_record_make(check, &check->sent, (wsm__lc_place){(uint32_t)number, i});
    const unsigned char *at = check->sent.at;
    for (uint32_t i = 0; i < count; i++) {
        records[i] = (wsm_vec){at, wsm__lc_record_len(check, (wsm__lc_place){(uint32_t)number, i})};
        at += records[i].len;
    }
    call_begin(check);
    int err = check->log.append(check->log.user, id, records, count);
    call_end(check);
    /* The records were borrowed: what a log still points at is now something else. */
    memset(check->sent.at, 0xDD, check->sent.len);
    memset(records, 0, count * sizeof *records);
    free(records);
    check->report.appends++;
    check->report.records += count;
    if (!err) return;
    lock(check);
    wsm__lc_batch *batch = &check->batches[number];
    batch->refused = true;
    if (batch->ended || batch->shown > 0)
        wsm__lc_breach(check, WSM__RULE_REFUSED_SILENT, "append %zu returned %d, and had ended or been delivered",
                       number, err);
    else if (err != WSM_ERR_NOMEM && err != WSM_ERR_BUSY && !batch->may_fail)
        wsm__lc_breach(check, WSM__RULE_APPENDS_WORK, "append %zu returned %d, and the storage is well", number, err);
    unlock(check);
}

void wsm__lc_read_ask(wsm__lc *check, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    if (!may_call(check) || !check->log.read || from == 0 || from > to) return;
    lock(check);
    bool has_room = WSM__LC_GROW(check->reads, check->reads_count, check->reads_cap);
    if (has_room)
        check->reads[check->reads_count++] = (wsm__lc_read){from, to, records_max, bytes_max, check->end, false};
    uint64_t id = check->reads_count;
    unlock(check);
    if (!has_room) return;
    call_begin(check);
    int err = check->log.read(check->log.user, id, from, to, records_max, bytes_max);
    call_end(check);
    check->report.reads++;
    if (!err) return;
    lock(check);
    if (check->reads[id - 1].answered)
        wsm__lc_breach(check, WSM__RULE_READ_ONCE, "a read returned %d and was answered", err);
    check->reads[id - 1].answered = true; /* it is owed nothing; an answer after all is a second one */
    unlock(check);
}

void wsm__lc_save_now(wsm__lc *check, uint64_t offset) {
    if (!may_call(check) || !check->log.save || offset == 0) return;
    lock(check);
    bool is_newer = true; /* a hub goes forward */
    for (size_t i = 0; i < check->saves_count; i++) is_newer = is_newer && offset > check->saves[i].offset;
    bool has_room = is_newer && WSM__LC_GROW(check->saves, check->saves_count, check->saves_cap);
    size_t number = check->saves_count;
    if (has_room) check->saves[check->saves_count++] = (wsm__lc_save){offset, true};
    unlock(check);
    if (!has_room) return;
    wsm__sim_bytes_clear(&check->sent);
    wsm__lc_save_make(&check->sent, number);
    int err = check->log.save(check->log.user, offset, check->sent.at, check->sent.len);
    memset(check->sent.at, 0xDD, check->sent.len);
    check->report.saves++;
    lock(check);
    if (err)
        check->saves[number].taken = false;
    else
        check->save_newest = number + 1;
    unlock(check);
}

void wsm__lc_trim(wsm__lc *check, uint64_t offset) {
    if (!may_call(check) || !check->log.trim) return;
    lock(check);
    if (offset > check->trimmed) check->trimmed = offset; /* before the call: it may happen within */
    unlock(check);
    check->log.trim(check->log.user, offset);
}

/* ---- a script ---- */

int wsm__lc_begin(wsm__lc *check) {
    check->has_breach = check->crashed = check->has_failed = check->failing = check->recovering = false;
    check->words = check->end = check->batches_count = check->batches_first = check->saves_count = 0;
    check->reads_count = check->loaded_count = 0;
    check->trimmed = check->save_newest = check->durable_to = check->first = 0;
    check->nomem = 0;
    memcpy(check->epoch_before, check->epoch, sizeof check->epoch);
    check->epoch[0] = 0;
    return check->maker.fresh(check->maker.user);
}

void wsm__lc_end(wsm__lc *check) {
    wsm__lc_fail(check, false);
    wsm__lc_starve(check, 0);
    wsm__lc_close(check);
    while (check->lives) {
        wsm__lc_life *life = check->lives;
        check->lives = life->next;
        wsm_log_probe_free(life->hub);
        free(life);
    }
}
