/* A hub with one peer, for targets whose input is bytes from the network: what goes in may be cut anywhere, what comes
 * out is collected, and what the host was told is written down, so that two runs can be compared (I-60, I-61).
 *
 * Clock and random bytes are the box's own, so the same calls make the same bytes. Output is handed out when the target
 * says so, and not inside callbacks: what a peer has read in between is no matter of how its own bytes were cut. */
#ifndef WSM_TESTS_FUZZ_BOX_H
#define WSM_TESTS_FUZZ_BOX_H

#include "fuzz.h"
#include "wsm/wsm.h"

#define BOX_AGENT "ada"

typedef struct box {
    test_mem mem;
    uint64_t mono;
    int64_t wall;
    uint64_t random;
    wsm_config config;
    wsm_host host;
    wsm_hub *hub;
    wsm_conn *conn;       /* NULL: none, or the transport has gone */
    bool gone;            /* the hub has closed the transport */
    uint16_t code;        /* as on_conn_state said */
    int last_err;         /* of the last wsm_conn_recv */
    size_t live;          /* bytes before the peer came */
    size_t peak;          /* the most that was live after a call, above `live` */
    fuzz_text out;        /* bytes to the peer */
    fuzz_text told;       /* what the host heard, a line each */
    fuzz_text numbers;    /* of the hub at its end: a name, labels and the value, as they lie in memory, of each */
    size_t sent_max;      /* bytes that one write takes; 0: all */
    fuzz_cuts out_cuts;   /* a write ends at each */
    wsm_request *request; /* not answered yet */
    enum { BOX_NO_ANSWER, BOX_ANSWER_NOW, BOX_ANSWER_LATER } answers;
    bool defers_tokens; /* token_check says PENDING */
} box;

/* Then change config and host, and start. A key is there, and a token signed with it: box_token. */
void box_init(box *b);
/* False: out of memory, as the driver wished; box_end all the same. */
bool box_start(box *b);
bool box_open(box *b, wsm_peer_kind kind, bool plain);
void box_recv(box *b, const void *bytes, size_t len); /* one call, from a block of its own */
void box_drain(box *b);                               /* everything that waits is written */
size_t box_write(box *b, size_t to);                  /* as fuzz_run_write */
void box_run(box *b, uint64_t ms);                    /* time passes */
void box_count(box *b);                               /* collects the hub's numbers */
void box_leave(box *b);                               /* frees the hub; what was collected stays until box_free */
void box_end(box *b);                                 /* both */
void box_free(box *b);

const char *box_token(void); /* for BOX_AGENT, active */

/* All that was observed. */
void box_tell(const box *b, fuzz_text *seen);
/* Expects two runs to be the same to everybody: peer, host, operator. */
void box_expect_same(const box *a, const box *b);

#endif
