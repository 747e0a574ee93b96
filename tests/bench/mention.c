/* Mentions by the hundred thousand, in one process and without sockets: what routing one costs when so many agents are
 * known, what a known agent and a delivery that waits hold in memory, and what the Bloom filter before the lookup of
 * handles spares.
 *
 *     mention [AGENTS]        a hub with up to so many, from 100 on by factors of 10; 1000000 by default
 *     mention count AGENTS    2000 mentions among so many, for callgrind: it counts the instructions of nothing else
 *
 * CPU time of the process. One line each: what, how many agents, nanoseconds and bytes for one. What grows there with
 * the agents is the time to fetch an agent's state from memory; bench.py counts the instructions beside it:
 *
 *     valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=/dev/null mention count 1000000 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "route/roster.h"
#include "wsm/wsm.h"

#if defined __has_include
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_START_INSTRUMENTATION (void)0
#define CALLGRIND_STOP_INSTRUMENTATION  (void)0
#endif

#define MENTIONS 20000u
#define COUNTED  2000u
#define ARENA    ((size_t)64 << 20)
#define LOOKUPS  1000000u

typedef struct bench {
    size_t used; /* bytes that the hub holds; first, for bench_alloc */
    wsm_hub *hub;
    uint64_t now; /* ms: only what is measured happens, and nothing by the clock */
    int failed;
} bench;

static void on_result(void *user, const wsm_result *result) {
    if (result->err) ((bench *)user)->failed = result->err;
}

static uint64_t mono(void *user) {
    return ((bench *)user)->now;
}

static int64_t wall(void *user) {
    return INT64_C(1800000000000) + (int64_t)((bench *)user)->now;
}

/* An allocator whose work does not depend on what was freed before: lists of blocks of a power of two. Where
 * instructions are counted, those of malloc would say more of the past of its heap than of a mention. */
#define CLASSES 40

static void *flat_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    static void *freed[CLASSES];
    static char *arena;
    static size_t left;
    unsigned class = 4, old_class = 4;
    (void)user;
    while (new_size > (size_t)1 << class) class ++;
    while (old_size > (size_t)1 << old_class) old_class++;
    if (old_size > 0 && new_size > 0 && class == old_class) return ptr;
    char *to = NULL;
    size_t size = (size_t)1 << class;
    if (new_size > 0 && freed[class]) {
        to = freed[class];
        memcpy(&freed[class], to, sizeof(void *));
    } else if (new_size > 0) {
        if (size > left) {
            left = size > ARENA ? size : ARENA;
            arena = malloc(left);
            if (!arena) bench_die("malloc");
        }
        to = arena;
        arena += size;
        left -= size;
    }
    if (to && old_size > 0) memcpy(to, ptr, old_size < new_size ? old_size : new_size);
    if (old_size > 0) {
        memcpy(ptr, &freed[old_class], sizeof(void *));
        freed[old_class] = ptr;
    }
    return to;
}

static void begin(bench *b, wsm_alloc_fn alloc) {
    wsm_config config;
    wsm_host host;
    *b = (bench){.now = 1};
    wsm_config_init(&config, sizeof config);
    config.memory_budget_bytes = config.mailbox_total_bytes_max = 0;
    config.agent_messages_per_s = 0;
    config.mentions_per_min_to_agent = config.mention_pair_per_min = UINT32_C(1000000);
    wsm_host_init(&host, sizeof host);
    host.alloc = alloc;
    host.bytes_waiting = bench_ignore;
    host.close_transport = bench_ignore;
    host.on_result = on_result;
    host.clock_mono = mono;
    host.clock_wall = wall;
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

static void know(bench *b, uint32_t agents) {
    char text[32];
    for (uint32_t i = 0; i < agents; i++) {
        snprintf(text, sizeof text, "agent%u", i);
        say(b, text, "{\"type\":\"memory_update\",\"exchange\":\"x\"}");
    }
}

/* What an hour puts away of those who became known is put away, and the last of them has a mailbox: the array of
 * mailboxes has grown. */
static void settle(bench *b, uint32_t agents) {
    char text[160];
    for (int minutes = 0; minutes < 60; minutes++) {
        b->now += 60000;
        for (int turns = 0; turns < 100000 && wsm_hub_tick(b->hub) == 0; turns++) continue;
    }
    snprintf(text, sizeof text, "{\"type\":\"mention_route\",\"target_agents\":[\"agent%u\"],\"message\":\"hello\"}",
             agents - 1);
    say(b, NULL, text);
}

/* From the host, or from an agent, which has a purse of wakes besides. */
static void mention(bench *b, uint32_t i, uint32_t agents, bool from_agent) {
    char text[160], sender[32];
    uint32_t target = (uint32_t)((uint64_t)i * 2654435761u % agents);
    snprintf(sender, sizeof sender, "agent%u", (target + 1 + i % (agents - 1)) % agents);
    snprintf(text, sizeof text, "{\"type\":\"mention_route\",\"target_agents\":[\"agent%u\"],\"message\":\"hello\"}",
             target);
    say(b, from_agent ? sender : NULL, text);
}

static void routing(uint32_t agents) {
    bench b;
    begin(&b, bench_alloc);
    size_t before = b.used;
    uint64_t began = bench_cpu_ns();
    know(&b, agents);
    row("an agent becomes known", agents, (double)(bench_cpu_ns() - began) / agents,
        (double)(b.used - before) / agents);
    settle(&b, agents);
    before = b.used;
    began = bench_cpu_ns();
    for (uint32_t i = 0; i < MENTIONS; i++) mention(&b, i, agents, false);
    row("a mention is routed, and waits", agents, (double)(bench_cpu_ns() - began) / MENTIONS,
        (double)(b.used - before) / MENTIONS);
    wsm_hub_free(b.hub);
}

static void count(uint32_t agents) {
    bench b;
    begin(&b, flat_alloc);
    know(&b, agents);
    settle(&b, agents);
    uint64_t began = bench_cpu_ns();
    CALLGRIND_START_INSTRUMENTATION;
    for (uint32_t i = 0; i < COUNTED; i++) mention(&b, i, agents, true);
    CALLGRIND_STOP_INSTRUMENTATION;
    printf("mentions %u ns %.0f\n", COUNTED, (double)(bench_cpu_ns() - began) / COUNTED);
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
    if (argc == 3 && strcmp(argv[1], "count") == 0) {
        count((uint32_t)atoi(argv[2]));
        return 0;
    }
    uint32_t most = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000000;
    printf("%-44s %9s %10s %10s\n", "", "agents", "ns", "bytes");
    for (uint32_t agents = 100; agents <= most; agents *= 10) routing(agents);
    for (uint32_t agents = 100; agents <= 1000000; agents *= 100) filter(agents);
    return 0;
}
