/* wsm_log_conformance over libwsm-sqlite with real files: the disk fails by a VFS that fails on command, and a crash is
 * a disk that takes nothing any more while the log is ended. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wsm/log_test.h>
#include <wsm/sqlite.h>

#include "vfs_fault.h"

typedef struct disk {
    char folder[64], path[96];
    vfs_fault *fault;
    wsm_sqlite *db;
    wsm_log log;
} disk;

static int disk_fresh(void *user) {
    disk *d = user;
    DIR *folder = opendir(d->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[sizeof d->folder + sizeof entry->d_name + 1];
        snprintf(path, sizeof path, "%s/%s", d->folder, entry->d_name);
        unlink(path);
    }
    if (folder) closedir(folder);
    return 0;
}

static int disk_make(void *user, wsm_hub *hub, wsm_log *log) {
    disk *d = user;
    wsm_sqlite_config config;
    (void)hub;
    wsm_sqlite_config_init(&config, sizeof config);
    config.path = d->path;
    config.vfs = VFS_FAULT;
    int err = wsm_sqlite_open(&d->db, &config, NULL, 0);
    if (!err) err = wsm_sqlite_log(d->db, log);
    d->log = *log;
    return err;
}

static void disk_unmake(void *user) {
    disk *d = user;
    wsm_sqlite_close(d->db);
    d->db = NULL;
}

static int disk_pump(void *user) {
    (void)user;
    usleep(250);
    return 1; /* its thread may be at work: who knows */
}

static void disk_fail(void *user, int on) {
    disk *d = user;
    atomic_store(&d->fault->writes, on ? -1 : 0);
}

static void disk_crash(void *user) {
    disk *d = user;
    atomic_store(&d->fault->writes, -1);
    atomic_store(&d->fault->syncs, -1);
    d->log.close(d->log.user);
    disk_unmake(d);
    atomic_store(&d->fault->writes, 0);
    atomic_store(&d->fault->syncs, 0);
}

static void on_breach(void *user, const wsm_log_breach *breach) {
    (void)user;
    print_message("%s, script %s: %s\n", breach->rule, breach->script, breach->what);
}

static void sqlite_keeps_every_rule(void **state) {
    (void)state;
    disk d = {.fault = vfs_fault_register()};
    wsm_log_maker maker;
    wsm_log_report report;
    snprintf(d.folder, sizeof d.folder, "/tmp/wsm-conformance-XXXXXX");
    assert_non_null(mkdtemp(d.folder));
    snprintf(d.path, sizeof d.path, "%s/log.db", d.folder);
    wsm_log_maker_init(&maker, sizeof maker);
    maker.user = &d;
    maker.fresh = disk_fresh;
    maker.make = disk_make;
    maker.unmake = disk_unmake;
    maker.pump = disk_pump;
    maker.crash = disk_crash;
    maker.fail = disk_fail;
    maker.rounds = 20;
    maker.pumps_idle = 4;
    wsm_log_report_init(&report, sizeof report);

    assert_int_equal(wsm_log_conformance(&maker, on_breach, NULL, &report), 0);

    assert_true(report.crashes > 50 && report.errors > 30 && report.closes > 100 && report.saves > 30);
    print_message("%u scripts: %llu openings, %llu crashes, %llu failures, %llu appends of %llu records, %llu reads\n",
                  report.scripts, (unsigned long long)report.opens, (unsigned long long)report.crashes,
                  (unsigned long long)report.errors, (unsigned long long)report.appends,
                  (unsigned long long)report.records, (unsigned long long)report.reads);
    disk_fresh(&d);
    assert_int_equal(rmdir(d.folder), 0);
    vfs_fault_unregister();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sqlite_keeps_every_rule)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
