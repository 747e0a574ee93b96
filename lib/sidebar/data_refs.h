/* Data references: names for values within a context, with a version each time a name is set or removed.
 *
 * What a view sees is a value as it was at an offset; so an older value is kept as long as a view into this context
 * needs it, and no longer (`pins` of the node say which offsets are needed). What is kept for views alone is bounded:
 * beyond four times the limit for values the oldest goes, and those views find nothing under that name. */
#ifndef WSM_LIB_SIDEBAR_DATA_REFS_H
#define WSM_LIB_SIDEBAR_DATA_REFS_H

#include "sidebar/tree.h"

/* A value. */
typedef struct wsm__value {
    struct wsm__value *older;
    uint64_t offset, version;
    uint32_t agent; /* who set it */
    bool is_removal;
    size_t len;
    char json[];
} wsm__value;

/* A name with its values, newest first. */
typedef struct wsm__ref {
    wsm__value *newest;
    size_t name_len;
    char name[];
} wsm__ref;

/* Something to be done to a name. */
typedef struct wsm__ref_set {
    wsm_slice name;  /* decoded */
    wsm_slice value; /* raw JSON; absent: remove */
    bool has_if_version;
    uint64_t if_version;
} wsm__ref_set;

wsm__no wsm__refs_no(const wsm__tree *tree, const wsm__side *side, const wsm__ref_set *set);
/* The new value, to be handed to commit or to free; *ref gets the name's entry, made if it is new. NULL: no memory. */
wsm__value *wsm__refs_prepare(wsm__tree *tree, wsm__side *side, const wsm__ref_set *set, wsm__ref **ref);
void wsm__refs_commit(wsm__tree *tree, wsm__side *side, wsm__ref *ref, wsm__value *value, uint64_t offset,
                      uint32_t agent);
void wsm__refs_settle(wsm__tree *tree, wsm__side *side); /* after the last commit of a record: keeps the bounds */
/* For the snapshot: a value that was prepared and filled in, as the newest (`end` NULL) or behind the one whose `older`
 * that is. */
void wsm__refs_restore(wsm__side *side, wsm__ref *ref, wsm__value *value, wsm__value **end);
void wsm__value_free(wsm__tree *tree, wsm__value *value); /* NULL does nothing */

/* The value of a name in this context alone, now or as it was at an offset. NULL: none, or removed (`_any`: a removal
 * too). */
const wsm__value *wsm__refs_get(const wsm__side *side, wsm_slice name);
const wsm__value *wsm__refs_at_any(const wsm__side *side, wsm_slice name, uint64_t offset);
uint64_t wsm__refs_version(const wsm__side *side, wsm_slice name); /* 0: never set */

/* Whether a new view that ends at `offset` would find every name as it was then: a value that no view needed is let go
 * with the next. */
bool wsm__refs_reach(const wsm__side *side, uint64_t offset);

/* The value that a context sees under a name: its own, or through its views, nearest first. *where gets the context. */
const wsm__value *wsm__refs_seen(const wsm__side *side, wsm_slice name, const wsm__side **where);

/* Everything that is seen, each name once. Start with *at zeroed. */
typedef struct wsm__refs_walk {
    uint32_t view; /* 0: its own, then its views */
    wsm__map_node *cursor;
} wsm__refs_walk;
const wsm__ref *wsm__refs_next(const wsm__side *side, wsm__refs_walk *at, const wsm__value **value,
                               const wsm__side **where);

void wsm__refs_pin(wsm__side *side, uint64_t offset); /* room was reserved */
void wsm__refs_free(wsm__tree *tree, wsm__side *side);

#endif
