/* Sidebars and mentions on a SQLite log whose disk fails or loses its power at any call: what was acknowledged as
 * durable is known to the hub that loads the log afterwards (I-20, I-30), and loading it again gives the same (I-24).
 */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hub_world.h"
#include "vfs_power.h"
#include "wsm/sqlite.h"

#define TRIES    4000 /* of 0.25 ms */
#define EACH_NTH 3    /* of the calls that reach the disk */
#define COMMANDS (sizeof commands / sizeof *commands)

static const struct command {
    int who; /* 0: ada, 1: bob */
    const char *type, *rest;
} commands[] = {
    {0, "sidebar_spawn", ",\"task\":\"t\",\"participants\":[\"bob\"],\"visibility\":\"private\""},
    {1, "data_ref", ",\"context_id\":\"$\",\"name\":\"n\",\"value\":1"},
    {0, "mention_route", ",\"target_agents\":[\"bob\"],\"message\":\"m\""},
    {1, "mention_ack", ",\"mention_id\":\"00000000-0000-4000-8000-000000000002\",\"state\":\"working\""},
    {1, "memory_update", ",\"context_id\":\"$\",\"exchange\":\"@ada\""},
    {0, "sidebar_pause", ",\"sidebar_id\":\"$\",\"reason\":\"r\""},
    {0, "data_ref", ",\"name\":\"n\",\"value\":{\"a\":[1]}"},
    {1, "sidebar_resume", ",\"sidebar_id\":\"$\",\"reason\":\"r\""},
    {0, "sidebar_test_result",
     ",\"sidebar_id\":\"$\",\"test_description\":\"t\",\"result\":\"passed\",\"findings\":\"f\""},
};

typedef struct life {
    hub_world world;
    char dir[64], path[96];
    wsm_sqlite *db;
    peer *agents[2];
    char side[64];
    bool acked[COMMANDS];
} life;

static vfs_power *power;

static bool open_hub(life *l) {
    wsm_sqlite_config config;
    wsm_log log;
    char why[256];
    wsm_sqlite_config_init(&config, sizeof config);
    config.path = l->path;
    config.vfs = VFS_POWER;
    if (wsm_sqlite_open(&l->db, &config, why, sizeof why)) return false;
    wsm_log_init(&log, sizeof log);
    assert_int_equal(wsm_sqlite_log(l->db, &log), 0);
    world_init(&l->world);
    l->world.config.snapshot_records = 4;
    assert_int_equal(world_start(&l->world, &log), 0);
    for (int i = 0; i < TRIES && l->world.ready == 0; i++) {
        world_run(&l->world, 1);
        usleep(250);
    }
    if (l->world.ready == 0 || l->world.ready_err) return false;
    l->agents[0] = world_join(&l->world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    l->agents[1] = world_join(&l->world, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    return true;
}

static void close_hub(life *l) {
    if (l->world.hub) world_end(&l->world);
    wsm_sqlite_close(l->db);
    l->world.hub = NULL;
    l->db = NULL;
}

/* The answer to the command; "" if there was none. */
static const char *ask_once(life *l, size_t number) {
    const struct command *c = &commands[number];
    char text[512], wanted[80];
    peer *p = l->agents[c->who];
    size_t len = (size_t)snprintf(
        text, sizeof text, "{\"type\":\"%s\",\"message_id\":\"00000000-0000-4000-8000-%012zu\"", c->type, number);
    for (const char *at = c->rest; *at; at++)
        len += (size_t)(*at == '$' ? snprintf(text + len, sizeof text - len, "%s", l->side)
                                   : snprintf(text + len, sizeof text - len, "%c", *at));
    snprintf(wanted, sizeof wanted, "\"original_message_id\":\"00000000-0000-4000-8000-%012zu\"", number);
    peer_forget(p);
    peer_say(p, "%s}", text);
    const char *answer = NULL;
    for (int i = 0; i < TRIES && !answer; i++) {
        world_run(&l->world, 1);
        answer = peer_last(p, wanted);
        if (!answer) usleep(250);
    }
    return answer ? answer : "";
}

/* The same, but whoever is named has a moment to become known: his card has to be kept first. */
static const char *ask(life *l, size_t number) {
    const char *answer = ask_once(l, number);
    for (int i = 0; i < 200 && strstr(answer, "unknown_agent"); i++) {
        world_run(&l->world, 20);
        usleep(1000);
        answer = ask_once(l, number);
    }
    return answer;
}

static void note_side(life *l, const char *answer) {
    const char *at = strstr(answer, "\"sidebar_id\":\"");
    if (at) snprintf(l->side, sizeof l->side, "%.*s", (int)strcspn(at + 14, "\""), at + 14);
}

static void live(life *l) {
    if (open_hub(l))
        for (size_t i = 0; i < COMMANDS; i++) {
            const char *answer = ask(l, i);
            if (i == 0) note_side(l, answer);
            l->acked[i] = strstr(answer, "\"durable\":true") != NULL;
        }
    close_hub(l);
}

/* What ada is shown of the sidebar and of main, less what differs from one time to the next. */
static void look(life *l, char *out, size_t cap) {
    const char *const ids[] = {"main", l->side};
    size_t len = 0;
    for (int i = 0; i < (l->side[0] ? 2 : 1); i++) {
        peer_forget(l->agents[0]);
        peer_say(l->agents[0], "{\"type\":\"context_request\",\"context_id\":\"%s\"}", ids[i]);
        world_run(&l->world, 5);
        const char *line = peer_last(l->agents[0], "context_snapshot");
        assert_non_null(line);
        const char *from = strstr(line, "\"version\":"), *local = strstr(line, "\"local_memory\"");
        const char *refs = strstr(line, "\"data_refs\":{");
        assert_true(from && local && refs); /* what memory holds of the records depends on the snapshot */
        len += (size_t)snprintf(out + len, cap - len, "%.*s%s\n", (int)(local - from), from, refs);
    }
}

/* The disk works again: all that was acknowledged is known, twice the same; the rest can be said now. */
static void check(life *l) {
    static char first[16384], second[16384];
    assert_true(open_hub(l));
    for (size_t i = 0; i < COMMANDS; i++) {
        const char *answer = ask(l, i);
        const char *wanted = l->acked[i] ? "duplicate_ack" : "ack\"";
        if (!strstr(answer, wanted)) fail_msg("command %zu: expected %s, got %s", i, wanted, answer);
        if (i == 0) note_side(l, answer);
    }
    look(l, first, sizeof first);
    close_hub(l);
    assert_true(open_hub(l));
    look(l, second, sizeof second);
    close_hub(l);
    assert_string_equal(first, second);
}

static life *begin(void) {
    life *l = calloc(1, sizeof *l);
    snprintf(l->dir, sizeof l->dir, "%s/wsm-fold-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(l->dir));
    snprintf(l->path, sizeof l->path, "%s/log.db", l->dir);
    vfs_power_on();
    return l;
}

static void finish(life *l) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", l->dir);
    assert_int_equal(system(command), 0);
    free(l);
}

static uint64_t calls_of_a_life(void) {
    life *l = begin();
    live(l);
    uint64_t calls = power->calls;
    for (size_t i = 0; i < COMMANDS; i++) assert_true(l->acked[i]);
    vfs_power_on();
    check(l);
    finish(l);
    return calls;
}

static void the_power_goes_at_a_call(void **state) {
    (void)state;
    uint64_t calls = calls_of_a_life();
    for (uint64_t at = 1; at <= calls; at += EACH_NTH) {
        life *l = begin();
        power->at = at;
        power->is_crash = true;
        live(l);
        vfs_power_settle(at);
        power->is_crash = false;
        power->at = 0;
        check(l);
        finish(l);
    }
}

static void a_call_fails_once_or_all_from_there_on(void **state) {
    (void)state;
    uint64_t calls = calls_of_a_life();
    for (uint64_t at = 1; at <= calls; at += EACH_NTH) {
        life *l = begin();
        power->at = at;
        power->is_forever = at % 2;
        live(l);
        vfs_power_on();
        power->is_forever = false;
        check(l);
        finish(l);
    }
}

static int setup(void **state) {
    (void)state;
    power = vfs_power_register();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    printf("report: %llu power losses under sidebars and mentions, 0 acknowledged commands lost\n",
           (unsigned long long)power->crashes);
    vfs_power_unregister();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_power_goes_at_a_call),
        cmocka_unit_test(a_call_fails_once_or_all_from_there_on),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
