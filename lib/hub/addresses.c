/* Limits by the address of the other end: connections, those without a token yet, and refused tokens. An entry lives
 * while it has connections or something to remember. */
#include "hub/hub.h"

#define MINUTE_MS 60000u

wsm__address *wsm__address_take(wsm_hub *hub, const char *name) {
    if (!name || !*name) return NULL;
    size_t len = strlen(name);
    wsm__address *address = wsm__map_get(&hub->addresses, name, len);
    if (address) {
        address->conns++;
        return address;
    }
    address = wsm__zalloc(&hub->mem, sizeof *address);
    if (!address) return NULL;
    address->name = wsm__strndup(&hub->mem, name, len);
    address->name_len = len;
    address->conns = 1;
    address->timer.kind = WSM__TIMER_ADDRESS;
    if (!address->name || wsm__map_put(&hub->addresses, name, len, address)) {
        if (address->name) wsm__free(&hub->mem, address->name, len + 1);
        wsm__free(&hub->mem, address, sizeof *address);
        return NULL;
    }
    return address;
}

static void forget(wsm_hub *hub, wsm__address *address) {
    wsm__heap_disarm(&hub->heap, &address->timer);
    wsm__map_remove(&hub->addresses, address->name, address->name_len);
    wsm__free(&hub->mem, address->name, address->name_len + 1);
    wsm__free(&hub->mem, address, sizeof *address);
}

void wsm__address_release(wsm_hub *hub, wsm__address *address) {
    if (address && --address->conns == 0 && !address->timer.armed) forget(hub, address);
}

void wsm__address_failed(wsm_hub *hub, wsm__address *address) {
    if (!address || hub->config.auth_failures_per_min == 0) return;
    address->failures++;
    if (address->failures >= hub->config.auth_failures_per_min) {
        address->failures = 0;
        address->blocked_until = hub->now + hub->config.auth_block_ms;
        wsm__heap_arm(&hub->heap, &address->timer, address->blocked_until);
        return;
    }
    if (!address->timer.armed) wsm__heap_arm(&hub->heap, &address->timer, hub->now + MINUTE_MS);
}

bool wsm__address_is_blocked(const wsm_hub *hub, const wsm__address *address) {
    return address && address->blocked_until > hub->now;
}

void wsm__address_timer(wsm_hub *hub, wsm__address *address) {
    address->failures = 0;
    if (address->conns == 0) forget(hub, address);
}

void wsm__addresses_fini(wsm_hub *hub) {
    wsm__map_node *cursor = NULL;
    wsm__address *address;
    while ((address = wsm__map_next(&hub->addresses, &cursor)) != NULL) forget(hub, address);
    wsm__map_fini(&hub->addresses);
}
