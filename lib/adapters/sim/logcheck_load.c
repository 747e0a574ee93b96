/* What a log has loaded, held against what it had shown before. The cases differ by what came between: nothing (the
 * first opening), a close, or a crash; and by the epoch, which says whether the log itself claims to have lost
 * anything.
 *
 * `history` becomes what stands now. What the snapshot stands for is taken from the old history: it cannot be seen. */
#include "logcheck.h"

#include <stdlib.h>
#include <string.h>

static bool same(wsm__lc_place a, wsm__lc_place b) {
    return a.batch == b.batch && a.idx == b.idx;
}

static void check_info(wsm__lc *check, const wsm_log_info *info, uint64_t last) {
    unsigned long long first_said = info->first_offset, last_said = info->last_offset, found = last;
    if (!info->epoch || strlen(info->epoch) != 16 || strspn(info->epoch, "0123456789abcdef") != 16) {
        wsm__lc_breach(check, WSM__RULE_EPOCH_FORM, "the epoch is \"%.40s\"", info->epoch ? info->epoch : "(none)");
    } else if (info->last_offset != last) {
        wsm__lc_breach(check, WSM__RULE_INFO_TRUE, "the last offset is said to be %llu; loaded up to %llu", last_said,
                       found);
    } else if (info->first_offset > last || (info->first_offset == 0 && check->loaded_count > 0)) {
        wsm__lc_breach(check, WSM__RULE_INFO_TRUE, "the first offset is said to be %llu, of %llu", first_said, found);
    } else if (info->first_offset > check->trimmed + 1) {
        wsm__lc_breach(check, WSM__RULE_TRIM_KEEPS, "trimmed up to %llu, and the first offset is %llu",
                       (unsigned long long)check->trimmed, first_said);
    } else if (!check->snapshot_at && check->loaded_count > 0 && check->loaded_from != 1) {
        wsm__lc_breach(check, WSM__RULE_TRIM_KEEPS, "there is no snapshot, and the first record is %llu",
                       (unsigned long long)check->loaded_from);
    }
}

/* Nothing may be missing: neither what was delivered, nor, after a close, anything that was kept. */
static void check_loss(wsm__lc *check, const wsm_log_info *info, uint64_t last, bool is_same_epoch) {
    bool lost = last < check->end;
    for (size_t i = 0; i < check->loaded_count && !lost; i++) {
        uint64_t offset = check->loaded_from + i;
        lost = offset <= check->end && !same(check->loaded[i], check->history[offset - 1]);
    }
    unsigned long long end = check->end, found = last;
    if (lost && is_same_epoch && last >= check->end)
        wsm__lc_breach(check, WSM__RULE_HISTORY_FIXED, "offsets up to %llu show other records than before", end);
    else if (lost && is_same_epoch)
        wsm__lc_breach(check, check->crashed ? WSM__RULE_EPOCH_NEW : WSM__RULE_CLOSE_KEEPS,
                       "%llu was delivered, %llu is left, and the epoch is the same", end, found);
    else if (!lost && !is_same_epoch && check->end > 0)
        wsm__lc_breach(check, WSM__RULE_EPOCH_KEPT, "the epoch is %s and was %s, and nothing is lost", info->epoch,
                       check->epoch);
    else if (lost && !check->crashed)
        wsm__lc_breach(check, WSM__RULE_CLOSE_KEEPS, "%llu was delivered before the close, %llu is left", end, found);
    if (last < check->durable_to)
        wsm__lc_breach(check, WSM__RULE_SYNCED_SURVIVES, "the log called %llu durable, and %llu is left",
                       (unsigned long long)check->durable_to, found);
}

/* Each append as a whole: what it promised, and what is there. */
static void check_batches(wsm__lc *check) {
    for (size_t i = 0; i < check->batches_count; i++) {
        const wsm__lc_batch *batch = &check->batches[i];
        wsm__rule owed = check->crashed ? WSM__RULE_SYNCED_SURVIVES : WSM__RULE_CLOSE_KEEPS;
        bool is_owed = batch->ended && (check->crashed ? batch->outcome == WSM_LOG_SYNCED : batch->outcome >= 0);
        if (batch->refused && batch->shown > 0)
            wsm__lc_breach(check, WSM__RULE_REFUSED_SILENT,
                           "append %zu returned an error, and %u of its records were kept", i, batch->shown);
        else if (batch->shown > 0 && batch->shown < batch->count)
            wsm__lc_breach(check, WSM__RULE_ALL_OR_NOTHING, "of append %zu, %u of %u records are left", i, batch->shown,
                           batch->count);
        else if (is_owed && batch->shown == 0)
            wsm__lc_breach(check, owed, "append %zu (%u records, outcome %d) is gone", i, batch->count, batch->outcome);
    }
}

static bool keep_history(wsm__lc *check, uint64_t from) {
    wsm__lc_place *old = check->history;
    size_t old_end = check->end;
    if (from > old_end) {
        wsm__lc_breach(check, WSM__RULE_LOAD_ORDER, "the snapshot stands for %llu, and only %zu was ever delivered",
                       (unsigned long long)from, old_end);
        return false;
    }
    check->history = NULL;
    check->end = check->history_cap = 0;
    for (size_t i = 0; i < check->batches_count; i++) check->batches[i].shown = 0;
    for (size_t i = 0; i < from; i++) wsm__lc_show(check, old[i]);
    for (size_t i = 0; i < check->loaded_count; i++) {
        const wsm__lc_batch *batch = &check->batches[check->loaded[i].batch];
        if (batch->shown == batch->count)
            wsm__lc_breach(check, WSM__RULE_DELIVER_ONCE, "a record of append %u was loaded twice",
                           check->loaded[i].batch);
        wsm__lc_show(check, check->loaded[i]);
    }
    free(old);
    return true;
}

/* In the order of their appends, whole appends at a time: across lives too, for the log has only one end. */
static void check_order(wsm__lc *check) {
    for (size_t i = 1; i < check->end; i++) {
        wsm__lc_place a = check->history[i - 1], b = check->history[i];
        if (b.batch > a.batch || (b.batch == a.batch && b.idx > a.idx)) continue;
        wsm__lc_breach(check, WSM__RULE_APPEND_ORDER, "the record at %zu was appended before the one in front of it",
                       i + 1);
        return;
    }
}

void wsm__lc_loaded(wsm__lc *check, const wsm_log_info *info) {
    uint64_t from = check->loaded_count > 0 ? check->loaded_from - 1 : check->snapshot_at;
    uint64_t last = from + check->loaded_count;
    check_info(check, info, last);
    if (check->has_breach) return;
    bool is_first = check->epoch[0] == 0, is_same = strcmp(check->epoch, info->epoch) == 0;
    if (check->maker.forgets && !is_first) {
        if (is_same)
            wsm__lc_breach(check, WSM__RULE_EPOCH_NEW, "a log that forgets begins a new epoch with each opening");
        if (last > 0)
            wsm__lc_breach(check, WSM__RULE_DELIVER_ONCE, "a log that forgets remembers %llu records",
                           (unsigned long long)last);
    } else if (!is_first) {
        check_loss(check, info, last, is_same);
    }
    if (check->has_breach || !keep_history(check, from)) return;
    check_order(check);
    if (!check->maker.forgets) check_batches(check);
    /* A crash takes what it takes once: what is gone now is not owed again. */
    for (size_t i = 0; i < check->batches_count; i++)
        if (check->batches[i].shown == 0) check->batches[i].ended = false;
    if (is_first && strcmp(info->epoch, check->epoch_before) == 0)
        wsm__lc_breach(check, WSM__RULE_EPOCH_NEW, "two logs on fresh storage have the same epoch %s", info->epoch);
    if (check->crashed || check->has_failed) check->save_newest = check->snapshot_at ? check->save_loaded : 0;
    check->has_failed = check->failing;
    memcpy(check->epoch, info->epoch, sizeof check->epoch);
    check->first = info->first_offset;
    check->durable_to = info->durable ? last : 0;
}
