/* One record on its way into the model of the sidebars (sides.h). */
#ifndef WSM_LIB_SIM_FOLD_H
#define WSM_LIB_SIM_FOLD_H

#include "json.h"
#include "world.h"

typedef struct wsm__sim_fold {
    wsm_sim *sim;
    wsm__sim_machine *node;
    wsm__sim_epoch *epoch;
    wsm__sim_sides *sides;
    const wsm__sim_json *json; /* the record */
    uint64_t offset;
    wsm__sim_entry *entry;
    const wsm__sim_command *command; /* NULL: the hub's own */
    wsm__sim_op op;
    uint32_t sender; /* WSM__SIM_NOBODY: the hub */
} wsm__sim_fold;

uint32_t wsm__sim_fold_field(const wsm__sim_fold *fold, const char *name);
void wsm__sim_fold_text(const wsm__sim_fold *fold, const char *name, char *into, size_t cap);
wsm__sim_side *wsm__sim_fold_side(const wsm__sim_fold *fold, uint32_t node); /* NULL: there is none of that id */
void wsm__sim_fold_expect(const wsm__sim_fold *fold, bool holds, const char *what);

void wsm__sim_fold_views(const wsm__sim_fold *fold, wsm__sim_side *side,
                         const wsm__sim_side *from);                /* sidebar_views.c */
void wsm__sim_fold_merge(wsm__sim_fold *fold, wsm__sim_side *side); /* sidebar_merge.c */
void wsm__sim_fold_decide(wsm__sim_fold *fold, wsm__sim_side *side);

#endif
