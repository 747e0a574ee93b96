/* wsmd, the reference server: the hub on a libuv loop, its log in SQLite, tokens from a secret file.
 *
 * The life of it: options, data directory, secret, log, hub, listener; run until SIGTERM or SIGINT; then the hub shuts
 * down in order (what was accepted is kept and answered), the listener goes, the log is closed. It listens as soon as
 * there is a hub and answers 503 until the log has loaded. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wsm/version.h>

#include "banner.h"
#include "http.h"
#include "keys.h"
#include "token_cmd.h"

#define DOWN_POLL_MS 10

extern char **environ;

/* ---- what the hub tells
 * ------------------------------------------------------------------------------------------------ */

static void stop(server *all, int status);

static void announce(server *all) {
    if (all->is_ready && all->is_listening) banner_print(all);
}

static void on_ready(void *user, int err) {
    server *all = user;
    if (err != 0) {
        log_format(&all->log, WSM_LEVEL_ERROR, "the log cannot be used: %s", wsm_strerror(err));
        stop(all, 1);
        return;
    }
    all->is_ready = true;
    announce(all);
}

static void on_log(void *user, wsm_level level, const char *line) {
    log_line(&((server *)user)->log, level, line);
}

static void on_sqlite_log(void *user, int level, const char *line) {
    log_line(user, (wsm_level)level, line);
}

static void on_audit(void *user, const wsm_event *event) {
    log_event(&((server *)user)->log, WSM_LEVEL_INFO, event);
}

static void on_security(void *user, const wsm_event *event) {
    log_event(&((server *)user)->log, WSM_LEVEL_WARN, event);
}

static void on_result(void *user, const wsm_result *result) {
    store_result(user, result);
}

static void on_page(void *user, const wsm_page *page) {
    read_page(user, page);
}

static void on_request(void *user, wsm_request *request) {
    http_take(user, request);
}

static void on_request_end(void *user, wsm_request *request) {
    (void)user;
    http_request_end(request);
}

/* ---- the end
 * ----------------------------------------------------------------------------------------------------------- */

static void on_uv_closed(void *user) {
    ((server *)user)->uv = NULL;
}

/* Take down what is there, in whatever state it is. Not inside a callback of the hub. */
static void close_all(server *all) {
    if (all->is_closing) return;
    all->is_closing = true;
    if (all->uv != NULL) wsm_uv_close(all->uv, on_uv_closed, all);
    wsm_hub_free(all->hub);
    all->hub = NULL;
    uv_close((uv_handle_t *)&all->term, NULL);
    uv_close((uv_handle_t *)&all->interrupt, NULL);
    uv_close((uv_handle_t *)&all->down_timer, NULL);
}

static void on_down_timer(uv_timer_t *timer) {
    server *all = timer->data;
    if (all->hub == NULL || wsm_hub_is_down(all->hub)) close_all(all);
}

static void stop(server *all, int status) {
    if (all->is_stopping) return;
    all->is_stopping = true;
    all->status = status;
    if (all->hub != NULL) (void)wsm_hub_shutdown(all->hub, NULL);
    (void)uv_timer_start(&all->down_timer, on_down_timer, 0, DOWN_POLL_MS);
}

/* The second signal does not wait for anybody. */
static void on_signal(uv_signal_t *signal, int number) {
    server *all = signal->data;
    if (all->is_stopping) _exit(1);
    log_format(&all->log, WSM_LEVEL_INFO, "%s: shutting down", number == SIGTERM ? "SIGTERM" : "SIGINT");
    stop(all, 0);
}

/* ---- the start
 * --------------------------------------------------------------------------------------------------------- */

/* Each connection is a descriptor, and the soft limit is often 1024. */
static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool start_loop(server *all, char *why, size_t cap) {
    int err = uv_loop_init(&all->loop);
    if (err != 0) return blame(why, cap, "%s", uv_strerror(err));
    all->has_loop = true;
    (void)uv_signal_init(&all->loop, &all->term);
    (void)uv_signal_init(&all->loop, &all->interrupt);
    (void)uv_timer_init(&all->loop, &all->down_timer);
    all->term.data = all->interrupt.data = all->down_timer.data = all;
    err = uv_signal_start(&all->term, on_signal, SIGTERM);
    if (err == 0) err = uv_signal_start(&all->interrupt, on_signal, SIGINT);
    return err == 0 || blame(why, cap, "%s", uv_strerror(err));
}

static bool choose_endpoint(server *all, char *why, size_t cap) {
    const options *told = all->options;
    bool tls = told->tls_cert != NULL;
    if (!endpoint_parse(&all->endpoint, told->listen, why, cap)) return false;
    if (!all->endpoint.is_loopback && !tls && !told->insecure_plaintext) {
        return blame(why, cap,
                     "%s is not a loopback address: tokens would cross the network in clear. Give --tls-cert and "
                     "--tls-key, or say --set insecure_plaintext=1",
                     all->endpoint.address);
    }
    return endpoint_reserve(&all->endpoint, why, cap) &&
           ((names_add_hosts(&all->hosts, &all->endpoint, tls, told->hosts) &&
             names_add_origins(&all->origins, &all->hosts, tls, told->origins)) ||
            blame(why, cap, "hosts or origins: more than %d names", NAMES_MAX));
}

static bool open_sqlite(server *all, wsm_log *log, char *why, size_t cap) {
    wsm_sqlite_config config;
    char path[1024];
    int len = snprintf(path, sizeof path, "%s/log.db", all->options->data);
    if (len < 0 || (size_t)len >= sizeof path) return blame(why, cap, "%s: the name is too long", all->options->data);
    wsm_sqlite_config_init(&config, sizeof config);
    config.path = path;
    config.records_max = all->options->sqlite_records_max;
    config.bytes_max = all->options->sqlite_bytes_max;
    config.age_s = all->options->sqlite_age_s;
    config.on_log = on_sqlite_log;
    config.user = &all->log;
    if (wsm_sqlite_open(&all->sqlite, &config, why, cap) != 0) return false;
    int err = wsm_sqlite_log(all->sqlite, log);
    return err == 0 || blame(why, cap, "%s", wsm_strerror(err));
}

static bool start_hub(server *all, char *why, size_t cap) {
    wsm_config config = all->options->hub;
    wsm_host host;
    wsm_log log;
    wsm_log_init(&log, sizeof log);
    bool sqlite = strcmp(all->options->log, "sqlite") == 0;
    if (sqlite && !open_sqlite(all, &log, why, cap)) return false;
    config.hosts = (const char *const *)all->hosts.list;
    config.hosts_count = all->hosts.count;
    config.origins = (const char *const *)all->origins.list;
    config.origins_count = all->origins.count;
    wsm_host_init(&host, sizeof host);
    host.on_ready = on_ready;
    host.on_log = on_log;
    host.on_audit = on_audit;
    host.on_security = on_security;
    host.on_result = on_result;
    host.on_page = on_page;
    host.on_request = on_request;
    host.on_request_end = on_request_end;
    int err = wsm_uv_new(&all->uv, &all->loop, &host);
    if (err == 0) err = wsm_hub_new(&all->hub, &config, &host, sqlite ? &log : NULL, all);
    for (size_t i = 0; err == 0 && i < all->keys.count; i++) {
        wsm_key key;
        secrets_get(&all->keys, i, &key);
        err = wsm_hub_key_add(all->hub, &key);
    }
    if (err == 0) err = wsm_uv_attach(all->uv, all->hub);
    return err == 0 || blame(why, cap, "the hub could not be made: %s", wsm_strerror(err));
}

static bool start_listening(server *all, char *why, size_t cap) {
    wsm_uv_listener listener;
    wsm_uv_listener_init(&listener, sizeof listener);
    listener.address = all->endpoint.address;
    listener.port = all->endpoint.port;
    listener.tls_cert = all->options->tls_cert;
    listener.tls_key = all->options->tls_key;
    int err = wsm_uv_listen(all->uv, &listener, why, cap);
    endpoint_release(&all->endpoint);
    if (err != 0) return false;
    all->is_listening = true;
    announce(all);
    return true;
}

static wsm_level level_of(const char *name) {
    static const char *const names[] = {"debug", "info", "warn"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) return (wsm_level)i;
    }
    return WSM_LEVEL_ERROR;
}

static int run(const options *told) {
    server all = {.options = told, .started_ns = uv_hrtime(), .endpoint.reserved = -1};
    char why[1024] = "";
    all.log.level_min = level_of(told->log_level);
    bool good = choose_endpoint(&all, why, sizeof why) && data_dir_make(told->data, why, sizeof why) &&
                secrets_load(&all.keys, told->data, NULL, why, sizeof why) && start_loop(&all, why, sizeof why) &&
                start_hub(&all, why, sizeof why) && start_listening(&all, why, sizeof why);
    if (!good) {
        (void)fprintf(stderr, "wsmd: %s\n", why);
        all.status = 1;
        if (all.has_loop) close_all(&all);
    }
    if (all.has_loop) {
        (void)uv_run(&all.loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&all.loop);
    }
    wsm_sqlite_close(all.sqlite);
    http_free(&all);
    endpoint_release(&all.endpoint);
    names_free(&all.hosts);
    names_free(&all.origins);
    secrets_wipe(&all.keys);
    return all.status;
}

int main(int argc, char **argv) {
    const char *const *args = (const char *const *)argv, *const *environment = (const char *const *)environ;
    options told = {0};
    char why[1024] = "";
    int status = 0;
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "token") == 0) return token_cmd(args + 2, argc - 2, environment);
    if (!options_load(&told, args + (argc > 0), argc > 0 ? argc - 1 : 0, environment, why, sizeof why)) {
        (void)fprintf(stderr, "wsmd: %s\n", why);
        status = 2;
    } else if (told.action == OPTIONS_HELP) {
        options_print_help(stdout);
    } else if (told.action == OPTIONS_VERSION) {
        (void)printf("wsmd %s\n", wsm_version());
    } else if (told.action == OPTIONS_KEYS) {
        options_print_keys(stdout);
    } else {
        raise_file_limit();
        status = run(&told);
    }
    options_free(&told);
    return status;
}
