/* The functions of wsm_log, which run on the hub's thread: each copies what it is given into the handle and wakes the
 * worker. None of them waits for the disk but close(). */
#include <string.h>

#include "worker.h"

static int log_open(void *user, wsm_hub *hub) {
    wsm_sqlite *db = user;
    if (!hub) return WSM_ERR_INVALID;
    pthread_mutex_lock(&db->mutex);
    int err = db->state == WSM__SQLITE_HUB_NONE ? 0 : WSM_ERR_STATE;
    if (err == 0) {
        db->hub = hub;
        db->state = WSM__SQLITE_HUB_OPENING;
        pthread_cond_signal(&db->work);
    }
    pthread_mutex_unlock(&db->mutex);
    return err;
}

/* One allocation: the batch, its records, their bytes. */
static int batch_new(wsm__sqlite_batch **made, uint64_t append_id, const wsm_vec *records, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (!records[i].base || records[i].len == 0) return WSM_ERR_INVALID;
        if (records[i].len > WSM__SQLITE_RECORD_BYTES_MAX) return WSM_ERR_TOO_LARGE;
        bytes += records[i].len;
        if (bytes > WSM__SQLITE_QUEUE_BYTES_MAX) return WSM_ERR_TOO_LARGE;
    }
    wsm__sqlite_batch *batch = sqlite3_malloc64(sizeof *batch + count * sizeof batch->records[0] + bytes);
    if (!batch) return WSM_ERR_NOMEM;
    *batch = (wsm__sqlite_batch){.append_id = append_id, .bytes = bytes, .count = count};
    unsigned char *at = (unsigned char *)&batch->records[count];
    for (size_t i = 0; i < count; i++) {
        memcpy(at, records[i].base, records[i].len);
        batch->records[i] = (wsm_record){.bytes = at, .len = records[i].len};
        at += records[i].len;
    }
    *made = batch;
    return 0;
}

static int log_append(void *user, uint64_t append_id, const wsm_vec *records, size_t count) {
    wsm_sqlite *db = user;
    wsm__sqlite_batch *batch;
    if (!records || count == 0) return WSM_ERR_INVALID;
    if (count > db->queue_max) return WSM_ERR_TOO_LARGE; /* it would be busy for ever */
    int err = batch_new(&batch, append_id, records, count);
    if (err) return err;
    pthread_mutex_lock(&db->mutex);
    if (db->state != WSM__SQLITE_HUB_OPENING && db->state != WSM__SQLITE_HUB_OPEN) {
        err = WSM_ERR_STATE;
    } else if (count > db->queue_max - db->stats.queued ||
               batch->bytes > WSM__SQLITE_QUEUE_BYTES_MAX - db->queued_bytes) {
        err = WSM_ERR_BUSY;
    } else {
        db->stats.queued += count;
        db->queued_bytes += batch->bytes;
        *db->batches_end = batch;
        db->batches_end = &batch->next;
        pthread_cond_signal(&db->work);
    }
    pthread_mutex_unlock(&db->mutex);
    if (err) sqlite3_free(batch);
    return err;
}

static int log_read(void *user, uint64_t read_id, uint64_t from, uint64_t to, size_t records_max, size_t bytes_max) {
    wsm_sqlite *db = user;
    if (from > to) return WSM_ERR_INVALID;
    wsm__sqlite_read *read = sqlite3_malloc64(sizeof *read);
    if (!read) return WSM_ERR_NOMEM;
    *read = (wsm__sqlite_read){
        .read_id = read_id, .from = from, .to = to, .records_max = records_max, .bytes_max = bytes_max};
    int err = 0;
    pthread_mutex_lock(&db->mutex);
    if (db->state != WSM__SQLITE_HUB_OPENING && db->state != WSM__SQLITE_HUB_OPEN) {
        err = WSM_ERR_STATE;
    } else if (db->reads_count >= WSM__SQLITE_READS_MAX) {
        err = WSM_ERR_BUSY;
    } else {
        db->reads_count++;
        *db->reads_end = read;
        db->reads_end = &read->next;
        pthread_cond_signal(&db->work);
    }
    pthread_mutex_unlock(&db->mutex);
    if (err) sqlite3_free(read);
    return err;
}

static int log_trim(void *user, uint64_t offset) {
    wsm_sqlite *db = user;
    pthread_mutex_lock(&db->mutex);
    int err = db->state == WSM__SQLITE_HUB_NONE ? WSM_ERR_STATE : 0;
    if (err == 0 && offset > db->trim_to) {
        db->trim_to = offset;
        pthread_cond_signal(&db->work);
    }
    pthread_mutex_unlock(&db->mutex);
    return err;
}

static int log_save(void *user, uint64_t offset, const void *bytes, size_t len) {
    wsm_sqlite *db = user;
    if (offset == 0 || !bytes || len == 0) return WSM_ERR_INVALID;
    wsm__sqlite_snapshot snapshot = {.offset = offset, .bytes = sqlite3_malloc64(len), .len = len};
    if (!snapshot.bytes) return WSM_ERR_NOMEM;
    memcpy(snapshot.bytes, bytes, len);
    wsm__sqlite_snapshot unwanted = snapshot;
    pthread_mutex_lock(&db->mutex);
    int err = db->state == WSM__SQLITE_HUB_NONE ? WSM_ERR_STATE : 0;
    if (err == 0) {
        unwanted = db->save;
        db->save = snapshot;
        pthread_cond_signal(&db->work);
    }
    pthread_mutex_unlock(&db->mutex);
    sqlite3_free(unwanted.bytes);
    return err;
}

static void log_close(void *user) {
    wsm_sqlite *db = user;
    pthread_mutex_lock(&db->mutex);
    if (db->state != WSM__SQLITE_HUB_NONE) {
        db->state = WSM__SQLITE_HUB_CLOSING;
        pthread_cond_signal(&db->work);
        while (db->state != WSM__SQLITE_HUB_NONE) pthread_cond_wait(&db->idle, &db->mutex);
    }
    pthread_mutex_unlock(&db->mutex);
}

int wsm_sqlite_log(wsm_sqlite *db, wsm_log *log) {
    if (!db || !log || log->size < sizeof(size_t)) return WSM_ERR_INVALID;
    wsm_log ours = {.size = log->size,
                    .user = db,
                    .open = log_open,
                    .append = log_append,
                    .read = log_read,
                    .trim = log_trim,
                    .save = log_save,
                    .close = log_close};
    memcpy(log, &ours, log->size < sizeof ours ? log->size : sizeof ours);
    return 0;
}
