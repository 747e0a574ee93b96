/* F12, second third: the file of libwsm-sqlite. Opening it works, or says in a sentence why not and leaves it as it is;
 * a hub on it loads, or says why not; one more update is kept or refused; and all of it again after a restart (I-24).
 *
 * An input that begins with an odd byte is changes to a file of five records: (place of two bytes, byte) each. Any
 * other is, behind its first byte, the file itself. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "wsm/sqlite.h"
#include "wsm/wsm.h"

#define WAIT_MS 3000

static char folder[64], path[96];
static char *base; /* the file of five records */
static size_t base_len;

static void remove_files(void) {
    char other[128];
    unlink(path);
    snprintf(other, sizeof other, "%s-wal", path);
    unlink(other);
    snprintf(other, sizeof other, "%s-shm", path);
    unlink(other);
    snprintf(other, sizeof other, "%s-journal", path);
    unlink(other);
    snprintf(other, sizeof other, "%s-lock", path);
    unlink(other);
}

static void at_end(void) {
    remove_files();
    rmdir(folder);
}

/* ---- a hub whose log has a thread of its own ---- */

typedef struct bench {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_awake;
    wsm_hub *hub;
    int ready, ready_err, results, result_err;
} bench;

static void on_wake(void *user) {
    bench *b = user;
    pthread_mutex_lock(&b->lock);
    b->is_awake = true;
    pthread_cond_signal(&b->wake);
    pthread_mutex_unlock(&b->lock);
}

static void on_ready(void *user, int err) {
    bench *b = user;
    b->ready++;
    b->ready_err = err;
}

static void on_result(void *user, const wsm_result *result) {
    bench *b = user;
    b->results++;
    b->result_err = result->err;
}

static void nothing(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user;
}

/* Ticks until *flag is set, not longer than WAIT_MS. */
static bool wait_for(bench *b, const int *flag) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    for (;;) {
        wsm_hub_tick(b->hub);
        if (*flag) return true;
        pthread_mutex_lock(&b->lock);
        int err = 0;
        struct timespec soon;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_nsec += 20000000;
        if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
        if (!b->is_awake) err = pthread_cond_timedwait(&b->wake, &b->lock, &soon);
        b->is_awake = false;
        pthread_mutex_unlock(&b->lock);
        if (err && (soon.tv_sec > until.tv_sec)) return false;
    }
}

static void on_log(void *user, int level, const char *line) {
    (void)user, (void)level;
    FUZZ_EXPECT(line && *line && !strchr(line, '\n'));
}

/* Opens the file, loads a hub from it and adds `updates`. Returns the hub's position, or -1 if it did not come so far.
 */
static long long once(int updates) {
    bench b = {.ready = 0};
    wsm_sqlite *db = NULL;
    wsm_sqlite_config config;
    wsm_host host;
    wsm_log log;
    char why[256] = "";
    long long position = -1;
    pthread_mutex_init(&b.lock, NULL);
    pthread_cond_init(&b.wake, NULL);
    wsm_sqlite_config_init(&config, sizeof config);
    config.path = path;
    config.on_log = on_log;
    int err = wsm_sqlite_open(&db, &config, why, sizeof why);
    if (err) {
        FUZZ_EXPECT(!db && why[0] && !strchr(why, '\n'));
        FUZZ_EXPECT(err == WSM_ERR_LOG_FORMAT || err == WSM_ERR_LOG_LOCKED || err == WSM_ERR_LOG_IO ||
                    err == WSM_ERR_NOMEM);
    } else {
        wsm_log_init(&log, sizeof log);
        FUZZ_EXPECT(wsm_sqlite_log(db, &log) == 0);
        wsm_host_init(&host, sizeof host);
        host.bytes_waiting = nothing;
        host.close_transport = nothing;
        host.wake = on_wake;
        host.on_ready = on_ready;
        host.on_result = on_result;
        err = wsm_hub_new(&b.hub, NULL, &host, &log, &b);
        if (!err) {
            FUZZ_EXPECT(wait_for(&b, &b.ready)); /* loading ends (I-80) */
            FUZZ_EXPECT(b.ready == 1);
            for (int i = 0; i < updates && b.ready_err == 0; i++) {
                wsm_update update;
                wsm_update_init(&update, sizeof update);
                update.exchange = (wsm_slice){"{\"text\":\"one more\"}", 19};
                b.results = 0;
                if (wsm_broadcast(b.hub, &update, 1) != 0) continue;
                FUZZ_EXPECT(wait_for(&b, &b.results));
            }
            if (b.ready_err == 0) position = (long long)wsm_hub_position(b.hub, NULL);
            wsm_hub_free(b.hub);
        }
        wsm_sqlite_close(db);
    }
    pthread_cond_destroy(&b.wake);
    pthread_mutex_destroy(&b.lock);
    return position;
}

static char *load(size_t *len) {
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1 << 20);
    FUZZ_EXPECT(file && bytes);
    *len = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static void store(const void *bytes, size_t len) {
    remove_files();
    FILE *file = fopen(path, "wb");
    FUZZ_EXPECT(file && fwrite(bytes, 1, len, file) == len);
    fclose(file);
    chmod(path, 0600);
}

/* In memory if there is a file system there: no test of disks, and ten times as quick. */
static void prepare(void) {
    snprintf(folder, sizeof folder, "%s/wsm-fuzz-%ld", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
             (long)getpid());
    snprintf(path, sizeof path, "%s/log.db", folder);
    FUZZ_EXPECT(mkdir(folder, 0700) == 0);
    atexit(at_end);
    FUZZ_EXPECT(once(5) == 5);
    base = load(&base_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    if (!base) prepare();
    if (fuzz_u8(&in) & 1) {
        char *changed = fuzz_copy(base, base_len);
        while (in.left >= 3) {
            size_t at = fuzz_u16(&in) % base_len;
            changed[at] = (char)fuzz_u8(&in);
        }
        store(changed, base_len);
        free(changed);
    } else {
        store(in.at, in.left);
    }
    long long first = once(1), second = once(0);
    if (first >= 0) FUZZ_EXPECT(second == first || second == -1);
    return 0;
}
