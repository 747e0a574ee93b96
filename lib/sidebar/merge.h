/* Merging: what a sidebar brings to its parent. The record carries it whole, because the parent's members may not read
 * the sidebar: findings, exchanges with their origin, what its children found, and the data references that were set
 * here.
 *
 * A name that both sides have set since the sidebar began is a conflict. It is reported, and kept as the sidebar's
 * policy says: both (the sidebar's value under "name@sidebar_id"), the parent's, or the sidebar's. */
#ifndef WSM_LIB_SIDEBAR_MERGE_H
#define WSM_LIB_SIDEBAR_MERGE_H

#include "sidebar/data_refs.h"

typedef enum wsm__conflict_policy { WSM__KEEP_BOTH = 0, WSM__KEEP_PARENT, WSM__KEEP_SIDEBAR } wsm__conflict_policy;

const char *wsm__policy_word(wsm__conflict_policy policy);
bool wsm__policy_of(wsm_slice word, wsm__conflict_policy *policy);

/* May it be merged now, by this agent: its status, its children. May its merge be decided. */
wsm__no wsm__merge_no(const wsm__tree *tree, const wsm__side *side, uint32_t agent);
wsm__no wsm__merge_decision_no(const wsm__side *side);
bool wsm__merge_offers(const wsm__side *side, uint64_t offset); /* is that update part of the merge that waits */

/* Parts of the record, from the state alone, so that apply can tell whether the state is still what they were made
 * from. */
void wsm__merge_put_refs(const wsm__side *side, wsm__buf *buf); /* {"name":value,…}, null for one that was removed */
void wsm__merge_put_conflicts(const wsm__side *side, wsm__buf *buf); /* [{name, parent, sidebar, resolution},…] */
void wsm__merge_put_children(const wsm__side *side, wsm__buf *buf);  /* [{sidebar_id, status, success, …},…] */

/* The data references go to the parent. */
typedef struct wsm__merge_plan wsm__merge_plan;
int wsm__merge_prepare(wsm__tree *tree, wsm__side *side, wsm__merge_plan **plan, wsm__no *no);   /* WSM_ERR_NOMEM */
void wsm__merge_commit(wsm__tree *tree, wsm__merge_plan *plan, uint64_t offset, uint32_t agent); /* plan is gone then */
void wsm__merge_abandon(wsm__tree *tree, wsm__merge_plan *plan);                                 /* NULL does nothing */

#endif
