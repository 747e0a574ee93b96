/* What a hub must not put up with for ever: connections that have died without a word, and senders of nonsense. */
#include <string.h>

#include "world.h"

/* Asked when the faults end, before silent connections are reset. Only where time was ordinary: ticks that come late,
 * or a clock that stands, excuse the hub. */
void wsm__sim_check_silent(wsm_sim *sim) {
    if (sim->rates[WSM_SIM_LATE_TICK] || sim->rates[WSM_SIM_CLOCK_STALL]) return;
    for (wsm__sim_line *line = sim->lines; line; line = line->next) {
        const wsm_config *config = &line->node->config;
        uint64_t interval = config->ping_interval_ms + config->ping_interval_ms / 10;
        uint64_t patience = interval * (config->ping_strikes + 1ull) + config->close_timeout_ms + 5000;
        bool is_open = line->is_silent && line->conn && line->state == WSM_CONN_OPEN && line->kind != WSM_PEER_MESSAGE;
        if (!is_open || interval == 0 || config->ping_strikes == 0 || line->node_life != line->node->life) continue;
        uint64_t ms = (sim->now - line->silent_at) / WSM__SIM_MS;
        if (ms > patience)
            wsm__sim_break(sim, "I-80", "the connection of %s is dead for %llu ms and still open; %llu are allowed",
                           line->address, (unsigned long long)ms, (unsigned long long)patience);
    }
}

/* Closed as silent though it reads: for two heartbeats there has always been more for it to read, and it has just taken
 * some. A ping may stand behind that, and it is alive in any case. Cut for it, it would come back to the same bytes. */
void wsm__sim_check_4012(const wsm__sim_line *line) {
    const wsm__sim_machine *node = line->node;
    uint64_t interval = (uint64_t)node->config.ping_interval_ms * WSM__SIM_MS, now = line->sim->now,
             from = line->waits_from;
    if (from == 0) return;
    if (from < node->stall_until) from = node->stall_until;
    if (from < node->late_until) from = node->late_until;
    if (now > from + 2 * interval && now - line->went_at < interval / 2)
        wsm__sim_break(line->sim, "I-80",
                       "%s is closed as silent, and has had something to read for %llu ms, and reads", line->address,
                       (unsigned long long)((now - line->waits_from) / WSM__SIM_MS));
}

/* Ten malformed messages within a minute end the connection. Answers may come late and together: thirty are too many.
 */
void wsm__sim_check_nonsense(wsm__sim_client *client, const char *code) {
    static const char *const codes[] = {"bad_json", "bad_message", "unknown_type", "too_large"};
    uint32_t limit = client->node->config.violations_per_min;
    bool is_nonsense = false;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        is_nonsense = is_nonsense || strcmp(code, codes[i]) == 0;
    if (!is_nonsense || limit == 0) return;
    if (client->nonsense_life != client->life || client->sim->now - client->nonsense_at > 60 * (uint64_t)WSM__SIM_S) {
        client->nonsense_life = client->life;
        client->nonsense_at = client->sim->now;
        client->nonsense = 0;
    }
    if (++client->nonsense > 3 * limit)
        wsm__sim_break(client->sim, "I-66", "client %u is answered nonsense %u times within a minute", client->idx,
                       client->nonsense);
}

#define LEEWAY_MS 30000 /* of the hub, for a token's end */

/* What is handed out after a token's end can only be the close frame and what waited before it. A second is for the
 * tick; where ticks are late or clocks are not to be trusted, the hub is excused. */
void wsm__sim_check_expired(const wsm__sim_line *line) {
    const wsm_sim *sim = line->sim;
    if (line->state != WSM_CONN_OPEN || line->expires_ms == 0) return;
    if (sim->rates[WSM_SIM_LATE_TICK] || sim->rates[WSM_SIM_CLOCK_STALL] || sim->rates[WSM_SIM_CLOCK_JUMP]) return;
    int64_t over = wsm__sim_machine_wall(line->node) - line->expires_ms - LEEWAY_MS;
    if (over > 1000)
        wsm__sim_break(line->sim, "I-56", "the token of %s has ended, its leeway too, %lld ms ago; it is still served",
                       line->address, (long long)over);
}

/* Closed for its token's end, and it had not come. */
void wsm__sim_check_4003(const wsm__sim_client *client) {
    if (client->sim->rates[WSM_SIM_CLOCK_JUMP] || client->phase != WSM__SIM_LIVE) return;
    int64_t left = client->claims.exp * 1000 + LEEWAY_MS - wsm__sim_machine_wall(client->node);
    if (left > 0)
        wsm__sim_break(client->sim, "I-56", "client %u is closed with 4003, and its token is good for %lld ms",
                       client->idx, (long long)left);
}
