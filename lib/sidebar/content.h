/* The content of a merge, read from the sidebar's records: the exchanges that go along, and, for a merge without
 * findings of its own, the findings: critical updates, results of tests, the newest value of each key. */
#ifndef WSM_LIB_SIDEBAR_CONTENT_H
#define WSM_LIB_SIDEBAR_CONTENT_H

#include "proto/json_out.h"
#include "proto/scan.h"
#include "util/map.h"

typedef struct wsm__content {
    bool takes_all;          /* every exchange; otherwise those in `offsets` */
    const uint64_t *offsets; /* sorted; borrowed */
    size_t offsets_count, found;
    wsm__buf exchanges, critical, tests; /* elements with commas between them */
    wsm__map values;                     /* of struct content_value, by key */
    bool wants_findings;
} wsm__content;

void wsm__content_init(wsm__content *content, wsm__mem *mem, const unsigned char seed[16], bool wants_findings);
void wsm__content_fini(wsm__content *content);

/* A record of the sidebar as readers got it, in order of offsets. WSM_ERR_NOMEM: as before. */
int wsm__content_add(wsm__content *content, wsm_slice message);

void wsm__content_put_exchanges(const wsm__content *content,
                                wsm__buf *buf); /* [{offset, sender_agent_id, exchange},…] */
void wsm__content_put_values(const wsm__content *content, wsm__buf *buf);   /* {key: {offset, exchange},…} */
void wsm__content_put_findings(const wsm__content *content, wsm__buf *buf); /* {critical, tests, values} */

#endif
