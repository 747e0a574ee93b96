/* Who goes first. A record that is more urgent is never behind one that is less urgent and came into being later: when
 * the later one was queued the earlier one had been queued before it, in a lane that goes first, or the connection was
 * catching up, where everything comes in order.
 *
 * The background lane is the exception: so that it does not starve it may have one frame in sixteen while others wait.
 * The client cannot see lanes; it counts everything that comes, which is no less than what the normal lane has sent. */
#include "world.h"

#define BACKGROUND_EVERY 16u

typedef unsigned long long ull;

static unsigned rank(const wsm__sim_entry *entry) {
    return entry->priority >= WSM_PRIORITY_URGENT ? 2 : entry->priority == WSM_PRIORITY_BACKGROUND ? 0 : 1;
}

static bool has_come(const wsm__sim_client *client, uint64_t offset) {
    size_t at = (size_t)(offset - client->base - 1);
    return at < client->got_count && client->got[at] != 0;
}

/* The first record of `of_rank` below `offset` that has not come; 0: none. What lies below lowest[of_rank] has. */
static uint64_t overtaken(wsm__sim_client *client, const wsm__sim_epoch *epoch, unsigned of_rank, uint64_t offset) {
    uint64_t at = client->lowest[of_rank] > client->base ? client->lowest[of_rank] : client->base + 1;
    for (; at < offset && at <= epoch->count; at++) {
        const wsm__sim_entry *entry = &epoch->entries[at - 1];
        bool is_due = entry->state == WSM__SIM_ENTRY_RECORD && rank(entry) == of_rank;
        if (is_due && !has_come(client, at) && wsm__sim_is_due(client, epoch, at)) break;
    }
    client->lowest[of_rank] = at;
    return at < offset && at <= epoch->count ? at : 0;
}

void wsm__sim_check_lanes(wsm__sim_client *client, const wsm__sim_epoch *epoch, uint64_t offset) {
    const wsm__sim_entry *entry = &epoch->entries[offset - 1];
    unsigned own = rank(entry);
    uint64_t urgent = own == 1 ? overtaken(client, epoch, 2, offset) : 0;
    if (urgent)
        wsm__sim_break(client->sim, "I-10",
                       "client %u gets offset %llu (priority %u) before offset %llu, which is more urgent", client->idx,
                       (ull)offset, entry->priority, (ull)urgent);
    if (own != 0 || !(overtaken(client, epoch, 1, offset) || overtaken(client, epoch, 2, offset))) return;
    if (client->heard_since < BACKGROUND_EVERY) /* it counts itself */
        wsm__sim_break(client->sim, "I-10",
                       "client %u gets offset %llu of the background, %llu messages after the last, and others wait",
                       client->idx, (ull)offset, (ull)client->heard_since);
    client->heard_since = 0;
}

void wsm__sim_lanes_begin(wsm__sim_client *client) {
    for (unsigned i = 0; i < 3; i++) client->lowest[i] = 0;
    client->heard_since = BACKGROUND_EVERY; /* what was sent before welcome is not known */
}
