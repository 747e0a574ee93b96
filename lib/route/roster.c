/* The roster: two maps and a row of cards. See roster.h for the idea. */
#include "route/roster.h"

#include "proto/json_out.h"
#include "wsm/error.h"

#define SPECIALTY_MAX 256u

void wsm__roster_init(wsm__roster *roster, wsm__mem *mem, const unsigned char seed[16]) {
    *roster = (wsm__roster){.mem = mem};
    wsm__map_init(&roster->by_name, mem, seed);
    wsm__map_init(&roster->by_handle, mem, seed);
    wsm__map_init(&roster->skilled, mem, seed);
    wsm__ring_init(&roster->cards, sizeof(wsm__card *));
    wsm__bloom_init(&roster->handles, seed);
}

static wsm__card *card_at(const wsm__roster *roster, uint32_t idx) {
    return *(wsm__card **)wsm__ring_at(&roster->cards, idx);
}

static void skills_free(wsm__roster *roster, wsm__skill *skills, uint16_t count) {
    for (uint16_t i = 0; i < count; i++) wsm__list_remove(&skills[i].in_group);
    wsm__free(roster->mem, skills, count * sizeof *skills);
}

static void card_free(wsm__roster *roster, wsm__card *card) {
    skills_free(roster, card->skills, card->skills_count);
    wsm__free(roster->mem, card->specialties, card->specialties_len);
    wsm__free(roster->mem, card, sizeof *card + card->name_len);
}

void wsm__roster_fini(wsm__roster *roster) {
    for (uint32_t i = 0; i < roster->cards.count; i++) card_free(roster, card_at(roster, i));
    wsm__ring_fini(&roster->cards, roster->mem);
    wsm__map_fini(&roster->by_name);
    wsm__map_fini(&roster->by_handle);
    wsm__map_node *cursor = NULL;
    wsm__list *group;
    while ((group = wsm__map_next(&roster->skilled, &cursor)) != NULL) wsm__free(roster->mem, group, sizeof *group);
    wsm__map_fini(&roster->skilled);
    wsm__bloom_fini(&roster->handles, roster->mem);
}

void wsm__roster_clear(wsm__roster *roster) {
    unsigned char seed[16];
    wsm__mem *mem = roster->mem;
    memcpy(seed, roster->by_name.seed, sizeof seed);
    wsm__roster_fini(roster);
    wsm__roster_init(roster, mem, seed);
}

uint32_t wsm__roster_count(const wsm__roster *roster) {
    return roster->cards.count;
}

const wsm__card *wsm__roster_at(const wsm__roster *roster, uint32_t idx) {
    return card_at(roster, idx);
}

wsm_slice wsm__roster_name(const wsm__roster *roster, uint32_t idx) {
    if (idx >= roster->cards.count) return wsm__slice_str("hub");
    const wsm__card *card = card_at(roster, idx);
    return wsm__slice(card->name, card->name_len);
}

wsm_slice wsm__card_specialties(const wsm__card *card) {
    return wsm__slice(card->specialties, card->specialties_len);
}

bool wsm__card_has_specialty(const wsm__card *card, wsm_slice specialty) {
    char text[SPECIALTY_MAX];
    size_t at = 0;
    wsm__json_value value;
    while (card->specialties && wsm__json_next_element(wsm__card_specialties(card), &at, &value)) {
        long len = wsm__json_string_decode(value.raw, text, sizeof text);
        if (len >= 0 && wsm__slice_eq(wsm__slice(text, (size_t)len), specialty)) return true;
    }
    return false;
}

/* ---- finding --------------------------------------------------------------------------------------------------------
 */

static size_t fold_case(char out[WSM__AGENT_ID_MAX], wsm_slice name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return name.len;
}

uint32_t wsm__roster_find(const wsm__roster *roster, wsm_slice name) {
    if (wsm__slice_is(name, "hub")) return WSM__ROSTER_HUB;
    const wsm__card *card = wsm__map_get(&roster->by_name, name.ptr, name.len);
    return card ? card->idx : WSM__ROSTER_NONE;
}

uint32_t wsm__roster_handle(const wsm__roster *roster, wsm_slice handle) {
    char folded[WSM__AGENT_ID_MAX];
    if (handle.len == 0 || handle.len > sizeof folded) return WSM__ROSTER_NONE;
    size_t len = fold_case(folded, handle);
    const wsm__card *card =
        wsm__bloom_may_have(&roster->handles, folded, len) ? wsm__map_get(&roster->by_handle, folded, len) : NULL;
    if (!card) return WSM__ROSTER_NONE;
    if (card->next_alike == WSM__ROSTER_NONE) return card->idx;
    card = wsm__map_get(&roster->by_name, handle.ptr, handle.len); /* of several the exact one is meant, if there is */
    return card ? card->idx : WSM__ROSTER_MANY;
}

/* ---- cards ----------------------------------------------------------------------------------------------------------
 */

bool wsm__roster_has(const wsm__roster *roster, wsm_slice name, wsm_kind kind, wsm_slice specialties) {
    const wsm__card *card = wsm__map_get(&roster->by_name, name.ptr, name.len);
    return card && card->kind == (uint8_t)kind && wsm__slice_eq(wsm__card_specialties(card), specialties);
}

/* The group of a specialty, made if need be; it stays. NULL: no memory. */
static wsm__list *group_take(wsm__roster *roster, wsm_slice specialty) {
    wsm__list *group = wsm__map_get(&roster->skilled, specialty.ptr, specialty.len);
    if (group) return group;
    group = wsm__alloc(roster->mem, sizeof *group);
    if (!group) return NULL;
    wsm__list_init(group);
    if (!wsm__map_put(&roster->skilled, specialty.ptr, specialty.len, group)) return group;
    wsm__free(roster->mem, group, sizeof *group);
    return NULL;
}

/* One for each specialty, in its group. What is too long to be asked for is left out. Gone again with skills_free. */
static int skills_new(wsm__roster *roster, uint32_t agent, wsm_slice specialties, wsm__skill **skills,
                      uint16_t *count) {
    char text[SPECIALTY_MAX];
    size_t at = 0;
    wsm__json_value value;
    *skills = NULL;
    *count = 0;
    while (specialties.len && wsm__json_next_element(specialties, &at, &value))
        if (wsm__json_string_decode(value.raw, text, sizeof text) > 0) *count += 1;
    if (*count == 0) return WSM_OK;
    *skills = wsm__zalloc(roster->mem, *count * sizeof **skills);
    if (!*skills) return WSM_ERR_NOMEM;
    for (uint16_t i = 0; i < *count; i++) wsm__list_init(&(*skills)[i].in_group);
    at = 0;
    for (uint16_t i = 0; i < *count && wsm__json_next_element(specialties, &at, &value);) {
        long len = wsm__json_string_decode(value.raw, text, sizeof text);
        if (len <= 0) continue;
        wsm__list *group = group_take(roster, wsm__slice(text, (size_t)len));
        if (!group) {
            skills_free(roster, *skills, *count);
            return WSM_ERR_NOMEM;
        }
        (*skills)[i].agent = agent;
        wsm__list_push(group, &(*skills)[i++].in_group);
    }
    return WSM_OK;
}

static const wsm__skill *skill_at(const wsm__list *group, const wsm__list *node) {
    return node == group ? NULL : WSM__CONTAINER(node, wsm__skill, in_group);
}

const wsm__skill *wsm__roster_skilled(const wsm__roster *roster, wsm_slice specialty) {
    const wsm__list *group = wsm__map_get(&roster->skilled, specialty.ptr, specialty.len);
    return group ? skill_at(group, group->next) : NULL;
}

const wsm__skill *wsm__roster_skilled_next(const wsm__roster *roster, wsm_slice specialty, const wsm__skill *skill) {
    return skill_at(wsm__map_get(&roster->skilled, specialty.ptr, specialty.len), skill->in_group.next);
}

static int change(wsm__roster *roster, wsm__card *card, wsm_kind kind, wsm_slice specialties) {
    wsm__skill *skills;
    uint16_t count;
    char *copy = specialties.len ? wsm__alloc(roster->mem, specialties.len) : NULL;
    if (specialties.len && !copy) return WSM_ERR_NOMEM;
    if (skills_new(roster, card->idx, specialties, &skills, &count)) {
        wsm__free(roster->mem, copy, specialties.len);
        return WSM_ERR_NOMEM;
    }
    if (copy) memcpy(copy, specialties.ptr, specialties.len);
    skills_free(roster, card->skills, card->skills_count);
    card->skills = skills;
    card->skills_count = count;
    wsm__free(roster->mem, card->specialties, card->specialties_len);
    card->specialties = copy;
    card->specialties_len = (uint16_t)specialties.len;
    card->kind = (uint8_t)kind;
    return WSM_OK;
}

/* The filter grows with the roster. Without memory for a larger one it stays and turns fewer away. */
static void note_handle(wsm__roster *roster, const char *folded, size_t len) {
    wsm__bloom_add(&roster->handles, folded, len);
    if (roster->handles.words && !wsm__bloom_is_full(&roster->handles)) return;
    if (wsm__bloom_resize(&roster->handles, roster->mem, roster->cards.count * 2 + 64)) return;
    for (uint32_t i = 0; i < roster->cards.count; i++) {
        char other[WSM__AGENT_ID_MAX];
        const wsm__card *card = card_at(roster, i);
        wsm__bloom_add(&roster->handles, other, fold_case(other, wsm__slice(card->name, card->name_len)));
    }
}

/* Behind the first card of its folded handle, or as the first. */
static int link_handle(wsm__roster *roster, wsm__card *card, wsm_slice name) {
    char folded[WSM__AGENT_ID_MAX];
    size_t len = fold_case(folded, name);
    wsm__card *first = wsm__map_get(&roster->by_handle, folded, len);
    if (!first) {
        int err = wsm__map_put(&roster->by_handle, folded, len, card);
        if (!err) note_handle(roster, folded, len);
        return err;
    }
    card->next_alike = first->next_alike;
    first->next_alike = card->idx;
    return WSM_OK;
}

static int add(wsm__roster *roster, wsm_slice name, wsm_kind kind, wsm_slice specialties, uint32_t *idx) {
    wsm__card *card = wsm__zalloc(roster->mem, sizeof *card + name.len);
    if (!card) return WSM_ERR_NOMEM;
    card->idx = roster->cards.count;
    card->next_alike = WSM__ROSTER_NONE;
    card->name_len = (uint8_t)name.len;
    memcpy(card->name, name.ptr, name.len);
    wsm__card **place = NULL;
    int err = change(roster, card, kind, specialties);
    if (!err) place = wsm__ring_push(&roster->cards, roster->mem);
    if (!place) goto fail;
    *place = card;
    if (wsm__map_put(&roster->by_name, name.ptr, name.len, card)) goto fail;
    if (link_handle(roster, card, name)) {
        wsm__map_remove(&roster->by_name, name.ptr, name.len);
        goto fail;
    }
    *idx = card->idx;
    return WSM_OK;
fail:
    if (place) wsm__ring_pop_back(&roster->cards, roster->mem);
    card_free(roster, card);
    return WSM_ERR_NOMEM;
}

int wsm__roster_put(wsm__roster *roster, wsm_slice name, wsm_kind kind, wsm_slice specialties, uint32_t *idx,
                    bool *is_new) {
    if (name.len == 0 || name.len > WSM__AGENT_ID_MAX || specialties.len > UINT16_MAX || wsm__slice_is(name, "hub") ||
        roster->cards.count >= WSM__ROSTER_MANY)
        return WSM_ERR_INVALID;
    wsm__card *card = wsm__map_get(&roster->by_name, name.ptr, name.len);
    if (is_new) *is_new = card == NULL;
    if (!card) return add(roster, name, kind, specialties, idx);
    *idx = card->idx;
    return change(roster, card, kind, specialties);
}

/* ---- snapshot -------------------------------------------------------------------------------------------------------
 */

void wsm__roster_save(const wsm__roster *roster, wsm__buf *buf) {
    wsm__buf_putc(buf, '[');
    for (uint32_t i = 0; i < roster->cards.count; i++) {
        const wsm__card *card = card_at(roster, i);
        wsm__buf_puts(buf, i == 0 ? "[" : ",[");
        wsm__json_put_string(buf, wsm__slice(card->name, card->name_len));
        wsm__buf_putc(buf, ',');
        wsm__buf_put_u64(buf, card->kind);
        if (card->specialties) {
            wsm__buf_putc(buf, ',');
            wsm__buf_put_slice(buf, wsm__card_specialties(card));
        }
        wsm__buf_putc(buf, ']');
    }
    wsm__buf_putc(buf, ']');
}

static int load_card(wsm__roster *roster, wsm_slice row) {
    size_t at = 0;
    uint64_t kind;
    uint32_t idx;
    bool is_new = false;
    wsm_slice name;
    wsm__json_value value;
    wsm_slice specialties = {NULL, 0};
    if (!wsm__json_next_element(row, &at, &value) || value.kind != WSM__JSON_STRING ||
        !wsm__json_string_is_plain(value.raw, &name))
        return WSM_ERR_LOG_CORRUPT;
    if (!wsm__json_next_element(row, &at, &value) || !wsm__json_u64(value, WSM_KIND_SERVICE, &kind))
        return WSM_ERR_LOG_CORRUPT;
    if (wsm__json_next_element(row, &at, &value)) {
        if (value.kind != WSM__JSON_ARRAY) return WSM_ERR_LOG_CORRUPT;
        specialties = value.raw;
    }
    int err = wsm__roster_put(roster, name, (wsm_kind)kind, specialties, &idx, &is_new);
    return err == WSM_ERR_INVALID || (!err && !is_new) ? WSM_ERR_LOG_CORRUPT : err;
}

int wsm__roster_load(wsm__roster *roster, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value;
    int err = WSM_OK;
    while (!err && wsm__json_next_element(array, &at, &value))
        err = value.kind == WSM__JSON_ARRAY ? load_card(roster, value.raw) : WSM_ERR_LOG_CORRUPT;
    return err;
}
