/* The tables of what is known: agents, commands, epochs with their entries, and the effects of message ids. */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "memory.h"

void wsm__sim_oracle_init(wsm__sim_oracle *oracle) {
    *oracle = (wsm__sim_oracle){.agents_count = 0};
    oracle->json = wsm__sim_zalloc(sizeof *oracle->json);
}

void wsm__sim_oracle_fini(wsm__sim_oracle *oracle) {
    for (size_t i = 0; i < oracle->commands_count; i++)
        for (int v = 0; v < 2; v++) free(oracle->commands[i].exchange[v]), free(oracle->commands[i].text[v]);
    for (size_t i = 0; i < oracle->epochs_count; i++) {
        for (uint64_t k = 0; k < oracle->epochs[i].count; k++) {
            free(oracle->epochs[i].entries[k].json);
            free(oracle->epochs[i].entries[k].older);
        }
        free(oracle->epochs[i].entries);
        wsm__sim_sides_fini(&oracle->epochs[i].sides);
    }
    wsm__sim_json_fini(oracle->json);
    free(oracle->json);
    free(oracle->commands);
    free(oracle->epochs);
    free(oracle->effects);
}

const wsm__sim_agent *wsm__sim_oracle_find_agent(const wsm__sim_oracle *oracle, const char *name) {
    for (uint32_t i = 0; i < oracle->agents_count; i++)
        if (strcmp(oracle->agents[i].name, name) == 0) return &oracle->agents[i];
    return NULL;
}

wsm__sim_agent *wsm__sim_oracle_agent(wsm__sim_oracle *oracle, const char *name) {
    const wsm__sim_agent *known = wsm__sim_oracle_find_agent(oracle, name);
    if (known) return &oracle->agents[known->idx];
    if (oracle->agents_count == sizeof oracle->agents / sizeof oracle->agents[0]) return NULL;
    if (strlen(name) >= sizeof oracle->agents[0].name) return NULL;
    wsm__sim_agent *agent = &oracle->agents[oracle->agents_count];
    agent->idx = oracle->agents_count++;
    memcpy(agent->name, name, strlen(name) + 1);
    return agent;
}

uint32_t wsm__sim_oracle_command(wsm__sim_oracle *oracle, const wsm__sim_command *command) {
    if (oracle->commands_count == oracle->commands_cap) {
        oracle->commands_cap = oracle->commands_cap ? oracle->commands_cap * 2 : 256;
        oracle->commands = wsm__sim_resize(oracle->commands, oracle->commands_cap * sizeof *oracle->commands);
    }
    oracle->commands[oracle->commands_count] = *command;
    return (uint32_t)oracle->commands_count++;
}

/* ---- epochs ---------------------------------------------------------------------------------------------------------
 */

wsm__sim_epoch *wsm__sim_oracle_epoch(wsm__sim_oracle *oracle, const char *name) {
    for (size_t i = oracle->epochs_count; i > 0; i--)
        if (strcmp(oracle->epochs[i - 1].name, name) == 0) return &oracle->epochs[i - 1];
    return NULL;
}

wsm__sim_epoch *wsm__sim_oracle_epoch_new(wsm__sim_oracle *oracle, const char *name, uint32_t node) {
    if (oracle->epochs_count == oracle->epochs_cap) {
        oracle->epochs_cap = oracle->epochs_cap ? oracle->epochs_cap * 2 : 8;
        oracle->epochs = wsm__sim_resize(oracle->epochs, oracle->epochs_cap * sizeof *oracle->epochs);
    }
    wsm__sim_epoch *epoch = &oracle->epochs[oracle->epochs_count++];
    *epoch = (wsm__sim_epoch){.node = node};
    memcpy(epoch->name, name, 16);
    wsm__sim_sides_init(&epoch->sides);
    return epoch;
}

wsm__sim_entry *wsm__sim_oracle_entry(wsm__sim_epoch *epoch, uint64_t offset) {
    return offset > 0 && offset <= epoch->count ? &epoch->entries[offset - 1] : NULL;
}

wsm__sim_entry *wsm__sim_oracle_entry_new(wsm__sim_epoch *epoch, uint64_t offset) {
    if (offset > epoch->cap) {
        uint64_t cap = epoch->cap ? epoch->cap * 2 : 128;
        while (cap < offset) cap *= 2;
        epoch->entries = wsm__sim_resize(epoch->entries, cap * sizeof *epoch->entries);
        memset(epoch->entries + epoch->cap, 0, (cap - epoch->cap) * sizeof *epoch->entries);
        epoch->cap = cap;
    }
    if (offset > epoch->count) epoch->count = offset;
    return &epoch->entries[offset - 1];
}

bool wsm__sim_oracle_shows(const wsm__sim_entry *entry, const char *text, size_t len) {
    if (entry->json && entry->len == len && memcmp(entry->json, text, len) == 0) return true;
    return entry->older && strlen(entry->older) == len && memcmp(entry->older, text, len) == 0;
}

/* ---- effects --------------------------------------------------------------------------------------------------------
 */

static uint64_t hash_of(uint32_t agent, const char *id) {
    uint64_t h = 0xcbf29ce484222325u ^ agent;
    for (; *id; id++) h = (h ^ (unsigned char)*id) * 0x100000001b3u;
    h ^= h >> 31;
    return h ? h : 1;
}

static wsm__sim_effect *place_of(const wsm__sim_oracle *oracle, uint64_t hash) {
    size_t at = (size_t)hash & (oracle->effects_cap - 1);
    while (oracle->effects[at].hash && oracle->effects[at].hash != hash) at = (at + 1) & (oracle->effects_cap - 1);
    return &oracle->effects[at];
}

wsm__sim_effect *wsm__sim_oracle_effect(wsm__sim_oracle *oracle, uint32_t agent, const char *id) {
    if (oracle->effects_cap == 0) return NULL;
    wsm__sim_effect *effect = place_of(oracle, hash_of(agent, id));
    return effect->hash ? effect : NULL;
}

static void grow(wsm__sim_oracle *oracle) {
    wsm__sim_effect *old = oracle->effects;
    size_t count = oracle->effects_cap;
    oracle->effects_cap = count ? count * 2 : 512;
    oracle->effects = wsm__sim_zalloc(oracle->effects_cap * sizeof *oracle->effects);
    for (size_t i = 0; i < count; i++)
        if (old[i].hash) *place_of(oracle, old[i].hash) = old[i];
    free(old);
}

void wsm__sim_oracle_effect_put(wsm__sim_oracle *oracle, uint32_t agent, const char *id, uint32_t epoch,
                                uint64_t offset) {
    if (oracle->effects_count * 2 >= oracle->effects_cap) grow(oracle);
    uint64_t hash = hash_of(agent, id);
    wsm__sim_effect *effect = place_of(oracle, hash);
    if (!effect->hash) oracle->effects_count++;
    *effect = (wsm__sim_effect){hash, epoch, offset};
}

/* ---- tags -----------------------------------------------------------------------------------------------------------
 */

void wsm__sim_tags_add(wsm__sim_tags *tags, uint64_t tag) {
    if (tags->count == tags->cap) {
        tags->cap = tags->cap ? tags->cap * 2 : 16;
        tags->open = wsm__sim_resize(tags->open, tags->cap * sizeof *tags->open);
    }
    tags->open[tags->count++] = tag;
}

bool wsm__sim_tags_take(wsm__sim_tags *tags, uint64_t tag) {
    for (size_t i = 0; i < tags->count; i++) {
        if (tags->open[i] != tag) continue;
        tags->open[i] = tags->open[--tags->count];
        return true;
    }
    return false;
}

void wsm__sim_tags_fini(wsm__sim_tags *tags) {
    free(tags->open);
    *tags = (wsm__sim_tags){0};
}
