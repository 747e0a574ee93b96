/* Mentions by the hundred thousand, in one process and without sockets: what routing one costs when so many agents are
 * known, what a known agent and a delivery that waits hold in memory, and what the Bloom filter before the lookup of
 * handles spares.
 *
 *     mention [AGENTS]      a hub with up to so many, from 100 on by factors of 10; 100000 by default
 *
 * CPU time of the process. One line each: what, how many agents, nanoseconds and bytes for one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "route/roster.h"
#include "wsm/wsm.h"

#define MENTIONS 20000u
#define LOOKUPS  1000000u

typedef struct bench {
    size_t used; /* bytes that the hub holds; first, for bench_alloc */
    wsm_hub *hub;
    int failed;
} bench;

static void on_result(void *user, const wsm_result *result) {
    if (result->err) ((bench *)user)->failed = result->err;
}

static void begin(bench *b) {
    wsm_config config;
    wsm_host host;
    memset(b, 0, sizeof *b);
    wsm_config_init(&config, sizeof config);
    config.memory_budget_bytes = config.mailbox_total_bytes_max = 0;
    config.agent_messages_per_s = 0;
    wsm_host_init(&host, sizeof host);
    host.alloc = bench_alloc;
    host.bytes_waiting = bench_ignore;
    host.close_transport = bench_ignore;
    host.on_result = on_result;
    if (wsm_hub_new(&b->hub, &config, &host, NULL, b)) bench_die("wsm_hub_new");
}

static void say(bench *b, const char *as_agent, const char *json) {
    if (wsm_submit(b->hub, as_agent, json, strlen(json), 1)) bench_die("wsm_submit");
    wsm_hub_tick(b->hub);
    if (b->failed) bench_die("refused");
}

static void row(const char *what, size_t count, double ns, double bytes) {
    printf("%-44s %9zu %10.0f %10.0f\n", what, count, ns, bytes);
    fflush(stdout);
}

static void routing(uint32_t agents) {
    bench b;
    char text[160];
    begin(&b);
    size_t before = b.used;
    uint64_t began = bench_cpu_ns();
    for (uint32_t i = 0; i < agents; i++) {
        snprintf(text, sizeof text, "agent%u", i);
        say(&b, text, "{\"type\":\"memory_update\",\"exchange\":\"x\"}");
    }
    row("an agent becomes known", agents, (double)(bench_cpu_ns() - began) / agents,
        (double)(b.used - before) / agents);
    before = b.used;
    began = bench_cpu_ns();
    for (uint32_t i = 0; i < MENTIONS; i++) {
        snprintf(text, sizeof text,
                 "{\"type\":\"mention_route\",\"target_agents\":[\"agent%u\"],\"message\":\"hello\"}",
                 (uint32_t)((uint64_t)i * 2654435761u % agents));
        say(&b, NULL, text);
    }
    row("a mention is routed, and waits", agents, (double)(bench_cpu_ns() - began) / MENTIONS,
        (double)(b.used - before) / MENTIONS);
    wsm_hub_free(b.hub);
}

static double look_up(const wsm__roster *roster, uint32_t *found) {
    char text[32];
    uint64_t began = bench_cpu_ns();
    *found = 0;
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        int len = snprintf(text, sizeof text, "nobody%u", i);
        *found += wsm__roster_handle(roster, wsm__slice(text, (size_t)len)) != WSM__ROSTER_NONE;
    }
    return (double)(bench_cpu_ns() - began) / LOOKUPS;
}

/* Words behind an @ that are nobody's handle. */
static void filter(uint32_t agents) {
    static const unsigned char seed[16] = "bench of mention";
    bench b = {0};
    wsm__mem mem;
    wsm__roster roster;
    char text[32];
    uint32_t idx, found, passed = 0;
    wsm__mem_init(&mem, bench_alloc, &b, 0);
    wsm__roster_init(&roster, &mem, seed);
    for (uint32_t i = 0; i < agents; i++) {
        int len = snprintf(text, sizeof text, "agent%u", i);
        if (wsm__roster_put(&roster, wsm__slice(text, (size_t)len), WSM_KIND_AGENT, wsm__slice(NULL, 0), &idx, NULL))
            bench_die("wsm__roster_put");
    }
    row("a card in the roster alone", agents, 0, (double)b.used / agents);
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        int len = snprintf(text, sizeof text, "nobody%u", i);
        passed += wsm__bloom_may_have(&roster.handles, text, (size_t)len);
    }
    row("an unknown handle, with the filter", agents, look_up(&roster, &found),
        (double)roster.handles.bits / 8 / agents);
    uint64_t *words = roster.handles.words;
    roster.handles.words = NULL; /* now everything may be in it */
    row("an unknown handle, without the filter", agents, look_up(&roster, &found), 0);
    roster.handles.words = words;
    printf("%-44s %9u %10.4f\n", "false positives of the filter, percent", agents, 100.0 * passed / LOOKUPS);
    wsm__roster_fini(&roster);
}

int main(int argc, char **argv) {
    uint32_t most = argc > 1 ? (uint32_t)atoi(argv[1]) : 100000;
    printf("%-44s %9s %10s %10s\n", "", "agents", "ns", "bytes");
    for (uint32_t agents = 100; agents <= most; agents *= 10) routing(agents);
    for (uint32_t agents = 100; agents <= 1000000; agents *= 100) filter(agents);
    return 0;
}
