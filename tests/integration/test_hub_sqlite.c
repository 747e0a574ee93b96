/* The hub on its log in SQLite: what the two have to agree upon. */
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
#include "wsm/sqlite.h"

#define TRIES 400 /* of 25 ms: the disk of a busy machine */

typedef struct kept_world {
    hub_world world;
    char dir[64], path[96];
    wsm_sqlite *db;
} kept_world;

static void make_dir(kept_world *k) {
    strcpy(k->dir, "/tmp/wsm-hub-sqlite-XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    snprintf(k->path, sizeof k->path, "%s/log.db", k->dir);
}

static void remove_dir(const kept_world *k) {
    static const char *const tails[] = {"", "-wal", "-shm", "-lock"};
    char path[128];
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s%s", k->path, tails[i]);
        unlink(path);
    }
    rmdir(k->dir);
}

static void wait_for(kept_world *k, uint64_t offset) {
    for (int i = 0; i < TRIES && (!wsm_hub_is_ready(k->world.hub) || wsm_hub_position(k->world.hub, NULL) < offset);
         i++) {
        wsm_hub_tick(k->world.hub);
        usleep(25000);
    }
    assert_true(wsm_hub_is_ready(k->world.hub));
    assert_int_equal(wsm_hub_position(k->world.hub, NULL), offset);
}

/* With so much memory; 0: as much as it likes. */
static void begin_with(kept_world *k, uint64_t budget, uint32_t snapshot_records, uint32_t store_records_max) {
    wsm_sqlite_config config;
    wsm_log log;
    char why[256] = "";
    wsm_sqlite_config_init(&config, sizeof config);
    config.path = k->path;
    assert_int_equal(wsm_sqlite_open(&k->db, &config, why, sizeof why), 0);
    wsm_log_init(&log, sizeof log);
    assert_int_equal(wsm_sqlite_log(k->db, &log), 0);
    world_init(&k->world);
    k->world.config.snapshot_records = snapshot_records;
    k->world.config.history_records_max = 10;
    k->world.config.store_records_max = store_records_max;
    if (budget) k->world.config.memory_budget_bytes = budget;
    assert_int_equal(world_start(&k->world, &log), 0);
}

static void begin(kept_world *k) {
    begin_with(k, 0, 20, 50);
}

static void end(kept_world *k) {
    world_end(&k->world);
    assert_int_equal(k->world.mem.live, 0);
    wsm_sqlite_close(k->db);
}

/* Who resumes from the beginning, once the hub's worker has answered. */
static peer *resume_from_0(kept_world *k, const char *agent) {
    char epoch[17];
    wsm_hub_position(k->world.hub, epoch);
    peer *p = world_join(&k->world, agent, WSM_PERMISSION_ACTIVE, epoch, 0);
    for (int i = 0; i < TRIES && peer_count(p, "replay_end") == 0; i++) {
        wsm_hub_tick(k->world.hub);
        usleep(5000);
    }
    assert_int_equal(peer_count(p, "replay_end"), 1);
    return p;
}

static void what_the_hub_lets_go_leaves_the_file_and_is_a_gap_for_who_resumes(void **state) {
    (void)state;
    kept_world k;
    make_dir(&k);
    begin(&k);
    wait_for(&k, 0);
    peer *ada = world_join(&k.world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    for (int n = 1; n <= 300; n++) {
        peer_say(ada, "{\"type\":\"memory_update\",\"exchange\":%d}", n);
        if (n % 20 == 0) wait_for(&k, (uint64_t)n + 1); /* ada's card was the first */
    }
    peer *bob = resume_from_0(&k, "bob");
    assert_non_null(strstr(peer_last(bob, "\"type\":\"gap\""),
                           "\"to_seq\":250,\"from_offset\":1,\"to_offset\":251,\"reason\":\"trimmed\""));
    assert_int_equal(peer_count(bob, "memory_update"), 50);
    end(&k);

    int gone = 0; /* the file lets them go in its own time */
    for (int i = 0; i < 20 && !gone; i++) {
        usleep(50000);
        begin(&k);
        wait_for(&k, i == 0 ? 302 : 303); /* with the cards of bob and carl */
        peer *carl = resume_from_0(&k, "carl");
        const char *gap = peer_last(carl, "\"type\":\"gap\"");
        gone = gap && strstr(gap, "\"from_offset\":1,\"to_offset\":251,\"reason\":\"trimmed\"");
        if (gone) assert_int_equal(peer_count(carl, "memory_update"), 50);
        end(&k);
    }
    assert_true(gone);
    remove_dir(&k);
}

/* Its log is larger than its memory, and would come in one piece. */
static void a_hub_with_little_memory_loads_a_long_log(void **state) {
    (void)state;
    kept_world k;
    static char filler[30001], text[31000];
    memset(filler, 'x', 30000);
    make_dir(&k);
    begin_with(&k, 0, 0, 0);
    wait_for(&k, 0);
    peer *ada = world_join(&k.world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    for (uint64_t n = 1; n <= 100; n++) {
        int len = snprintf(text, sizeof text, "{\"type\":\"memory_update\",\"exchange\":\"%s\"}", filler);
        wsm_conn_recv(ada->conn, text, (size_t)len);
        if (n % 20 == 0) wait_for(&k, n + 1); /* ada's card was the first */
    }
    end(&k);

    begin_with(&k, 1u << 20, 0, 0);
    wait_for(&k, 101);
    end(&k);
    remove_dir(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hub_with_little_memory_loads_a_long_log),
        cmocka_unit_test(what_the_hub_lets_go_leaves_the_file_and_is_a_gap_for_who_resumes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
