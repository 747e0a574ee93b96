/* A tape: names for places, what is to be chosen in a hash table, and what was chosen in a list. */
#include "tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define NO_NAME UINT32_MAX

void wsm__sim_tape_fini(wsm__sim_tape *tape) {
    for (size_t i = 0; i < tape->names_count; i++) free(tape->names[i].text);
    free(tape->names);
    free(tape->known);
    free(tape->index);
    free(tape->made);
}

/* ---- names ----------------------------------------------------------------------------------------------------------
 */

uint32_t wsm__sim_tape_name(wsm__sim_tape *tape, const char *text) {
    for (size_t i = 0; i < tape->names_count; i++)
        if (strcmp(tape->names[i].text, text) == 0) return (uint32_t)i;
    if (tape->names_count == tape->names_cap) {
        tape->names_cap = tape->names_cap ? tape->names_cap * 2 : 256;
        tape->names = wsm__sim_resize(tape->names, tape->names_cap * sizeof *tape->names);
    }
    tape->names[tape->names_count] = (wsm__sim_name){wsm__sim_copy(text, strlen(text)), INT32_MIN, 0};
    return (uint32_t)tape->names_count++;
}

static size_t mixed(uint64_t a, uint64_t b) {
    uint64_t h = (a * 0x9e3779b97f4a7c15u) ^ (b * 0xc2b2ae3d27d4eb4fu);
    h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u;
    return (size_t)(h ^ (h >> 32));
}

static wsm__sim_known *slot(wsm__sim_tape *tape, wsm__sim_point point) {
    size_t at = mixed((uintptr_t)point.where, (uintptr_t)point.which);
    while (tape->known[at &= tape->known_cap - 1].name != NO_NAME &&
           (tape->known[at].point.where != point.where || tape->known[at].point.which != point.which))
        at++;
    return &tape->known[at];
}

static void widen(wsm__sim_tape *tape) {
    wsm__sim_known *old = tape->known;
    size_t old_cap = tape->known_cap;
    tape->known_cap = old_cap ? old_cap * 2 : 512;
    tape->known = wsm__sim_resize(NULL, tape->known_cap * sizeof *tape->known);
    for (size_t i = 0; i < tape->known_cap; i++) tape->known[i] = (wsm__sim_known){.name = NO_NAME};
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].name != NO_NAME) *slot(tape, old[i].point) = old[i];
    free(old);
}

/* Addresses differ between builds and may be shared or not; names are told apart by their text. */
static uint32_t name_of(wsm__sim_tape *tape, wsm__sim_point point) {
    char text[160];
    if (tape->known_count * 2 >= tape->known_cap) widen(tape);
    wsm__sim_known *known = slot(tape, point);
    if (known->name != NO_NAME) return known->name;
    snprintf(text, sizeof text, "%s %s", point.where, point.which);
    *known = (wsm__sim_known){point, wsm__sim_tape_name(tape, text)};
    tape->known_count++;
    return known->name;
}

/* ---- what is to be chosen -------------------------------------------------------------------------------------------
 */

static wsm__sim_made *place(wsm__sim_tape *tape, int32_t step, uint32_t name, uint32_t nth) {
    size_t at = mixed((uint64_t)(uint32_t)step << 32 | name, nth + 1);
    for (;; at++) {
        wsm__sim_made *made = &tape->index[at &= tape->index_cap - 1];
        if (made->value == 0 || (made->step == step && made->name == name && made->nth == nth)) return made;
    }
}

void wsm__sim_tape_start(wsm__sim_tape *tape, const wsm__sim_made *says, size_t count) {
    tape->says = says;
    tape->says_count = count;
    tape->made_count = 0;
    for (size_t i = 0; i < tape->names_count; i++) tape->names[i].step = INT32_MIN;
    free(tape->index);
    for (tape->index_cap = 16; tape->index_cap < count * 2;) tape->index_cap *= 2;
    tape->index = wsm__sim_zalloc(tape->index_cap * sizeof *tape->index);
    for (size_t i = 0; i < count; i++) *place(tape, says[i].step, says[i].name, says[i].nth) = says[i];
}

wsm__sim_made wsm__sim_tape_ask(wsm__sim_tape *tape, wsm__sim_point point) {
    uint32_t id = name_of(tape, point);
    wsm__sim_name *name = &tape->names[id];
    if (name->step != tape->step) name->step = tape->step, name->next = 0;
    wsm__sim_made made = {tape->step, id, name->next++, 0};
    if (tape->says) made.value = place(tape, made.step, id, made.nth)->value;
    return made;
}

void wsm__sim_tape_keep(wsm__sim_tape *tape, wsm__sim_made made) {
    if (made.value == 0) return;
    if (tape->made_count == tape->made_cap) {
        tape->made_cap = tape->made_cap ? tape->made_cap * 2 : 1024;
        tape->made = wsm__sim_resize(tape->made, tape->made_cap * sizeof *tape->made);
    }
    tape->made[tape->made_count++] = made;
}
