/* Agents by name, and presence as an order of changes. See registry.h for the idea. */
#include "route/registry.h"

#include <assert.h>

#include "wsm/error.h"

void wsm__registry_init(wsm__registry *registry, wsm__mem *mem, const unsigned char seed[16]) {
    *registry = (wsm__registry){.mem = mem};
    wsm__map_init(&registry->agents, mem, seed);
    wsm__list_init(&registry->order);
}

static size_t fields_size(const wsm__agent *agent) {
    size_t size = 0;
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) size += agent->fields_len[i];
    return size;
}

static size_t agent_size(size_t name_len) {
    return sizeof(wsm__agent) + name_len;
}

static void agent_free(wsm__registry *registry, wsm__agent *agent, wsm__heap *heap) {
    wsm__heap_disarm(heap, &agent->timer);
    wsm__heap_disarm(heap, &agent->soon);
    wsm__list_remove(&agent->in_order);
    wsm__frame_unref(agent->frame);
    wsm__free(registry->mem, agent->fields, fields_size(agent));
    wsm__free(registry->mem, agent, agent_size(agent->name_len));
}

void wsm__registry_fini(wsm__registry *registry, wsm__heap *heap) {
    wsm__map_node *cursor = NULL;
    wsm__agent *agent;
    while ((agent = wsm__map_next(&registry->agents, &cursor)) != NULL) agent_free(registry, agent, heap);
    wsm__map_fini(&registry->agents);
}

wsm__agent *wsm__registry_get(const wsm__registry *registry, wsm_slice name) {
    return wsm__map_get(&registry->agents, name.ptr, name.len);
}

wsm__agent *wsm__registry_take(wsm__registry *registry, wsm_slice name) {
    wsm__agent *agent = wsm__registry_get(registry, name);
    if (agent) return agent;
    assert(name.len <= WSM__AGENT_ID_MAX);
    agent = wsm__zalloc(registry->mem, agent_size(name.len));
    if (!agent) return NULL;
    agent->name_len = (uint8_t)name.len;
    memcpy(agent->name, name.ptr, name.len);
    agent->number = UINT32_MAX;
    wsm__list_init(&agent->in_order);
    if (wsm__map_put(&registry->agents, name.ptr, name.len, agent)) {
        wsm__free(registry->mem, agent, agent_size(name.len));
        return NULL;
    }
    return agent;
}

void wsm__registry_forget(wsm__registry *registry, wsm__agent *agent, wsm__heap *heap) {
    if (agent->present) registry->present--;
    wsm__map_remove(&registry->agents, agent->name, agent->name_len);
    agent_free(registry, agent, heap);
}

wsm_slice wsm__agent_name(const wsm__agent *agent) {
    return wsm__slice(agent->name, agent->name_len);
}

bool wsm__agent_add(wsm__agent *agent, uint32_t slot) {
    if (agent->slots_count == WSM__AGENT_SLOTS) return false;
    agent->slots[agent->slots_count++] = slot;
    return true;
}

void wsm__agent_remove(wsm__agent *agent, uint32_t slot) {
    for (uint8_t i = 0; i < agent->slots_count; i++) {
        if (agent->slots[i] != slot) continue;
        agent->slots[i] = agent->slots[--agent->slots_count];
        return;
    }
}

wsm_slice wsm__agent_field(const wsm__agent *agent, wsm__presence_field field) {
    size_t at = 0;
    for (int i = 0; i < (int)field; i++) at += agent->fields_len[i];
    if (agent->fields_len[field] == 0) return wsm__slice(NULL, 0);
    return wsm__slice(agent->fields + at, agent->fields_len[field]);
}

int wsm__agent_set_fields(wsm__registry *registry, wsm__agent *agent, const wsm_slice fields[WSM__PRESENCE_FIELDS]) {
    size_t size = 0, at = 0;
    bool same = true;
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) {
        size += fields[i].len;
        same = same && wsm__slice_eq(fields[i], wsm__agent_field(agent, (wsm__presence_field)i));
    }
    if (same) return 0;
    char *block = size ? wsm__alloc(registry->mem, size) : NULL;
    if (size && !block) return WSM_ERR_NOMEM;
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) { /* the slices may lie in the old block */
        /* NOLINT(gcc-analyzer): block is NULL only where all lengths are 0 */
        if (fields[i].len) memcpy(block + at, fields[i].ptr, fields[i].len);
        at += fields[i].len;
    }
    size_t old = fields_size(agent);
    wsm__free(registry->mem, agent->fields, old);
    agent->fields = block;
    for (int i = 0; i < WSM__PRESENCE_FIELDS; i++) agent->fields_len[i] = (uint32_t)fields[i].len;
    return 1;
}

void wsm__registry_announce(wsm__registry *registry, wsm__agent *agent, wsm__frame *frame, bool present) {
    wsm__frame_ref(frame);
    wsm__frame_unref(agent->frame);
    agent->frame = frame;
    agent->version = ++registry->version;
    wsm__list_remove(&agent->in_order);
    wsm__list_push(&registry->order, &agent->in_order);
    if (present && !agent->present) registry->present++;
    if (!present && agent->present) registry->present--;
    agent->present = present;
}

void wsm__registry_release_frame(wsm__agent *agent) {
    wsm__frame_unref(agent->frame);
    agent->frame = NULL;
}

wsm__agent *wsm__registry_changed_after(const wsm__registry *registry, uint64_t version) {
    wsm__agent *found = NULL;
    for (wsm__list *node = registry->order.prev; node != &registry->order; node = node->prev) {
        wsm__agent *agent = WSM__CONTAINER(node, wsm__agent, in_order);
        if (agent->version <= version) break;
        found = agent;
    }
    return found;
}
