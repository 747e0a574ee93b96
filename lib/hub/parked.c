/* Commands that wait: what they are about is about to change by a record that is under way, so they are looked at when
 * it has been applied. So a client may send what follows without waiting for the answer to what went before; and
 * whatever one sender sends to sidebars is done in its order. */
#include "hub/sides.h"

#define PARKED_MAX   4096u
#define CARD_WAIT_MS 2000u /* for the record that makes an agent known */

typedef struct wsm__parked {
    wsm__list node;
    wsm__origin origin;
    uint64_t after;  /* number of an append; 0: the sender has to become known */
    uint64_t by;     /* monotonic ms; then it is refused */
    bool is_to_stay; /* looked at again, it has to wait once more */
    bool had_once;   /* of wsm__park_once */
    uint64_t sum;    /* ticket of what is read for it; 0: nothing */
    int sum_err;     /* why that could not be read; 0: it was */
    size_t name_len, text_len;
    char bytes[]; /* the sender, the text */
} parked;

static size_t size_of(const parked *at) {
    return sizeof *at + at->name_len + at->text_len;
}

static wsm_slice name_of(const parked *at) {
    return wsm__slice(at->bytes, at->name_len);
}

static bool is_behind_others(const wsm_hub *hub, wsm_slice sender) {
    for (const wsm__list *node = hub->parked.next; node != &hub->parked; node = node->next)
        if (wsm__slice_eq(name_of(WSM__CONTAINER(node, parked, node)), sender)) return true;
    return false;
}

static bool is_under_way(const wsm_hub *hub, uint64_t number) {
    const wsm__pending *pending = number ? wsm__append_find(hub, number) : NULL;
    return pending && !pending->is_applied;
}

/* Whether it is one that has waited, on its way again. Callbacks may bring others meanwhile. */
static bool is_unparked(const wsm_hub *hub, const wsm__command *command) {
    return hub->unparked && command->origin == &hub->unparked->origin;
}

/* Where it waits; NULL: nowhere, and it has been answered. */
static parked *park(wsm_hub *hub, const wsm__command *command, uint64_t after) {
    if (is_unparked(hub, command)) { /* it keeps its place */
        hub->unparked->after = after;
        hub->unparked->is_to_stay = true;
        return hub->unparked;
    }
    size_t size = sizeof(parked) + command->sender.len + command->text.len;
    parked *at = hub->parked_count < PARKED_MAX ? wsm__alloc(&hub->mem, size) : NULL;
    if (!at) {
        wsm__answer_error(hub, command->origin, WSM_ERR_BUSY, NULL, NULL);
        return NULL;
    }
    *at = (parked){.origin = *command->origin,
                   .after = after,
                   .by = hub->now + CARD_WAIT_MS,
                   .name_len = command->sender.len,
                   .text_len = command->text.len};
    memcpy(at->bytes, command->sender.ptr, at->name_len);
    memcpy(at->bytes + at->name_len, command->text.ptr, at->text_len);
    wsm__list_push(&hub->parked, &at->node);
    hub->parked_count++;
    wsm__turn_chores_soon(hub, CARD_WAIT_MS);
    return at;
}

bool wsm__park_for_sum(wsm_hub *hub, const wsm__command *command, uint64_t ticket) {
    parked *at = park(hub, command, 0);
    if (at) at->sum = ticket;
    return at != NULL;
}

int wsm__park_sum_err(const wsm_hub *hub, const wsm__command *command) {
    return is_unparked(hub, command) ? hub->unparked->sum_err : WSM_OK;
}

void wsm__parked_has_sum(wsm_hub *hub, uint64_t ticket, int err) {
    for (wsm__list *node = hub->parked.next; node != &hub->parked; node = node->next) {
        parked *at = WSM__CONTAINER(node, parked, node);
        if (at->sum != ticket) continue;
        at->sum = 0;
        at->sum_err = err;
        wsm__turn_chores_soon(hub, 0);
        return;
    }
}

bool wsm__park_behind(wsm_hub *hub, const wsm__command *command) {
    if (hub->parked_count == 0 || is_unparked(hub, command) || !is_behind_others(hub, command->sender)) return false;
    park(hub, command, 0);
    return true;
}

bool wsm__park(wsm_hub *hub, const wsm__command *command, wsm__side *side) {
    uint64_t after = side ? wsm__append_last_changing(hub, side) : 0;
    bool is_unknown = command->agent && command->agent->number == WSM__ROSTER_NONE;
    if (!after && !is_unknown) return wsm__park_behind(hub, command);
    park(hub, command, after);
    return true;
}

bool wsm__park_once(wsm_hub *hub, const wsm__command *command, uint64_t number) {
    if ((is_unparked(hub, command) && hub->unparked->had_once) || !is_under_way(hub, number)) return false;
    parked *at = park(hub, command, number);
    if (at) at->had_once = true;
    return true;
}

static bool is_first_of_sender(const wsm_hub *hub, const parked *at) {
    for (const wsm__list *node = hub->parked.next; node != &at->node; node = node->next)
        if (wsm__slice_eq(name_of(WSM__CONTAINER(node, parked, node)), name_of(at))) return false;
    return true;
}

/* Its sender as a connection, as an agent the host speaks for, or as the host. False: gone. */
static bool sender_of(wsm_hub *hub, const parked *at, wsm__command *command) {
    if (at->origin.kind == WSM__ORIGIN_CONN) {
        command->conn = wsm__peer_of(hub, at->origin.slot, at->origin.gen);
        if (!command->conn || command->conn->phase != WSM__PHASE_LIVE) return false;
        command->agent = command->conn->agent;
        return true;
    }
    if (wsm__slice_is(name_of(at), "hub")) return true;
    command->agent = wsm__registry_get(&hub->registry, name_of(at));
    return command->agent != NULL;
}

static void run(wsm_hub *hub, const parked *at) {
    wsm__message message;
    wsm__decode_error error;
    wsm__command command = {.sender = name_of(at),
                            .message = &message,
                            .text = wsm__slice(at->bytes + at->name_len, at->text_len),
                            .origin = &at->origin};
    if (hub->is_shutting_down || !sender_of(hub, at, &command)) {
        wsm__answer_error(hub, &at->origin, hub->is_shutting_down ? WSM_ERR_SHUTTING_DOWN : WSM_ERR_CLOSED, NULL, NULL);
        return;
    }
    bool is_unknown = command.agent && command.agent->number == WSM__ROSTER_NONE;
    if (is_unknown && hub->now >= at->by) { /* its card could not be kept */
        wsm__answer_error(hub, &at->origin, WSM_ERR_BUSY, NULL, NULL);
        return;
    }
    if (!wsm__decode(command.text, &hub->scan_limits, &message, &error)) wsm__command_again(hub, &command);
}

static bool is_ready(const wsm_hub *hub, const parked *at) {
    if (at->sum && !hub->is_shutting_down) return false;
    if (hub->is_shutting_down || hub->now >= at->by) return !is_under_way(hub, at->after) || hub->is_shutting_down;
    if (at->after) return !is_under_way(hub, at->after);
    if (at->origin.kind == WSM__ORIGIN_CONN && !wsm__peer_of(hub, at->origin.slot, at->origin.gen)) return true;
    if (wsm__slice_is(name_of(at), "hub")) return true;
    return wsm__roster_find(&hub->roster, name_of(at)) != WSM__ROSTER_NONE;
}

void wsm__parked_run(wsm_hub *hub) {
    wsm__list *node = hub->parked.next, *next;
    for (uint32_t most = hub->parked_count; most > 0 && node != &hub->parked; most--, node = next) {
        parked *at = WSM__CONTAINER(node, parked, node);
        next = node->next;
        if (!is_ready(hub, at) || !is_first_of_sender(hub, at)) continue;
        parked *outer = hub->unparked;
        at->is_to_stay = false;
        hub->unparked = at;
        run(hub, at);
        hub->unparked = outer;
        next = at->node.next;
        if (at->is_to_stay) continue;
        wsm__list_remove(&at->node);
        hub->parked_count--;
        wsm__free(&hub->mem, at, size_of(at));
    }
    if (hub->parked_count > 0) wsm__turn_chores_soon(hub, CARD_WAIT_MS);
}

void wsm__parked_fini(wsm_hub *hub) {
    wsm__list *node;
    while ((node = wsm__list_first(&hub->parked)) != NULL) {
        parked *at = WSM__CONTAINER(node, parked, node);
        wsm__list_remove(node);
        wsm__free(&hub->mem, at, size_of(at));
    }
}
