/* Clients by the thousand against the real wsmd, with cuts and kills.
 *
 *     torture [--wsmd PATH] [--data DIR] [--connections N] [--publishers N] [--seconds N] [--kills N]
 *
 * Every client follows the main context and checks that its sequence has no hole that no `gap` tells of, and no repeat
 * that a resume does not explain. Publishers send updates and send them again, with the same id, until they are
 * answered. All the while random connections are cut and the server is killed with SIGKILL and started again. At the
 * end every update whose ack said `durable` must be in the log exactly once, and every client must have come to the
 * log's end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "wsm/json.h"
#include "wsm/uv.h"
#include "wsm/wsm.h"

#define PUBLISH_MS    1500
#define SETTLE_S      60
#define UPDATES_MAX   400000u
#define LINK_RETRY_MS 200

typedef struct update {
    int acked; /* 1: durable */
} update;

typedef struct agent {
    wsm_uv_client *link; /* first: wsm_uv_connect sets it */
    struct world *world;
    int idx;
    int open, gone; /* gone: the link is being closed */
    char epoch[17];
    uint64_t position, offset, seq;
    uint64_t heard; /* highest offset on this very connection */
    uv_timer_t timer;
    char token[1024];
    uint32_t pending; /* number of the update that waits for its answer; 0: none */
    uint64_t sent_at, next_at;
    int may_send; /* welcome, and replay_end where there is one, have come */
} agent;

typedef struct world {
    uv_loop_t *loop;
    agent *agents;
    int connections, publishers, seconds, kills;
    const char *wsmd, *data;
    int port;
    pid_t server;
    int stopping;
    unsigned seed;
    update *updates;
    uint32_t updates_count;
    uint64_t started_at, next_kill_at, records, resent, gaps, cuts, reconnects;
    int killed, holes, repeats, surprises;
    int ended_well; /* the server, when it was asked to */
    uv_timer_t beat;
    unsigned char secret[64];
    size_t secret_len;
    char kid[64];
} world;

static void connect_agent(agent *a);

/* ---- the server -----------------------------------------------------------------------------------------------------
 */

static void start_server(world *w) {
    int out[2];
    char listen[64], line[256] = "";
    if (pipe(out)) exit(1);
    snprintf(listen, sizeof listen, "127.0.0.1:%d", w->port);
    w->server = fork();
    if (w->server == 0) {
        dup2(out[1], 1);
        close(out[0]);
        int err = open("/dev/null", O_WRONLY);
        if (err >= 0 && !getenv("TORTURE_VERBOSE")) dup2(err, 2);
        execl(w->wsmd, "wsmd", "--data", w->data, "--listen", listen, "--set", "connections_per_address=0", "--set",
              "preauth_per_address=0", "--set", "preauth_max=0", "--set", "connections_per_s=0", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *in = fdopen(out[0], "r");
    while (in && fgets(line, sizeof line, in)) {
        char *at = strstr(line, "listening on http://127.0.0.1:");
        if (!at) continue;
        w->port = atoi(at + strlen("listening on http://127.0.0.1:"));
        break;
    }
    if (in) fclose(in);
    if (w->port == 0) {
        fprintf(stderr, "torture: %s did not start\n", w->wsmd);
        exit(1);
    }
}

static void kill_server(world *w) {
    int status;
    kill(w->server, SIGKILL);
    waitpid(w->server, &status, 0);
}

static void read_secret(world *w) {
    char path[512], hex[256];
    snprintf(path, sizeof path, "%s/secret.key", w->data);
    FILE *in = fopen(path, "r");
    if (!in || fscanf(in, "%63s %255s", w->kid, hex) != 2) {
        fprintf(stderr, "torture: no secret in %s\n", path);
        exit(1);
    }
    fclose(in);
    for (w->secret_len = 0; hex[2 * w->secret_len]; w->secret_len++) {
        unsigned byte;
        sscanf(hex + 2 * w->secret_len, "%2x", &byte);
        w->secret[w->secret_len] = (unsigned char)byte;
    }
}

static void mint(agent *a) {
    wsm_claims claims;
    wsm_key key;
    char name[32];
    size_t len;
    wsm_claims_init(&claims, sizeof claims);
    wsm_key_init(&key, sizeof key);
    snprintf(name, sizeof name, "agent-%d", a->idx);
    claims.sub = (wsm_slice){name, strlen(name)};
    claims.iat = (int64_t)time(NULL);
    claims.exp = claims.iat + 3600;
    claims.permission = WSM_PERMISSION_ACTIVE;
    key.kid = a->world->kid;
    key.secret = a->world->secret;
    key.secret_len = a->world->secret_len;
    if (wsm_token_mint(&claims, &key, a->token, sizeof a->token, &len)) {
        fprintf(stderr, "torture: no token\n");
        exit(1);
    }
}

/* ---- one client -----------------------------------------------------------------------------------------------------
 */

static void on_retry(uv_timer_t *timer) {
    agent *a = timer->data;
    if (!a->link) connect_agent(a);
}

static void on_gone(void *user) {
    agent *a = user;
    a->link = NULL;
    a->gone = 0;
    if (a->world->stopping < 2)
        uv_timer_start(&a->timer, on_retry, LINK_RETRY_MS + (uint64_t)(rand_r(&a->world->seed) % 300), 0);
}

static void leave(agent *a) {
    if (a->gone || !a->link) return;
    wsm_client *client = wsm_uv_client_get(a->link);
    char epoch[17];
    uint64_t position = client ? wsm_client_position(client, epoch) : 0;
    if (client && epoch[0]) {
        memcpy(a->epoch, epoch, sizeof epoch);
        a->position = position;
    }
    a->gone = 1;
    a->open = a->may_send = 0;
    wsm_uv_client_close(a->link, on_gone, a);
}

static void send_update(agent *a, uint32_t number) {
    char text[256];
    int len =
        snprintf(text, sizeof text,
                 "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-%012x\",\"topic\":\"torture\","
                 "\"exchange\":{\"from\":%d,\"number\":%u}}",
                 number, a->idx, number);
    a->pending = number;
    a->sent_at = uv_now(a->world->loop);
    wsm_client_send(wsm_uv_client_get(a->link), WSM_DATA_TEXT, text, (size_t)len);
}

static long long number_in(wsm_slice json, const char *name) {
    wsm_json_member members[40];
    size_t count = 0;
    if (wsm_json_members(json.ptr, json.len, members, 40, &count, NULL, NULL)) return -1;
    for (size_t i = 0; i < count; i++)
        if (members[i].key.len == strlen(name) && memcmp(members[i].key.ptr, name, members[i].key.len) == 0)
            return atoll(members[i].value.ptr);
    return -1;
}

static int has(wsm_slice json, const char *text) {
    return memmem(json.ptr, json.len, text, strlen(text)) != NULL;
}

static void on_record(agent *a, const wsm_client_message *m) {
    world *w = a->world;
    uint64_t seq = (uint64_t)number_in(m->json, "seq");
    w->records++;
    if (m->offset <= a->heard) {
        w->repeats++;
        fprintf(stderr, "torture: agent %d: offset %llu twice on one connection\n", a->idx,
                (unsigned long long)m->offset);
    }
    a->heard = m->offset;
    if (m->offset <= a->offset) { /* sent again, because the position had not come as far */
        w->resent++;
        return;
    }
    if (a->seq && seq != a->seq + 1) {
        w->holes++;
        fprintf(stderr, "torture: agent %d: after seq %llu came %llu\n", a->idx, (unsigned long long)a->seq,
                (unsigned long long)seq);
    }
    a->seq = seq;
    a->offset = m->offset;
}

static void on_answer(agent *a, const wsm_client_message *m) {
    if (m->original_message_id.len != 36 || !a->pending) return;
    uint32_t number = (uint32_t)strtoul(m->original_message_id.ptr + 24, NULL, 16);
    if (number != a->pending) return;
    if (m->type.len == 5 && memcmp(m->type.ptr, "error", 5) == 0) {
        if (has(m->json, "\"retry\":\"never\"")) {
            a->world->surprises++;
            fprintf(stderr, "torture: %.*s\n", (int)m->json.len, m->json.ptr);
            a->pending = 0;
        }
        return; /* later again */
    }
    if (has(m->json, "\"durable\":true")) a->world->updates[number].acked = 1;
    a->pending = 0;
}

static void on_message(void *user, wsm_client *client, const wsm_client_message *m) {
    agent *a = user;
    (void)client;
    if (m->type.len == 13 && memcmp(m->type.ptr, "memory_update", 13) == 0) {
        on_record(a, m);
    } else if (m->type.len == 3 && memcmp(m->type.ptr, "gap", 3) == 0) {
        a->world->gaps++;
        a->seq = (uint64_t)number_in(m->json, "to_seq");
        a->offset = (uint64_t)number_in(m->json, "to_offset");
    } else if (m->type.len == 7 && memcmp(m->type.ptr, "welcome", 7) == 0) {
        a->may_send = !has(m->json, "\"resume\":\"replayed\"") && !has(m->json, "\"resume\":\"gap\"");
        if (has(m->json, "\"resume\":\"resync\"")) {
            a->world->surprises++;
            fprintf(stderr, "torture: agent %d is told to resync\n", a->idx);
        }
    } else if (m->type.len == 10 && memcmp(m->type.ptr, "replay_end", 10) == 0) {
        a->may_send = 1;
    } else {
        on_answer(a, m);
    }
    if (a->may_send && a->pending && !a->open) { /* unanswered before the cut: the same again */
        a->open = 1;
        send_update(a, a->pending);
    }
    if (a->may_send) a->open = 1;
}

static void on_close(void *user, wsm_client *client, uint16_t code, wsm_slice reason) {
    (void)client, (void)code, (void)reason;
    leave(user);
}

static void connect_agent(agent *a) {
    wsm_client_config config;
    wsm_client_host host;
    char url[64];
    wsm_client_config_init(&config, sizeof config);
    wsm_client_host_init(&host, sizeof host);
    host.on_message = on_message;
    host.on_close = on_close;
    config.token = a->token;
    if (a->epoch[0]) {
        config.epoch = a->epoch;
        config.after = a->position;
    }
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/ws", a->world->port);
    a->world->reconnects++;
    a->heard = 0;
    if (wsm_uv_connect(&a->link, a->world->loop, url, NULL, &config, &host, a))
        uv_timer_start(&a->timer, on_retry, LINK_RETRY_MS, 0);
}

/* ---- the course of it -----------------------------------------------------------------------------------------------
 */

static void publish(world *w) {
    uint64_t now = uv_now(w->loop);
    for (int i = 0; i < w->publishers; i++) {
        agent *a = &w->agents[i];
        if (!a->link || a->gone || !a->open || !a->may_send) continue;
        if (a->pending) {
            if (now - a->sent_at > 3000) send_update(a, a->pending);
        } else if (!w->stopping && now >= a->next_at && w->updates_count + 1 < UPDATES_MAX) {
            a->next_at = now + PUBLISH_MS / 2 + (uint64_t)(rand_r(&w->seed) % PUBLISH_MS);
            send_update(a, ++w->updates_count);
        }
    }
}

static int is_settled(const world *w) {
    uint64_t head = 0;
    for (int i = 0; i < w->connections; i++) {
        if (w->agents[i].pending || !w->agents[i].open) return 0;
        if (w->agents[i].offset > head) head = w->agents[i].offset;
    }
    for (int i = 0; i < w->connections; i++)
        if (w->agents[i].offset != head) return 0;
    return 1;
}

static void end(world *w) {
    w->stopping = 2;
    uv_timer_stop(&w->beat);
    for (int i = 0; i < w->connections; i++) {
        uv_timer_stop(&w->agents[i].timer);
        leave(&w->agents[i]);
    }
}

static void on_beat(uv_timer_t *timer) {
    world *w = timer->data;
    uint64_t now = uv_now(w->loop), ran = now - w->started_at;
    publish(w);
    if (!w->stopping && w->connections > 50)
        for (int k = 0; k < 2; k++) {
            leave(&w->agents[rand_r(&w->seed) % w->connections]);
            w->cuts++;
        }
    if (!w->stopping && w->killed < w->kills && now >= w->next_kill_at) {
        w->killed++;
        w->next_kill_at += (uint64_t)w->seconds * 1000 / (uint64_t)(w->kills + 1);
        kill_server(w);
        start_server(w);
        uv_update_time(w->loop);
    }
    if (ran >= (uint64_t)w->seconds * 1000 && w->killed >= w->kills) w->stopping = 1;
    if (w->stopping == 1 && is_settled(w)) end(w);
    if (ran >= (uint64_t)(w->seconds + SETTLE_S) * 1000) {
        fprintf(stderr, "torture: not settled in time\n");
        w->surprises++;
        end(w);
    }
}

/* How often each acknowledged update is in the log. */
static int count_lost(world *w, uint32_t *acked) {
    char path[512];
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    unsigned char *seen = calloc(UPDATES_MAX, 1);
    int wrong = 0;
    snprintf(path, sizeof path, "%s/log.db", w->data);
    if (!seen || sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ||
        sqlite3_prepare_v2(db, "SELECT bytes FROM record", -1, &stmt, NULL)) {
        fprintf(stderr, "torture: %s: %s\n", path, sqlite3_errmsg(db));
        exit(1);
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *bytes = sqlite3_column_blob(stmt, 0);
        const char *at = memmem(bytes, (size_t)sqlite3_column_bytes(stmt, 0), "00000000-0000-4000-8000-", 24);
        if (at) seen[strtoul(at + 24, NULL, 16)]++;
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    for (uint32_t i = 1; i <= w->updates_count; i++) {
        *acked += (uint32_t)w->updates[i].acked;
        if (seen[i] > 1 || (w->updates[i].acked && seen[i] != 1)) {
            wrong++;
            fprintf(stderr, "torture: update %u is in the log %u times\n", i, seen[i]);
        }
    }
    free(seen);
    return wrong;
}

static int number_of(const char *text) {
    int number = atoi(text ? text : "");
    return number > 0 ? number : 1;
}

static void read_args(world *w, int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--wsmd")) w->wsmd = argv[i + 1];
        if (!strcmp(argv[i], "--data")) w->data = argv[i + 1];
        if (!strcmp(argv[i], "--connections")) w->connections = number_of(argv[i + 1]);
        if (!strcmp(argv[i], "--publishers")) w->publishers = number_of(argv[i + 1]);
        if (!strcmp(argv[i], "--seconds")) w->seconds = number_of(argv[i + 1]);
        if (!strcmp(argv[i], "--kills")) w->kills = number_of(argv[i + 1]);
    }
    if (w->publishers > w->connections) w->publishers = w->connections;
}

static int report(world *w) {
    uint32_t acked = 0;
    int wrong = count_lost(w, &acked), behind = 0;
    uint64_t head = 0;
    for (int i = 0; i < w->connections; i++)
        if (w->agents[i].offset > head) head = w->agents[i].offset;
    for (int i = 0; i < w->connections; i++) behind += w->agents[i].offset != head;
    printf("torture: %d connections, %d publishers, %d s, %d kills, %llu cuts, %llu connects\n", w->connections,
           w->publishers, w->seconds, w->killed, (unsigned long long)w->cuts, (unsigned long long)w->reconnects);
    printf("report: %d kills, %u updates, %u acknowledged as durable, %d of them not in the log exactly once\n",
           w->killed, w->updates_count, acked, wrong);
    printf("torture: %llu records received, %llu of them again after a resume, %llu gaps, %d holes, %d repeats, %d "
           "clients behind\n",
           (unsigned long long)w->records, (unsigned long long)w->resent, (unsigned long long)w->gaps, w->holes,
           w->repeats, behind);
    int checks[] = {wrong == 0 && acked > 0, w->holes == 0,         w->repeats == 0, behind == 0 && head > 0,
                    w->surprises == 0,       w->killed == w->kills, w->ended_well};
    int passed = 0, all = (int)(sizeof checks / sizeof *checks);
    for (int i = 0; i < all; i++) passed += checks[i];
    printf("%d passed, %d failed\n", passed, all - passed);
    return passed == all ? 0 : 1;
}

int main(int argc, char **argv) {
    static world w = {.connections = 1000, .publishers = 100, .seconds = 60, .kills = 20, .wsmd = "build/bin/wsmd"};
    char dir[] = "/tmp/wsm-torture-XXXXXX", command[600];
    struct rlimit files = {65536, 65536};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_args(&w, argc, argv);
    int own = !w.data;
    if (own) w.data = mkdtemp(dir);
    w.seed = 20261123;
    w.loop = uv_default_loop();
    w.updates = calloc(UPDATES_MAX, sizeof *w.updates);
    w.agents = calloc((size_t)w.connections, sizeof *w.agents);
    if (!w.data || !w.updates || !w.agents) return 1;
    start_server(&w);
    read_secret(&w);
    for (int i = 0; i < w.connections; i++) {
        agent *a = &w.agents[i];
        a->world = &w;
        a->idx = i;
        a->timer.data = a;
        uv_timer_init(w.loop, &a->timer);
        mint(a);
        uv_timer_start(&a->timer, on_retry, (uint64_t)(i / 2), 0);
    }
    w.started_at = uv_now(w.loop);
    w.next_kill_at = w.started_at + (uint64_t)w.seconds * 1000 / (uint64_t)(w.kills + 1);
    w.beat.data = &w;
    uv_timer_init(w.loop, &w.beat);
    uv_timer_start(&w.beat, on_beat, 50, 50);
    uv_run(w.loop, UV_RUN_DEFAULT);
    int status = -1;
    kill(w.server, SIGTERM);
    waitpid(w.server, &status, 0);
    w.ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!w.ended_well) fprintf(stderr, "torture: the server ended with %#x\n", (unsigned)status);
    int code = report(&w);
    snprintf(command, sizeof command, "rm -rf '%s'", w.data);
    if (own && code == 0 && system(command)) fprintf(stderr, "torture: %s stays\n", w.data);
    return code;
}
