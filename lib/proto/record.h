/* The form of a record's bytes in the log: one line of JSON for the fold, a line feed, and the message for the readers.
 *
 *     {"v":1,"type":"memory_update","id":"0190…","sender":"ada","context":"main","time":1767323045678,
 *      "priority":"normal","digest":"…","seq":12,"at":17,"by":"9f2c…:17"}\n
 *     {"message_id":"0190…","timestamp":"2026-01-02T03:04:05.678Z","sender_agent_id":"ada",…,"exchange":{…}}
 *
 * (the head is one line). The head holds what `apply` needs, nothing else; unknown members of a newer node are ignored.
 * Readers get the body with `type`, `offset` and `seq` put in front, so that a record is never printed again. `by`
 * names the node and the number of its append, by which that node knows its own records when they come back. What a
 * head tells of earlier records, `at`, `inflight`, `maybe`, `told`, `again` and `fates`, is in memory/fates.h. */
#ifndef WSM_LIB_PROTO_RECORD_H
#define WSM_LIB_PROTO_RECORD_H

#include "proto/messages.h"
#include "proto/scan.h"
#include "util/buf.h"
#include "util/crypto.h"

#define WSM__MAY_EXCEED      1u /* a priority above the parent's */
#define WSM__MAY_MENTION_ALL 2u
#define WSM__MAY_HISTORY     4u /* from here on its sender sees what its context held before */

typedef struct wsm__record_head {
    wsm__msg_type type;
    unsigned char id[16];
    wsm_slice sender;
    wsm_slice context_id;
    int64_t time_ms;
    wsm_priority priority;
    bool has_digest;
    unsigned char digest[WSM__DIGEST_LEN]; /* of the message as received */
    uint64_t expected_seq; /* `seq`: the sequence number that the writer expected (memory/log.h); 0: absent */
    bool has_at;           /* an older writer told nothing of the following (memory/fates.h) */
    uint64_t at;           /* the offset up to which the writer had applied */
    uint64_t inflight;     /* of its own records, not applied yet, that `seq` counts in */
    uint64_t maybe;        /* of its own records whose appends failed, and may have been kept after all */
    uint64_t told;         /* up to here it tells what differs; 0: up to `at` */
    bool is_again;         /* the writer knew the id */
    wsm_slice fates;       /* JSON array: what differs; absent: nothing */
    uint64_t node;
    uint64_t number;
    wsm_slice also;  /* a second context whose members see the record too; absent: none */
    uint32_t hop;    /* length of the chain of causes; 0: none */
    uint32_t may;    /* WSM__MAY_...: rights of the sender's token, as they were when the record was written */
    wsm_slice to;    /* JSON array of agent ids: whom a mention is for, or who is invited, removed, ...; absent: none */
    wsm_slice rules; /* JSON array: the limits by which it is judged (hub/rules.h); absent: the usual ones */
    wsm_slice result; /* JSON: what the sender is told in his ack, and again when he repeats himself; absent: nothing */
} wsm__record_head;

void wsm__record_put_head(wsm__buf *buf,
                          const wsm__record_head *head); /* with its line feed; the body is appended by the caller */

/* Split and read. 0, or WSM_ERR_LOG_CORRUPT (no head, head or body not an object, a member missing or of the wrong
 * type, an unknown type). The body is checked with the strict scanner only if `limits` is not NULL: a record that this
 * very process has built needs no second look. Slices point into `bytes`. */
int wsm__record_parse(wsm_slice bytes, const wsm__scan_limits *limits, wsm__record_head *head, wsm_slice *body);

/* Bytes of the message as readers get it, and the message itself into `out` of that many bytes. */
size_t wsm__record_message_len(wsm__msg_type type, uint64_t offset, uint64_t seq, wsm_slice body);
void wsm__record_message_write(char *out, wsm__msg_type type, uint64_t offset, uint64_t seq, wsm_slice body);
uint64_t wsm__record_message_offset(wsm_slice message); /* of one that was written so; 0: it was not */
/* Where its number stands, from the comma on, and how many bytes that takes; 0 bytes: it has none. */
size_t wsm__record_message_seq(wsm_slice message, size_t *len);
size_t wsm__record_unnumbered_len(wsm_slice message); /* of the message without its number */

#endif
