/* What the log says, held against the history as it is said. Any thread; the mutex is taken for each word. */
#include "logcheck.h"

#include <string.h>

/* Take the mutex and look at what holds for every word: nobody speaks after the end, and sometimes there is no memory.
 * Returns false if the word is not to be looked at; then *answer is what it gets. `also_inside`: there may be no memory
 * even while the log is inside a call of ours. */
static bool enter(wsm__lc_life *life, const char *word, bool also_inside, int *answer) {
    wsm__lc *check = life->check;
    pthread_mutex_lock(&check->mutex);
    check->words++;
    *answer = 0;
    if (life->dying) return false;
    if (life->over) {
        wsm__lc_breach(check, WSM__RULE_SILENT_AFTER_CLOSE, "wsm_log_%s was called on a hub that is gone", word);
        return false;
    }
    if (check->nomem > 0 && (also_inside || !check->in_call)) {
        check->nomem--;
        check->starved = true;
        *answer = WSM_ERR_NOMEM;
        return false;
    }
    return true;
}

static int leave(wsm__lc_life *life, int answer) {
    pthread_mutex_unlock(&life->check->mutex);
    return answer;
}

static int hear_snapshot(void *user, uint64_t offset, const void *bytes, size_t len) {
    wsm__lc_life *life = user;
    wsm__lc *check = life->check;
    int answer;
    if (!enter(life, "snapshot", true, &answer)) return leave(life, answer);
    if (check->ready || check->snapshot_at)
        wsm__lc_breach(check, WSM__RULE_READY_ONCE, "a snapshot came a second time, or after ready");
    if (check->loaded_count > 0) wsm__lc_breach(check, WSM__RULE_LOAD_ORDER, "the snapshot came after records");
    check->snapshot_at = offset;
    check->save_loaded = 0;
    size_t number = check->saves_count;
    while (number-- > 0) {
        if (!check->saves[number].taken || check->saves[number].offset != offset) continue;
        wsm__sim_bytes_clear(&check->expected);
        wsm__lc_save_make(&check->expected, number);
        if (check->expected.len == len && memcmp(check->expected.at, bytes, len) == 0) break;
    }
    check->save_loaded = number + 1;
    if (number == SIZE_MAX)
        wsm__lc_breach(check, WSM__RULE_SNAPSHOT_EXACT, "the snapshot at %llu (%zu bytes) is none that was saved",
                       (unsigned long long)offset, len);
    else if (!check->crashed && !check->has_failed && number + 1 < check->save_newest)
        wsm__lc_breach(check, WSM__RULE_SNAPSHOT_KEPT, "the snapshot at %llu was loaded, a newer one was saved",
                       (unsigned long long)offset);
    return leave(life, 0);
}

/* While it loads, records are only collected: whether they are right depends on the epoch, which comes with ready. */
static void load_record(wsm__lc *check, uint64_t offset, wsm__lc_place place) {
    uint64_t expected = check->loaded_count > 0 ? check->loaded_from + check->loaded_count
                        : check->snapshot_at    ? check->snapshot_at + 1
                                                : offset;
    if (offset != expected) {
        wsm__lc_breach(check, WSM__RULE_LOAD_ORDER, "%llu was loaded where %llu was due", (unsigned long long)offset,
                       (unsigned long long)expected);
        return;
    }
    if (!WSM__LC_GROW(check->loaded, check->loaded_count, check->loaded_cap)) return;
    if (check->loaded_count == 0) check->loaded_from = offset;
    check->loaded[check->loaded_count++] = place;
}

void wsm__lc_show(wsm__lc *check, wsm__lc_place place) {
    if (!WSM__LC_GROW(check->history, check->end, check->history_cap)) return;
    check->history[check->end++] = place;
    check->batches[place.batch].shown++;
}

static bool is_after(wsm__lc_place a, wsm__lc_place b) {
    return a.batch > b.batch || (a.batch == b.batch && a.idx > b.idx);
}

static void live_record(wsm__lc *check, uint64_t offset, wsm__lc_place place) {
    const wsm__lc_batch *batch = &check->batches[place.batch];
    if (offset <= check->end) {
        wsm__lc_breach(check, WSM__RULE_DELIVER_ONCE, "%llu was delivered again", (unsigned long long)offset);
    } else if (offset != check->end + 1) {
        wsm__lc_breach(check, WSM__RULE_OFFSET_ORDER, "%llu was delivered where %zu was due",
                       (unsigned long long)offset, check->end + 1);
    } else if (batch->refused) {
        wsm__lc_breach(check, WSM__RULE_REFUSED_SILENT, "%llu is of an append that returned an error",
                       (unsigned long long)offset);
    } else if (batch->shown == batch->count || place.batch < check->batches_first) {
        wsm__lc_breach(check, WSM__RULE_DELIVER_ONCE, "the record at %llu was delivered before",
                       (unsigned long long)offset);
    } else if (check->has_last && !is_after(place, check->last)) {
        wsm__lc_breach(check, WSM__RULE_APPEND_ORDER, "the record at %llu was appended before the one in front of it",
                       (unsigned long long)offset);
    } else {
        wsm__lc_show(check, place);
        check->last = place;
        check->has_last = true;
    }
}

static int hear_deliver(void *user, const wsm_record *records, size_t count) {
    wsm__lc_life *life = user;
    wsm__lc *check = life->check;
    int answer;
    if (!enter(life, "deliver", true, &answer)) return leave(life, answer);
    for (size_t i = 0; i < count && !check->has_breach; i++) {
        wsm__lc_place place;
        if (!wsm__lc_record_is(check, &records[i], &place)) break;
        if (check->loading)
            load_record(check, records[i].offset, place);
        else
            live_record(check, records[i].offset, place);
    }
    return leave(life, 0);
}

/* The append of an id, or NULL. */
static wsm__lc_batch *batch_of(wsm__lc *check, uint64_t append_id) {
    uint64_t number = append_id > 0 && append_id % 7 == 1 ? (append_id - 1) / 7 : UINT64_MAX;
    if (number >= check->batches_count - check->batches_first) return NULL;
    return &check->batches[check->batches_first + (size_t)number];
}

static int hear_done(void *user, uint64_t append_id, int outcome) {
    wsm__lc_life *life = user;
    wsm__lc *check = life->check;
    int answer;
    /* A log that ends an append inside the call has nowhere to wait for memory, and is spared. */
    if (!enter(life, "done", false, &answer)) return leave(life, answer);
    wsm__lc_batch *batch = batch_of(check, append_id);
    unsigned long long id = append_id;
    if (!batch || outcome > WSM_LOG_WRITTEN) {
        wsm__lc_breach(check, WSM__RULE_DONE_KNOWN, "append %llu ended with %d", id, outcome);
    } else if (batch->refused) {
        wsm__lc_breach(check, WSM__RULE_REFUSED_SILENT, "append %llu ended although it had returned an error", id);
    } else if (batch->ended) {
        wsm__lc_breach(check, WSM__RULE_DONE_ONCE, "append %llu ended twice", id);
    } else {
        batch->ended = true;
        batch->outcome = outcome;
        if (outcome >= 0 && !check->failing) check->recovering = false;
        if (outcome < 0 && !check->failing && !batch->may_fail)
            wsm__lc_breach(check, WSM__RULE_APPENDS_WORK, "append %llu ended with %d, and the storage is well", id,
                           outcome);
    }
    return leave(life, 0);
}

/* The count of a page is as large as its limits allow, give or take what "about" means. */
static void check_limits(wsm__lc *check, const wsm__lc_read *read, const wsm_record *records, size_t count) {
    size_t bytes = 0, most = read->records_max ? read->records_max : 1;
    for (size_t i = 0; i + 1 < count; i++) bytes += records[i].len;
    if (count > most || bytes > read->bytes_max) {
        wsm__lc_breach(check, WSM__RULE_READ_LIMITS, "a page of %zu records and %zu bytes; asked for %zu and %zu",
                       count, bytes, most, read->bytes_max);
        return;
    }
    uint64_t next = records[count - 1].offset + 1, last = read->to < read->end ? read->to : read->end;
    if (count >= most || next > last) return;
    bytes += records[count - 1].len;
    size_t next_len = wsm__lc_record_len(check, check->history[next - 1]);
    if (bytes + next_len + 64 * count <= read->bytes_max / 2)
        wsm__lc_breach(check, WSM__RULE_READ_LIMITS, "a page ends at %llu, of %llu, and is not half full",
                       (unsigned long long)next - 1, (unsigned long long)last);
}

static void check_page(wsm__lc *check, const wsm__lc_read *read, const wsm_record *records, size_t count) {
    uint64_t least = read->from > check->trimmed + 1 ? read->from : check->trimmed + 1;
    uint64_t last = read->to < read->end ? read->to : read->end;
    if (count == 0) {
        if (least <= last)
            wsm__lc_breach(check, WSM__RULE_READ_RANGE, "nothing was read of %llu to %llu", (unsigned long long)least,
                           (unsigned long long)last);
        return;
    }
    uint64_t at = records[0].offset;
    if (at < read->from || at > least) {
        wsm__lc_breach(check, WSM__RULE_READ_RANGE, "a page begins at %llu; asked for %llu", (unsigned long long)at,
                       (unsigned long long)read->from);
        return;
    }
    for (size_t i = 0; i < count; i++, at++) {
        wsm__lc_place place;
        if (records[i].offset != at || at > read->to) {
            wsm__lc_breach(check, WSM__RULE_READ_RANGE, "a page has %llu where %llu was due, of %llu",
                           (unsigned long long)records[i].offset, (unsigned long long)at, (unsigned long long)read->to);
            return;
        }
        if (!wsm__lc_record_is(check, &records[i], &place)) return;
        if (at <= check->end &&
            (check->history[at - 1].batch != place.batch || check->history[at - 1].idx != place.idx)) {
            wsm__lc_breach(check, WSM__RULE_READ_EXACT, "%llu was read as another record than it was delivered",
                           (unsigned long long)at);
            return;
        }
    }
    check_limits(check, read, records, count);
}

static int hear_page(void *user, uint64_t read_id, const wsm_record *records, size_t count, int outcome) {
    wsm__lc_life *life = user;
    wsm__lc *check = life->check;
    int answer;
    if (!enter(life, "page", false, &answer)) return leave(life, answer);
    wsm__lc_read *read = read_id > 0 && read_id <= check->reads_count ? &check->reads[read_id - 1] : NULL;
    if (!read || read->answered || outcome > 0 || (outcome < 0 && count > 0)) {
        wsm__lc_breach(check, WSM__RULE_READ_ONCE, "read %llu was answered %s", (unsigned long long)read_id,
                       !read            ? "and never asked"
                       : read->answered ? "twice"
                                        : "with records and an error, or with an outcome above 0");
    } else {
        read->answered = true;
        if (outcome == 0 && !check->has_breach) check_page(check, read, records, count);
        if (outcome < 0 && !check->has_failed && outcome != WSM_ERR_SHUTTING_DOWN)
            wsm__lc_breach(check, WSM__RULE_READ_RANGE, "a read ended with %d, and the storage is well", outcome);
    }
    return leave(life, 0);
}

static int hear_ready(void *user, const wsm_log_info *info, int outcome) {
    wsm__lc_life *life = user;
    wsm__lc *check = life->check;
    int answer;
    if (!enter(life, "ready", true, &answer)) return leave(life, answer);
    if (!check->loading) {
        wsm__lc_breach(check, WSM__RULE_READY_ONCE, "wsm_log_ready was said twice");
    } else if (outcome != 0 || !info) {
        if (!check->failing) wsm__lc_breach(check, WSM__RULE_OPENS, "the log loaded with %d", outcome);
        check->ready_failed = true;
    } else if (!check->has_breach) {
        wsm__lc_loaded(check, info);
    }
    check->loading = false;
    check->ready = true;
    return leave(life, 0);
}

void wsm__lc_probe(wsm_log_probe *probe, wsm__lc_life *life) {
    *probe = (wsm_log_probe){.size = sizeof *probe,
                             .user = life,
                             .snapshot = hear_snapshot,
                             .deliver = hear_deliver,
                             .done = hear_done,
                             .page = hear_page,
                             .ready = hear_ready};
}
