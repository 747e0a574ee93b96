/* A hub with its peers for stories: hub_world.h with room that is there before the faults begin, a log that keeps
 * records and snapshots over several lives of the hub, and views of what can be seen from outside. */
#ifndef WSM_TESTS_FAULT_WORLD_H
#define WSM_TESTS_FAULT_WORLD_H

#include "hub_world.h"
#include "story.h"

#define KEEP_RECORDS 96
#define KEEP_BYTES   3072

/* A log in the test's memory, which answers from inside the call and outlives the hub. */
typedef struct keeper {
    wsm_hub *hub;
    uint64_t last, saved; /* offset of the snapshot, 0: none */
    char bytes[KEEP_RECORDS][KEEP_BYTES];
    size_t lens[KEEP_RECORDS];
    char snapshot[65536];
    size_t snapshot_len;
    bool is_harsh;     /* the hub may lack memory for what it is told, too; false: there is some */
    uint64_t late[16]; /* appends of whose end the hub could not be told yet */
    int late_count;
} keeper;

/* Tell the hub what it had no memory to hear. */
void fault_keeper_later(keeper *log);

typedef struct fault_world {
    hub_world hub;
    keeper keeper;
    char epoch[17]; /* as an earlier step noted it */
    char token[4096];
    size_t token_len;
    peer *input;   /* whose bytes the last INPUT was */
    int expected;  /* peers that the story itself has closed */
    char said[40]; /* the id of the last message said, "": it had none */
    wsm_request *request;
    const char *names[WORLD_PEERS]; /* of those who came by fault_join */
} fault_world;

fault_world *fault_world_new(void); /* no hub yet */
void fault_world_free(void *world);
int fault_world_start(fault_world *world, int with_keeper);

/* As world_join, but says what wsm_conn_new said, and takes no place when it failed. `how` NULL: MESSAGE with claims.
 */
int fault_join(fault_world *world, const char *agent, wsm_permission permission, const char *epoch, uint64_t after);
int fault_join_how(fault_world *world, const wsm_peer *how);

/* One message of the peer `idx`, with the id 00000000-0000-4000-8000-0000000000<number>; `rest` are its other members.
 * A peer that is gone says nothing. */
int fault_say(fault_world *world, int idx, unsigned number, const char *type, const char *rest);

size_t fault_see(void *world, char *out, size_t cap, bool at_end);
bool fault_settle(void *world);
const char *fault_judge(void *world, step_kind kind, int err);

#endif
