/* The limits by which a record is judged: those of the hub that wrote it. They stand in its head where they are not the
 * usual ones, so that every hub that folds it comes to the same state, however that one is configured.
 *
 * As text they are numbers in a fixed order with commas between. */
#ifndef WSM_LIB_HUB_RULES_H
#define WSM_LIB_HUB_RULES_H

#include "proto/record.h"
#include "route/ledger.h"
#include "sidebar/tree.h"
#include "wsm/hub.h"

typedef struct wsm__rules {
    wsm__tree_limits tree;
    wsm__ledger_limits mail; /* how long a delivery lives is not among them: it ends by a record */
    uint32_t lease_ms;
    uint32_t ids_window_ms, ids_max; /* how long, and how many of a sender, message ids are known */
} wsm__rules;

#define WSM__RULES_TEXT 256

void wsm__rules_init(wsm_hub *hub);
/* What a record of this hub says of its own; absent: they are the usual ones, or this type is not judged by them. All
 * have an id, so all say it where ids are known for another time. */
wsm_slice wsm__rules_text(const wsm_hub *hub, wsm__msg_type type);
/* From here on those of the record are in force; until the hub's own are again. */
void wsm__rules_enter(wsm_hub *hub, const wsm__record_head *head);
void wsm__rules_leave(wsm_hub *hub);

#endif
