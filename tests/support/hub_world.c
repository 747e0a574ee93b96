/* See hub_world.h. */
#include "hub_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t clock_mono(void *user) {
    return ((hub_world *)user)->mono;
}

static int64_t clock_wall(void *user) {
    return ((hub_world *)user)->wall;
}

static int fill_random(void *user, void *bytes, size_t len) {
    hub_world *world = user;
    unsigned char *at = bytes;
    if (world->random_fails) return -1;
    for (size_t i = 0; i < len; i++) {
        world->random = world->random * 1103515245u + 12345u;
        at[i] = (unsigned char)(world->random >> 16);
    }
    return 0;
}

static void *world_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    return test_alloc(&((hub_world *)user)->mem, ptr, old_size, new_size);
}

static void collect(peer *p, const wsm_vec *vec) {
    if (p->len + vec->len + 2 > p->cap) {
        p->cap = (p->len + vec->len + 2) * 2;
        p->text = realloc(p->text, p->cap);
        if (!p->text) abort();
    }
    memcpy(p->text + p->len, vec->base, vec->len);
    p->len += vec->len;
    p->text[p->len++] = '\n';
    p->text[p->len] = '\0';
}

void peer_drain(peer *p) {
    wsm_vec vec[8];
    size_t count;
    while (p->conn && (count = wsm_conn_pending(p->conn, vec, 8)) > 0) {
        size_t len = 0;
        for (size_t i = 0; i < count; i++) {
            collect(p, &vec[i]);
            len += vec[i].len;
        }
        wsm_conn_sent(p->conn, len);
    }
}

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    hub_world *world = user;
    peer *p = conn_user;
    p->conn = conn;
    if (world->in_callback) world->in_callback(world, p);
    if (!p->stalled && p->conn) peer_drain(p);
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    peer *p = conn_user;
    (void)user;
    p->conn = conn;
    if (!p->stalled) peer_drain(p);
    p->gone = 1;
    p->conn = NULL;
    if (!p->keeps) wsm_conn_closed(conn);
}

static void on_state(void *user, wsm_conn *conn, void *conn_user, wsm_conn_state state, uint16_t code) {
    (void)user, (void)conn;
    if (state >= WSM_CONN_CLOSING) ((peer *)conn_user)->code = code;
}

static void on_result(void *user, const wsm_result *result) {
    hub_world *world = user;
    if (world->results_count < WORLD_RESULTS) world->results[world->results_count++] = *result;
}

static void on_security(void *user, const wsm_event *event) {
    (void)event;
    ((hub_world *)user)->security++;
}

static void on_wake(void *user) {
    ((hub_world *)user)->wakes++;
}

static void on_ready(void *user, int err) {
    hub_world *world = user;
    world->ready++;
    world->ready_err = err;
}

void world_init(hub_world *world) {
    *world = (hub_world){.mono = 1000, .wall = 1767323045678, .random = 7};
    wsm_config_init(&world->config, sizeof world->config);
    wsm_host_init(&world->host, sizeof world->host);
    world->config.agent_messages_per_s = 0;
    world->host.clock_mono = clock_mono;
    world->host.clock_wall = clock_wall;
    world->host.random = fill_random;
    world->host.alloc = world_alloc;
    world->host.bytes_waiting = bytes_waiting;
    world->host.close_transport = close_transport;
    world->host.on_conn_state = on_state;
    world->host.on_result = on_result;
    world->host.on_security = on_security;
    world->host.wake = on_wake;
    world->host.on_ready = on_ready;
}

void world_init_again(hub_world *world) {
    int64_t wall = world->wall;
    unsigned random = world->random;
    world_init(world);
    if (wall == 0) return;
    world->wall = wall;
    world->random = random;
}

int world_start(hub_world *world, const wsm_log *log) {
    return wsm_hub_new(&world->hub, &world->config, &world->host, log, world);
}

void world_end(hub_world *world) {
    wsm_hub_free(world->hub);
    world->hub = NULL;
    for (int i = 0; i < world->peers_count; i++) free(world->peers[i].text);
}

void world_run(hub_world *world, uint64_t ms) {
    uint64_t end = world->mono + ms;
    while (world->mono < end) {
        int64_t next = wsm_hub_tick(world->hub);
        uint64_t step = next < 0 ? ms : next == 0 ? 1 : (uint64_t)next;
        if (step > end - world->mono) step = end - world->mono;
        world->mono += step;
        world->wall += (int64_t)step;
    }
    wsm_hub_tick(world->hub);
}

peer *world_join_as(hub_world *world, const wsm_claims *claims, const char *epoch, uint64_t after) {
    peer *p = &world->peers[world->peers_count++];
    wsm_peer how;
    wsm_peer_init(&how, sizeof how);
    how.kind = WSM_PEER_MESSAGE;
    how.claims = claims;
    how.epoch = epoch;
    how.after = after;
    p->world = world;
    wsm_conn *conn = NULL;
    if (wsm_conn_new(&conn, world->hub, &how, p)) p->gone = 1;
    if (!p->gone) p->conn = conn;
    return p;
}

wsm_claims world_claims(const hub_world *world, const char *agent) {
    wsm_claims claims;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){agent, strlen(agent)};
    claims.exp = world->wall / 1000 + 30 * 86400; /* stories take days */
    claims.permission = WSM_PERMISSION_ACTIVE;
    return claims;
}

peer *world_join(hub_world *world, const char *agent, wsm_permission permission, const char *epoch, uint64_t after) {
    wsm_claims claims = world_claims(world, agent);
    claims.permission = permission;
    return world_join_as(world, &claims, epoch, after);
}

peer *world_join_skilled(hub_world *world, const char *agent, const char *specialty) {
    wsm_claims claims = world_claims(world, agent);
    wsm_slice skill = {specialty, strlen(specialty)};
    claims.specialties = &skill;
    claims.specialties_count = 1;
    return world_join_as(world, &claims, NULL, 0);
}

peer *world_join_for(hub_world *world, const char *agent, wsm_purpose purpose) {
    wsm_claims claims = world_claims(world, agent);
    claims.purpose = purpose;
    return world_join_as(world, &claims, NULL, 0);
}

int peer_say(peer *p, const char *format, ...) {
    char text[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return p->conn ? wsm_conn_recv(p->conn, text, (size_t)len) : WSM_ERR_CLOSED;
}

void peer_leave(peer *p) {
    wsm_conn *conn = p->conn;
    p->conn = NULL;
    wsm_conn_closed(conn);
}

int peer_count(const peer *p, const char *part) {
    int count = 0;
    for (const char *line = p->text; line && *line; line = strchr(line, '\n') + 1) {
        const char *at = strstr(line, part);
        if (at && at < strchr(line, '\n')) count++;
    }
    return count;
}

const char *peer_last(const peer *p, const char *part) {
    static _Thread_local char copy[8192];
    const char *found = NULL;
    for (const char *line = p->text; line && *line; line = strchr(line, '\n') + 1) {
        const char *at = strstr(line, part);
        if (at && at < strchr(line, '\n')) found = line;
    }
    if (!found) return NULL;
    snprintf(copy, sizeof copy, "%.*s", (int)(strchr(found, '\n') - found), found);
    return copy;
}

void peer_forget(peer *p) {
    p->len = 0;
    if (p->text) p->text[0] = '\0';
}
