/* The status of a sidebar: which of the ten may become which, and what a change does to the node.
 *
 * In terms of the A2A protocol's task states: active, testing, reviewing, spawning_child and consolidating are
 * `working`; waiting is `input-required` (for human_input) or `working`; paused is `working`; merged is `completed`;
 * failed is `failed`; archived is what its final_status is, `canceled` if that is neither merged nor failed. */
#ifndef WSM_LIB_SIDEBAR_LIFECYCLE_H
#define WSM_LIB_SIDEBAR_LIFECYCLE_H

#include "sidebar/tree.h"

const char *wsm__status_word(wsm__status status);
wsm__status wsm__status_of(wsm_slice word);      /* WSM__STATUS_NONE: unknown */
const char *wsm__status_a2a(wsm__status status); /* the task state of the A2A protocol that it is closest to */

/* May a sidebar go from one status to another? `before` is what it goes back to from paused and spawning_child. */
bool wsm__status_may(wsm__status from, wsm__status before, wsm__status to);

/* A change of status that somebody asks for. */
typedef struct wsm__change {
    wsm__status to;
    bool has_reason;
    bool has_if_version;
    uint64_t if_version;
} wsm__change;

/* conflict: another version; invalid_transition: with the reason. `field` names the field of the new status. */
wsm__no wsm__change_no(const wsm__side *side, const wsm__change *change, const char *field);

/* What the status is after resuming; WSM__STATUS_NONE if it is not paused. */
wsm__status wsm__side_resumes_to(const wsm__side *side);

/* The sidebar gets this status, one version more. What it waited for, and what would have woken it, is forgotten unless
 * it stays. Cannot fail. */
void wsm__side_to(wsm__tree *tree, wsm__side *side, wsm__status status);

#endif
