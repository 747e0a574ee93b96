/* A hub under a virtual clock with peers of the MESSAGE kind: what goes in is text, what comes out is collected as
 * text. For tests that speak to the public API only. */
#ifndef WSM_TESTS_HUB_WORLD_H
#define WSM_TESTS_HUB_WORLD_H

#include "mem_fault.h"
#include "wsm/wsm.h"

#define WORLD_PEERS   32
#define WORLD_RESULTS 64

typedef struct peer {
    struct hub_world *world;
    wsm_conn *conn;
    char *text; /* all that came out, one message a line */
    size_t len, cap;
    int stalled; /* 1: takes nothing */
    int keeps;   /* 1: does not call wsm_conn_closed when told to close */
    int gone;    /* the transport was closed by the hub */
    uint16_t code;
} peer;

typedef struct hub_world {
    test_mem mem;
    uint64_t mono;
    int64_t wall;
    unsigned random;
    int random_fails;
    wsm_hub *hub;
    wsm_config config;
    wsm_host host;
    peer peers[WORLD_PEERS];
    int peers_count;
    wsm_result results[WORLD_RESULTS];
    int results_count;
    int security, wakes, ready, ready_err;
    void (*in_callback)(struct hub_world *world, peer *p); /* run inside bytes_waiting */
} hub_world;

void world_init(hub_world *world); /* defaults; change world->config, world->host, then: */
/* The same for the next life after world_end, or the first of a zeroed world: its clock and its dice go on. */
void world_init_again(hub_world *world);
int world_start(hub_world *world, const wsm_log *log);
void world_end(hub_world *world);              /* frees everything; world->mem.live must be 0 then */
void world_run(hub_world *world, uint64_t ms); /* time passes, in steps of the hub's own deadlines */
peer *world_join(hub_world *world, const char *agent, wsm_permission permission, const char *epoch, uint64_t after);
/* What world_join says for an active agent; change it, and: */
wsm_claims world_claims(const hub_world *world, const char *agent);
peer *world_join_as(hub_world *world, const wsm_claims *claims, const char *epoch, uint64_t after);
peer *world_join_skilled(hub_world *world, const char *agent, const char *specialty);
peer *world_join_for(hub_world *world, const char *agent, wsm_purpose purpose);
int peer_say(peer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void peer_leave(peer *p);
void peer_drain(peer *p);                        /* what was held back by `stalled` */
int peer_count(const peer *p, const char *part); /* lines that hold it */
const char *peer_last(const peer *p,
                      const char *part); /* the last line that holds it, NULL: none; valid until the next */
void peer_forget(peer *p);

#endif
