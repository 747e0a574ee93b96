/* Waiting: what a sidebar waits for, circles of such waits, and what a paused one is resumed by. */
#ifndef WSM_LIB_SIDEBAR_WAITS_H
#define WSM_LIB_SIDEBAR_WAITS_H

#include "sidebar/tree.h"

typedef enum wsm__waiting_for {
    WSM__WAITING_NONE = 0,
    WSM__WAITING_HUMAN,
    WSM__WAITING_EXTERNAL,
    WSM__WAITING_SIDEBAR,
    WSM__WAITING_RESOURCE
} wsm__waiting_for;

const char *wsm__waiting_word(wsm__waiting_for what);
wsm__waiting_for wsm__waiting_of(wsm_slice word);

/* Room for `count` sidebars to wait for. */
int wsm__waits_prepare(wsm__tree *tree, wsm__side *side, uint32_t count);
/* After the status has become waiting. `text` (raw JSON string) is taken. Itself, and those that have ended, are left
 * out. */
void wsm__waits_set(wsm__tree *tree, wsm__side *side, wsm__waiting_for what, wsm__text *text, wsm__side *const *on,
                    uint32_t count);

/* Does it wait for sidebars, all of which have ended? */
bool wsm__waits_over(const wsm__side *side);

/* A circle of waits through `side`: fills `cycle` with the sidebars in order, `side` first; 0: there is none. A longer
 * one than `cap` is cut. Marks nodes of the tree, so it costs at most one look at each wait. */
uint32_t wsm__waits_cycle(wsm__tree *tree, wsm__side *side, wsm__side **cycle, uint32_t cap);

/* Those that something could set going: they wait for sidebars, or have a condition to be resumed by. `after` NULL: the
 * first; NULL: no more. */
wsm__side *wsm__waits_next(const wsm__tree *tree, const wsm__side *after);

/* ---- what resumes a paused one ----
 * Exactly one of the members of `condition` counts, as `kind` says. */
typedef struct wsm__condition {
    wsm__wake kind;
    wsm__side *side; /* its end */
    int64_t time_ms;
    wsm_slice text; /* a key, decoded; or an agent's id */
} wsm__condition;

void wsm__wake_set(wsm__tree *tree, wsm__side *side, const wsm__condition *condition,
                   wsm__text *text); /* text is taken */
bool wsm__wake_is_met_by_end(const wsm__side *side);
bool wsm__wake_is_met_by_time(const wsm__side *side, int64_t now_ms);
bool wsm__wake_is_met_by_mention(const wsm__side *side, wsm_slice agent_id);
bool wsm__wake_is_met_by_key(const wsm__side *side, const wsm__side *where, wsm_slice key);

#endif
