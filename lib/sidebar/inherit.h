/* Inherited memory as views: a new sidebar sees its parent's records and data references up to an offset, and through
 * the parent's views what the parent sees. Nothing is copied, so it costs as much for ten records as for a million. */
#ifndef WSM_LIB_SIDEBAR_INHERIT_H
#define WSM_LIB_SIDEBAR_INHERIT_H

#include "sidebar/tree.h"

typedef enum wsm__inherit {
    WSM__INHERIT_ALL = 0,
    WSM__INHERIT_LAST_N, /* the last n records of each context, and the data references */
    WSM__INHERIT_REFS,   /* data references only */
    WSM__INHERIT_NONE
} wsm__inherit;

#define WSM__VIEWS_MAX 64u /* of one sidebar: the depth of the tree, and a fork of a fork of a fork ... */

typedef struct wsm__inherit_how {
    wsm__inherit mode;
    uint64_t n;     /* with LAST_N */
    uint64_t depth; /* how many contexts up; 0: all the way */
} wsm__inherit_how;

const char *wsm__inherit_word(wsm__inherit mode);
bool wsm__inherit_of(wsm_slice word, wsm__inherit *mode);

/* A sum that has to be read: of a context's records behind `at`, up to the one at `up_to`, or until there are `records`
 * in all. */
typedef struct wsm__unread {
    const wsm__side *side; /* NULL: none */
    wsm__mark at;
    uint64_t up_to, records;
} wsm__unread;

/* The views of a sidebar that `who` begins under `parent` now, or that forks it: the parent up to `up_to`, as far back
 * as `who` may read it himself, then what it sees itself, nearest first. Returns their number; more than
 * WSM__VIEWS_MAX: the farthest are left out. Where only the store could tell how much a view holds, `unread` says what
 * to read first; when that is learnt (wsm__side_learn) one asks again. As it is, such a view has no figures. */
uint32_t wsm__inherit_views(const wsm__tree *tree, wsm__side *parent, uint64_t up_to, uint32_t who,
                            const wsm__inherit_how *how, wsm__view views[WSM__VIEWS_MAX], wsm__unread *unread);

/* How many records and bytes of a view an agent may see now: no more and no less than it is given to read.
 * WSM__AGENT_NONE: what all may see. False: only the store could tell. */
bool wsm__view_count(const wsm__tree *tree, const wsm__view *view, uint32_t agent, uint64_t *records, uint64_t *bytes);

/* How many records and bytes a context had up to an offset. False: only the store could tell exactly, and it is less
 * than WSM__MARK_EVERY too few. */
bool wsm__side_count(const wsm__side *side, uint64_t up_to, uint64_t *records, uint64_t *bytes);

#endif
