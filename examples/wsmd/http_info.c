/* What needs no token: health, readiness, metrics, and the page. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <wsm/version.h>

#include "http.h"

static const unsigned char page_html[] = {
#include "page.inc"
};

void info_health(server *all, wsm_request *request) {
    writer body = {0};
    writer_format(&body, "{\"status\":\"ok\",\"version\":\"%s\",\"uptime_s\":%llu}\n", wsm_version(),
                  (unsigned long long)((uv_hrtime() - all->started_ns) / 1000000000u));
    http_reply(request, 200, HTTP_JSON, NULL, &body);
}

void info_ready(server *all, wsm_request *request) {
    writer body = {0};
    if (wsm_hub_is_ready(all->hub)) {
        writer_str(&body, "{\"status\":\"ready\"}\n");
        http_reply(request, 200, HTTP_JSON, NULL, &body);
    } else {
        writer_format(&body, "{\"status\":\"%s\"}\n", all->is_stopping ? "shutting_down" : "loading");
        http_reply(request, 503, HTTP_JSON, "Retry-After: 1\r\n", &body);
    }
}

/* ---- metrics: Prometheus' text format, version 0.0.4
 * ------------------------------------------------------------------ */

typedef struct scrape {
    writer *body;
    const char *name; /* of the last number: those of one name share HELP and TYPE */
} scrape;

static void put_metric(void *user, const wsm_metric *metric) {
    scrape *out = user;
    if (out->name == NULL || strcmp(out->name, metric->name) != 0) {
        writer_format(out->body, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                      metric->is_counter ? "counter" : "gauge");
        out->name = metric->name;
    }
    writer_str(out->body, metric->name);
    if (metric->labels != NULL) writer_format(out->body, "{%s}", metric->labels);
    writer_format(out->body, " %.17g\n", metric->value);
}

static void put_number(scrape *out, const char *name, const char *help, int is_counter, double value) {
    put_metric(out, &(wsm_metric){name, NULL, help, is_counter, value});
}

static void put_sqlite(scrape *out, wsm_sqlite *db) {
    wsm_sqlite_stats stats;
    wsm_sqlite_stats_init(&stats, sizeof stats);
    if (db == NULL || wsm_sqlite_stats_get(db, &stats) != 0) return;
    put_number(out, "wsm_sqlite_commits_total", "Transactions committed.", 1, (double)stats.commits);
    put_number(out, "wsm_sqlite_records_total", "Records appended since the start.", 1, (double)stats.records);
    put_number(out, "wsm_sqlite_failures_total", "Appends that failed.", 1, (double)stats.failures);
    put_number(out, "wsm_sqlite_corrupt_total", "Records whose checksum was wrong.", 1, (double)stats.corrupt);
    put_number(out, "wsm_sqlite_queued_records", "Records that wait for a commit.", 0, (double)stats.queued);
    put_number(out, "wsm_sqlite_bytes", "Bytes of the database and its journal.", 0, (double)stats.bytes);
}

static double count_fds(void) {
    double count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) return 0;
    while (readdir(dir) != NULL) count++;
    (void)closedir(dir);
    return count - 3; /* `.`, `..` and the directory itself */
}

void info_metrics(server *all, wsm_request *request) {
    writer body = {0};
    scrape out = {&body, NULL};
    size_t resident = 0;
    wsm_hub_metrics(all->hub, put_metric, &out);
    put_sqlite(&out, all->sqlite);
    if (uv_resident_set_memory(&resident) == 0) {
        put_number(&out, "process_resident_memory_bytes", "Memory of the process.", 0, (double)resident);
    }
    put_number(&out, "process_open_fds", "Open file descriptors.", 0, count_fds());
    uint64_t up_ms = (uv_hrtime() - all->started_ns) / 1000000u;
    put_number(&out, "wsmd_uptime_seconds", "Since wsmd was started.", 0, (double)up_ms / 1000);
    http_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, &body);
}

/* ---- the page
 * --------------------------------------------------------------------------------------------------------- */

/* The page's one script and one style carry a number used once, which the policy names: nothing that finds its way into
 * the page by other means is run. */
void info_page(server *all, wsm_request *request) {
    static const char mark[] = "@NONCE@";
    unsigned char random[16];
    char nonce[2 * sizeof random + 1], headers[1024];
    writer body = {0};
    (void)all;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        http_fail(request, WSM_ERR_RANDOM, NULL, NULL, 0);
        return;
    }
    for (size_t i = 0; i < sizeof random; i++) (void)snprintf(nonce + 2 * i, 3, "%02x", random[i]);
    const unsigned char *at = page_html, *end = page_html + sizeof page_html;
    while (at < end) {
        const unsigned char *next = at;
        while (next < end && ((size_t)(end - next) < sizeof mark - 1 || memcmp(next, mark, sizeof mark - 1) != 0))
            next++;
        writer_put(&body, at, (size_t)(next - at));
        if (next < end) writer_str(&body, nonce);
        at = next < end ? next + sizeof mark - 1 : end;
    }
    (void)snprintf(headers, sizeof headers,
                   "Content-Security-Policy: default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; "
                   "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
                   "X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
                   "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n",
                   nonce, nonce);
    http_reply(request, 200, "text/html; charset=utf-8", headers, &body);
}
