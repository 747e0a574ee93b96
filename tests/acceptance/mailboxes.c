/* Agents by the hundred thousand, mentions that wait for a thousand of them, and a restart: each mention reaches its
 * target once, and none comes again after the next restart. One process, the real database, no sockets.
 *
 *     mailboxes [--known N] [--connected N] [--deliveries N]     100000, 1000 and 100000 by default */
#define _GNU_SOURCE /* memmem */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wsm/sqlite.h"
#include "wsm/wsm.h"

#define PATIENCE_S   240  /* without any progress */
#define IN_FLIGHT    4000 /* submitted, and not yet known how it ended */
#define PAUSE_US     1000
#define ID_LEN       36
#define EXTRA_ROUNDS 300 /* of PAUSE_US, for what must not come */

typedef struct crowd crowd;

typedef struct reader {
    crowd *in;
    wsm_conn *conn;
    uint32_t agent;
} reader;

typedef struct mention {
    uint32_t arrivals;
    char id[ID_LEN + 1]; /* of its newest arrival */
} mention;

struct crowd {
    uint32_t known, connected, deliveries;
    char dir[64], path[96];
    wsm_sqlite *db;
    wsm_hub *hub;
    reader *readers;
    mention *mentions;
    uint64_t submitted, ended, refused, arrived, strays, answered;
    uint32_t passed, failed;
};

/* ---- the host ---------------------------------------------------------------------------------------------------- */

static void on_result(void *user, const wsm_result *result) {
    crowd *c = user;
    c->ended++;
    if (result->err) c->refused++;
}

/* The value of a string member, or NULL: what the hub writes has no white space. */
static const char *member(const char *text, size_t len, const char *name) {
    char quoted[64];
    int cut = snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
    const char *at = memmem(text, len, quoted, (size_t)cut);
    return at ? at + cut : NULL;
}

static void hear(reader *r, const char *text, size_t len) {
    crowd *c = r->in;
    const char *type = member(text, len, "type");
    if (type && strncmp(type, "ack\"", 4) == 0) c->answered++;
    if (getenv("DBG")) fprintf(stderr, "%.*s\n", (int)len, text);
    if (!type || strncmp(type, "mention_route\"", 14) != 0) return;
    const char *message = member(text, len, "message"), *id = member(text, len, "message_id");
    unsigned long number = message && *message == 'm' ? strtoul(message + 1, NULL, 10) : c->deliveries;
    if (number >= c->deliveries || number % c->connected != r->agent || !id) {
        c->strays++;
        return;
    }
    c->mentions[number].arrivals++;
    memcpy(c->mentions[number].id, id, ID_LEN);
    c->arrived++;
}

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    (void)user;
    wsm_vec vec[16];
    size_t count;
    while ((count = wsm_conn_pending(conn, vec, 16)) > 0) {
        size_t len = 0;
        for (size_t i = 0; i < count; i++) {
            hear(conn_user, vec[i].base, vec[i].len);
            len += vec[i].len;
        }
        wsm_conn_sent(conn, len);
    }
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    (void)user;
    ((reader *)conn_user)->conn = NULL;
    wsm_conn_closed(conn);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static void die(const char *what, const char *why) {
    fprintf(stderr, "mailboxes: %s: %s\n", what, why);
    exit(2);
}

static void check(crowd *c, int holds, const char *what) {
    printf("%s %s\n", holds ? "ok    " : "FAILED", what);
    fflush(stdout);
    *(holds ? &c->passed : &c->failed) += 1;
}

/* Until `*count` is `wanted`, or nothing has moved for too long. */
static void wait_for(crowd *c, const uint64_t *count, uint64_t wanted) {
    uint64_t last = *count;
    time_t moved = time(NULL);
    while (*count < wanted && time(NULL) - moved < PATIENCE_S) {
        wsm_hub_tick(c->hub);
        if (*count != last) moved = time(NULL);
        if (*count == last) usleep(PAUSE_US);
        last = *count;
    }
}

static void open_hub(crowd *c) {
    wsm_sqlite_config kept;
    wsm_config config;
    wsm_host host;
    wsm_log log;
    char why[256] = "";
    wsm_sqlite_config_init(&kept, sizeof kept);
    kept.path = c->path;
    if (wsm_sqlite_open(&c->db, &kept, why, sizeof why)) die(c->path, why);
    wsm_log_init(&log, sizeof log);
    wsm_sqlite_log(c->db, &log);
    wsm_config_init(&config, sizeof config);
    config.agent_messages_per_s = 0; /* one process speaks for all of them */
    config.mentions_per_min_to_agent = config.mention_pair_per_min = 0;
    wsm_host_init(&host, sizeof host);
    host.on_result = on_result;
    host.bytes_waiting = bytes_waiting;
    host.close_transport = close_transport;
    int err = wsm_hub_new(&c->hub, &config, &host, &log, c);
    if (err) die("wsm_hub_new", wsm_strerror(err));
    for (time_t began = time(NULL); !wsm_hub_is_ready(c->hub) && time(NULL) - began < PATIENCE_S;) {
        wsm_hub_tick(c->hub);
        usleep(PAUSE_US);
    }
    if (!wsm_hub_is_ready(c->hub)) die("the hub", "does not get ready");
}

static void close_hub(crowd *c) {
    wsm_hub_free(c->hub);
    wsm_sqlite_close(c->db);
}

static void submit(crowd *c, uint32_t agent, const char *json) {
    char name[32];
    snprintf(name, sizeof name, "agent%u", agent);
    while (c->submitted - c->ended >= IN_FLIGHT) wait_for(c, &c->ended, c->submitted - IN_FLIGHT + 1);
    int err = wsm_submit(c->hub, name, json, strlen(json), ++c->submitted);
    if (err) die("wsm_submit", wsm_strerror(err));
    if (c->submitted % 64 == 0) wsm_hub_tick(c->hub);
}

static void become_known(crowd *c) {
    for (uint32_t i = 0; i < c->known; i++) submit(c, i, "{\"type\":\"memory_update\",\"exchange\":\"here I am\"}");
    wait_for(c, &c->ended, c->submitted);
    check(c, c->ended == c->submitted && c->refused == 0, "each agent is known, and its first update kept");
}

/* Nobody is connected: each mention waits. Senders are those who stay away. */
static void mention_all(crowd *c) {
    char json[160];
    for (uint32_t i = 0; i < c->deliveries; i++) {
        snprintf(json, sizeof json, "{\"type\":\"mention_route\",\"target_agents\":[\"agent%u\"],\"message\":\"m%u\"}",
                 i % c->connected, i);
        submit(c, c->connected + i % (c->known - c->connected), json);
    }
    wait_for(c, &c->ended, c->submitted);
    check(c, c->ended == c->submitted && c->refused == 0, "each mention is routed, and kept");
}

static void connect_all(crowd *c) {
    char name[32];
    uint32_t refused = 0;
    for (uint32_t i = 0; i < c->connected; i++) {
        wsm_claims claims;
        wsm_peer how;
        wsm_claims_init(&claims, sizeof claims);
        snprintf(name, sizeof name, "agent%u", i);
        claims.sub = (wsm_slice){name, strlen(name)};
        claims.exp = time(NULL) + 3600;
        claims.permission = WSM_PERMISSION_ACTIVE;
        wsm_peer_init(&how, sizeof how);
        how.kind = WSM_PEER_MESSAGE;
        how.claims = &claims;
        c->readers[i] = (reader){.in = c, .agent = i};
        wsm_conn *conn = NULL;
        if (wsm_conn_new(&conn, c->hub, &how, &c->readers[i]))
            refused++;
        else
            c->readers[i].conn = conn;
    }
    check(c, refused == 0, "each of the connected is let in");
}

static void answer_all(crowd *c) {
    char json[256];
    uint64_t answered = c->answered;
    for (uint32_t i = 0; i < c->deliveries; i++) {
        reader *r = &c->readers[i % c->connected];
        int len =
            snprintf(json, sizeof json,
                     "{\"type\":\"mention_ack\",\"message_id\":\"0190f6a5-0000-7000-8000-%012x\",\"mention_id\":\"%s\","
                     "\"state\":\"replied\"}",
                     i, c->mentions[i].id);
        if (r->conn) (void)wsm_conn_recv(r->conn, json, (size_t)len);
        if (i % 64 == 0) wsm_hub_tick(c->hub);
        if (i % IN_FLIGHT == IN_FLIGHT - 1) wait_for(c, &c->answered, answered + i + 1);
    }
    wait_for(c, &c->answered, answered + c->deliveries);
    check(c, c->answered == answered + c->deliveries, "each answer is kept");
}

static void leave_all(crowd *c) {
    for (uint32_t i = 0; i < c->connected; i++) {
        if (c->readers[i].conn) wsm_conn_closed(c->readers[i].conn);
        c->readers[i].conn = NULL;
    }
}

static void look_twice(crowd *c) {
    for (int i = 0; i < EXTRA_ROUNDS; i++) {
        wsm_hub_tick(c->hub);
        usleep(PAUSE_US);
    }
}

static void story(crowd *c) {
    become_known(c);
    mention_all(c);
    close_hub(c);
    open_hub(c);
    connect_all(c);
    wait_for(c, &c->arrived, c->deliveries);
    look_twice(c);
    uint64_t once = 0;
    for (uint32_t i = 0; i < c->deliveries; i++) once += c->mentions[i].arrivals == 1;
    check(c, once == c->deliveries, "after a restart each mention reaches its target once");
    check(c, c->strays == 0, "nobody gets what is another's");
    if (once == c->deliveries) answer_all(c);
    leave_all(c);
    close_hub(c);
    open_hub(c);
    connect_all(c);
    look_twice(c);
    check(c, c->arrived == c->deliveries, "after another restart none comes again");
    printf("report: %u agents known, %u connected, %u deliveries over a restart, %llu of them exactly once\n", c->known,
           c->connected, c->deliveries, (unsigned long long)once);
    leave_all(c);
    close_hub(c);
}

static uint32_t number(const char *text, const char *name, uint32_t least) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (!*text || *end || value < least || value > 10000000) die(name, "a number was expected");
    return (uint32_t)value;
}

int main(int argc, char **argv) {
    crowd c = {.known = 100000, .connected = 1000, .deliveries = 100000};
    for (int i = 1; i < argc; i += 2) {
        uint32_t *what = strcmp(argv[i], "--known") == 0        ? &c.known
                         : strcmp(argv[i], "--connected") == 0  ? &c.connected
                         : strcmp(argv[i], "--deliveries") == 0 ? &c.deliveries
                                                                : NULL;
        if (!what || i + 1 == argc) die(argv[i], "expected --known N, --connected N or --deliveries N");
        *what = number(argv[i + 1], argv[i], 1);
    }
    if (c.known <= c.connected) die("--known", "more than are connected were expected");
    strcpy(c.dir, "/tmp/wsm-mailboxes-XXXXXX");
    if (!mkdtemp(c.dir)) die(c.dir, "cannot be made");
    snprintf(c.path, sizeof c.path, "%s/log.db", c.dir);
    c.readers = calloc(c.connected, sizeof *c.readers);
    c.mentions = calloc(c.deliveries, sizeof *c.mentions);
    if (!c.readers || !c.mentions) die("memory", "is short");
    open_hub(&c);
    story(&c);
    static const char *const tails[] = {"", "-wal", "-shm", "-lock"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", c.path, tails[i]);
        unlink(path);
    }
    rmdir(c.dir);
    free(c.readers);
    free(c.mentions);
    printf("%u passed, %u failed\n", c.passed, c.failed);
    return c.failed ? 1 : 0;
}
