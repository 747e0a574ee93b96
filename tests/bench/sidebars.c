/* Sidebars by the thousand, in one process and without sockets: what a sidebar and a record in it cost in memory and
 * time.
 *
 *     sidebars COUNT RECORDS      10000 100 by default
 *
 * The host begins COUNT sidebars at depths 1 to 8, puts RECORDS updates into each, and merges all, the deepest first.
 * Then it begins sidebars under main, which inherit all of it, and reads ten of the inherited records: with ten records
 * there, and with a million. One line each: what, how many, nanoseconds and bytes for one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "wsm/wsm.h"

#define DEPTH 8

typedef struct bench {
    size_t used; /* bytes that the hub holds; first, for bench_alloc */
    wsm_hub *hub;
    int64_t wall;
    char id[64]; /* of the last sidebar */
    int failed;
} bench;

static int64_t wall(void *user) {
    return ((bench *)user)->wall;
}

static void on_result(void *user, const wsm_result *result) {
    bench *b = user;
    static const char name[] = "\"sidebar_id\":\"";
    if (result->err) {
        if (!b->failed) fprintf(stderr, "%s: %s\n", result->field ? result->field : "", result->message);
        b->failed = 1;
    }
    for (size_t i = 0; result->json.ptr && i + sizeof name < result->json.len; i++)
        if (memcmp(result->json.ptr + i, name, sizeof name - 1) == 0)
            sscanf(result->json.ptr + i + sizeof name - 1, "%63[^\"]", b->id);
}

static void say(bench *b, const char *json) {
    if (wsm_submit(b->hub, NULL, json, strlen(json), 1)) bench_die("wsm_submit");
    wsm_hub_tick(b->hub);
}

static void row(const char *what, size_t count, uint64_t ns, long long bytes) {
    printf("%-44s %9zu %10.0f %10.0f\n", what, count, (double)ns / (double)count, (double)bytes / (double)count);
}

static void begin(bench *b, wsm_host *host) {
    wsm_config config;
    memset(b, 0, sizeof *b);
    b->wall = 1767323045000;
    wsm_config_init(&config, sizeof config);
    config.memory_budget_bytes = 0;
    config.sidebar_children_max = 0;
    wsm_host_init(host, sizeof *host);
    host->alloc = bench_alloc;
    host->clock_wall = wall;
    host->bytes_waiting = bench_ignore;
    host->close_transport = bench_ignore;
    host->on_result = on_result;
    if (wsm_hub_new(&b->hub, &config, host, NULL, b)) bench_die("wsm_hub_new");
    wsm_hub_tick(b->hub);
}

static void live(size_t count, size_t records) {
    bench b;
    wsm_host host;
    char text[512], (*ids)[64] = calloc(count, sizeof *ids);
    if (!ids) bench_die("calloc");
    begin(&b, &host);
    size_t used = b.used;
    uint64_t at = bench_cpu_ns();
    for (size_t i = 0; i < count; i++) {
        const char *parent = i % DEPTH == 0 ? "main" : ids[i - 1];
        snprintf(text, sizeof text,
                 "{\"type\":\"sidebar_spawn\",\"parent_id\":\"%s\",\"task\":\"t\",\"participants\":[]}", parent);
        say(&b, text);
        memcpy(ids[i], b.id, sizeof *ids);
    }
    row("begin a sidebar, depths 1 to 8", count, bench_cpu_ns() - at, (long long)(b.used - used));
    used = b.used;
    at = bench_cpu_ns();
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < records; k++) {
            snprintf(text, sizeof text, "{\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"%064zu\"}",
                     ids[i], k);
            say(&b, text);
        }
    row("a record of 64 bytes in a sidebar", count * records, bench_cpu_ns() - at, (long long)(b.used - used));
    used = b.used;
    at = bench_cpu_ns();
    for (size_t i = count; i > 0; i--) {
        snprintf(text, sizeof text,
                 "{\"type\":\"sidebar_merge\",\"sidebar_id\":\"%s\",\"exchanges_to_merge\":\"none\"}", ids[i - 1]);
        say(&b, text);
    }
    row("merge one, findings put together", count, bench_cpu_ns() - at, (long long)(b.used - used));
    wsm_hub_free(b.hub);
    free(ids);
    if (b.failed || b.used) bench_die(b.used ? "leak" : "a command failed");
}

static void inherit(size_t records) {
    bench b;
    wsm_host host;
    char what[64];
    enum { TRIES = 2000 };
    begin(&b, &host);
    for (size_t i = 0; i < records; i++) say(&b, "{\"type\":\"memory_update\",\"exchange\":1}");
    size_t used = b.used;
    uint64_t at = bench_cpu_ns();
    for (int i = 0; i < TRIES; i++) say(&b, "{\"type\":\"sidebar_spawn\",\"task\":\"t\",\"participants\":[]}");
    snprintf(what, sizeof what, "begin under a parent of %zu records", records);
    row(what, TRIES, bench_cpu_ns() - at, (long long)(b.used - used));
    char ask[200]; /* the newest ten: the farthest from where memory begins */
    snprintf(
        ask, sizeof ask,
        "{\"type\":\"context_request\",\"context_id\":\"%s\",\"records\":{\"of\":\"main\",\"after\":%zu,\"limit\":10}}",
        b.id, records - 10);
    at = bench_cpu_ns();
    for (int i = 0; i < TRIES; i++) say(&b, ask);
    snprintf(what, sizeof what, "read ten of %zu inherited records", records);
    row(what, TRIES, bench_cpu_ns() - at, 0);
    wsm_hub_free(b.hub);
    if (b.failed) bench_die("a command failed");
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000, records = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
    printf("%-44s %9s %10s %10s\n", "", "count", "ns each", "bytes each");
    live(count, records);
    inherit(10);
    inherit(1000000);
    return 0;
}
