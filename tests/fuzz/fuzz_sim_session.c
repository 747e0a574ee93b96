/* F10 on the simulator: a script of operations for three clients and one hub in a world of libwsm-sim: they publish,
 * say anything, lose their connections; the hub crashes and comes back; faults are turned on and off. No invariant
 * breaks, and when the faults stop everybody is up to date again (I-80).
 *
 * Each operation is a byte and those that it asks for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wsm/sim.h"

#define CLIENTS 3
#define OPS_MAX 120

static void expect_sound(wsm_sim *sim) {
    const char *what = "";
    const char *id = wsm_sim_broken(sim, &what);
    if (id) fprintf(stderr, "%s: %s\n", id, what);
    FUZZ_EXPECT(!id);
}

static int all_live(void *user) {
    wsm_sim_client **clients = user;
    for (int i = 0; i < CLIENTS; i++)
        if (!wsm_sim_client_is_live(clients[i])) return 0;
    return 1;
}

static void say(wsm_sim_client *client, fuzz_in *in) {
    wsm_slice text = fuzz_until(in, '\n');
    char copy[512];
    if (text.len >= sizeof copy) text.len = sizeof copy - 1;
    memcpy(copy, text.ptr ? text.ptr : "", text.len);
    copy[text.len] = '\0';
    int err = wsm_sim_client_send(client, copy);
    FUZZ_EXPECT(err == 0 || err == WSM_ERR_STATE || err == WSM_ERR_INVALID);
}

static void step(wsm_sim *sim, wsm_sim_hub *hub, wsm_sim_client **clients, fuzz_in *in) {
    static const wsm_priority priorities[] = {WSM_PRIORITY_NORMAL, WSM_PRIORITY_CRITICAL, WSM_PRIORITY_BACKGROUND,
                                              WSM_PRIORITY_HIGH};
    unsigned op = fuzz_u8(in);
    wsm_sim_client *client = clients[op / 16 % CLIENTS];
    switch (op % 10) {
    case 0:
    case 1:
    case 2: FUZZ_EXPECT(wsm_sim_client_publish(client, priorities[op / 64]) > 0); break;
    case 3: say(client, in); break;
    case 4: wsm_sim_client_cut(client); break;
    case 5:
        wsm_sim_crash(hub);
        FUZZ_EXPECT(wsm_sim_restart(hub) == 0);
        break;
    case 6: FUZZ_EXPECT(wsm_sim_fault(sim, (wsm_sim_fault_kind)(fuzz_u8(in) % 2), fuzz_u8(in)) == 0); break;
    case 7: wsm_sim_cut_all(hub); break;
    default: FUZZ_EXPECT(wsm_sim_run(sim, (uint64_t)fuzz_u8(in) * 20, NULL, NULL) >= WSM_ERR_INTERNAL); break;
    }
    expect_sound(sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[CLIENTS] = {"ada", "bob", "eve"};
    fuzz_in in = {data, size};
    wsm_sim *sim = NULL;
    wsm_sim_hub *hub = NULL;
    wsm_sim_client *clients[CLIENTS];
    FUZZ_EXPECT(wsm_sim_new(&sim, 1 + fuzz_u8(&in), WSM_SIM_CALM) == 0);
    FUZZ_EXPECT(wsm_sim_hub_add(sim, &hub, NULL, NULL, NULL) == 0);
    for (int i = 0; i < CLIENTS; i++)
        FUZZ_EXPECT(wsm_sim_client_add(sim, &clients[i], hub, names[i], WSM_PERMISSION_ACTIVE, 1) == 0);
    for (int i = 0; in.left > 0 && i < OPS_MAX; i++) step(sim, hub, clients, &in);
    for (unsigned i = 0; i < WSM_SIM_FAULTS; i++) wsm_sim_fault(sim, (wsm_sim_fault_kind)i, 0);
    int live = wsm_sim_run(sim, 600000, all_live, clients);
    expect_sound(sim);
    FUZZ_EXPECT(live == 1);
    wsm_sim_free(sim);
    return 0;
}
