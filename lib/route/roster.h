/* The agents that the log knows: each one whose card (record `agent_card`) was folded, numbered in the order of its
 * first card. Part of the fold, so a number means the same agent on every node and after every restart; memberships,
 * mentions and deliveries name agents by it.
 *
 * Handles are compared without regard to ASCII case; two agents whose names differ in case alone are ambiguous to each
 * other and are told apart by their exact names. Costs some 200 bytes an agent, its specialties beside that. */
#ifndef WSM_LIB_ROUTE_ROSTER_H
#define WSM_LIB_ROUTE_ROSTER_H

#include "limits.h"
#include "proto/scan.h"
#include "util/bloom.h"
#include "util/buf.h"
#include "util/list.h"
#include "util/map.h"
#include "util/ring.h"

#define WSM__ROSTER_NONE UINT32_MAX       /* no such agent */
#define WSM__ROSTER_HUB  (UINT32_MAX - 1) /* the hub, and the host that speaks for it */
#define WSM__ROSTER_MANY (UINT32_MAX - 2) /* a handle that could be one of several */

/* An agent among those who are good at one thing. */
typedef struct wsm__skill {
    wsm__list in_group;
    uint32_t agent;
} wsm__skill;

typedef struct wsm__card {
    uint32_t idx;
    uint32_t next_alike; /* the next one of the same folded handle, WSM__ROSTER_NONE: none */
    uint8_t kind;        /* wsm_kind */
    uint8_t name_len;
    uint16_t specialties_len;
    uint16_t skills_count;
    char *specialties;  /* a JSON array as it came; NULL: none */
    wsm__skill *skills; /* one for each of them; NULL: none */
    char name[];
} wsm__card;

typedef struct wsm__roster {
    wsm__mem *mem;
    wsm__map by_name;   /* of wsm__card */
    wsm__map by_handle; /* of wsm__card, the first of each folded handle */
    wsm__map skilled; /* of wsm__list of wsm__skill, by specialty: who is called by @role costs what its group costs */
    wsm__ring cards;  /* of wsm__card *, by idx */
    wsm__bloom handles; /* the folded ones: most words behind an @ that are nobody's are turned away here */
} wsm__roster;

void wsm__roster_init(wsm__roster *roster, wsm__mem *mem, const unsigned char seed[16]);
void wsm__roster_fini(wsm__roster *roster);

uint32_t wsm__roster_count(const wsm__roster *roster);
const wsm__card *wsm__roster_at(const wsm__roster *roster, uint32_t idx); /* idx < count */
/* The number of an exact name: WSM__ROSTER_HUB for "hub", WSM__ROSTER_NONE if it is not known. */
uint32_t wsm__roster_find(const wsm__roster *roster, wsm_slice name);
/* The number of a handle as somebody wrote it: its exact name, or the only one that is the same but for case;
 * WSM__ROSTER_MANY, WSM__ROSTER_NONE. */
uint32_t wsm__roster_handle(const wsm__roster *roster, wsm_slice handle);
wsm_slice wsm__roster_name(const wsm__roster *roster, uint32_t idx); /* "hub" for WSM__ROSTER_HUB */
wsm_slice wsm__card_specialties(const wsm__card *card);              /* JSON array, or absent */
/* The first of those with a specialty, and the next one; NULL: no more. Of a card that names it twice: twice. */
const wsm__skill *wsm__roster_skilled(const wsm__roster *roster, wsm_slice specialty);
const wsm__skill *wsm__roster_skilled_next(const wsm__roster *roster, wsm_slice specialty, const wsm__skill *skill);
bool wsm__card_has_specialty(const wsm__card *card, wsm_slice specialty);

/* Fold a card in. `specialties` is a checked JSON array of strings or absent, at most 64 KiB. *idx gets the number;
 * *is_new (may be NULL) tells whether it was unknown before. 0, WSM_ERR_INVALID, or WSM_ERR_NOMEM: no effect. */
int wsm__roster_put(wsm__roster *roster, wsm_slice name, wsm_kind kind, wsm_slice specialties, uint32_t *idx,
                    bool *is_new);
/* 1: a card with these values would change nothing. */
bool wsm__roster_has(const wsm__roster *roster, wsm_slice name, wsm_kind kind, wsm_slice specialties);

/* For the snapshot: a JSON array, one [name, kind, specialties] each in order of their numbers. Loading takes a checked
 * array into an empty roster; WSM_ERR_LOG_CORRUPT or WSM_ERR_NOMEM leave it to be cleared. */
void wsm__roster_save(const wsm__roster *roster, wsm__buf *buf);
int wsm__roster_load(wsm__roster *roster, wsm_slice array);
void wsm__roster_clear(wsm__roster *roster);

#endif
