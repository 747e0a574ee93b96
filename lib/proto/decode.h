/* From a client's JSON to a checked message, driven by the table in messages.def.
 *
 * A message borrows from the input: its slices are valid as long as the input is. Nothing is allocated. */
#ifndef WSM_LIB_PROTO_DECODE_H
#define WSM_LIB_PROTO_DECODE_H

#include "proto/messages.h"
#include "proto/scan.h"
#include "wsm/types.h"

#define WSM__MEMBERS_MAX 64 /* of a message, unknown ones too */

typedef struct wsm__message {
    wsm__msg_type type;
    bool has_id;
    unsigned char id[16];
    wsm_slice message_id;      /* as written, without quotes */
    wsm_slice context_id;      /* "main" if absent */
    wsm_slice sender_agent_id; /* absent if not given: to be compared by the hub */
    wsm_slice origin_time;     /* the client's `timestamp`, raw JSON string with quotes; absent if not given */
    wsm_slice cause;           /* a UUID as written, without quotes; absent if not given */
    bool has_priority;
    wsm_priority priority;                   /* normal if absent */
    wsm__json_value fields[WSM__FIELDS_MAX]; /* by index in the type's table; kind 0: absent (or null where allowed) */
} wsm__message;

typedef struct wsm__decode_error {
    int err;           /* WSM_ERR_BAD_JSON, WSM_ERR_BAD_MESSAGE, WSM_ERR_UNKNOWN_TYPE, WSM_ERR_TOO_LARGE */
    const char *field; /* static; NULL: the message as a whole */
    char message[160]; /* a sentence: which field, what was expected. Never echoes input. Printable ASCII */
    bool has_id;       /* the message_id could be read all the same, so that the error can name it */
    char message_id[36];
} wsm__decode_error;

/* 0, or the error with *error filled. Unknown fields are ignored (dropped); hub-set fields (`offset`, `seq`, `hop`) are
 * WSM_ERR_BAD_MESSAGE; types that only the hub sends are WSM_ERR_BAD_MESSAGE with field "type". */
int wsm__decode(wsm_slice text, const wsm__scan_limits *limits, wsm__message *message, wsm__decode_error *error);

/* The value of a field by name; kind 0 if absent. The name must be one that a client may send (asserted). */
wsm__json_value wsm__message_field(const wsm__message *message, const char *name);

/* The field that names somebody else than `sender` where only the sender may stand; NULL: there is none. */
const char *wsm__message_impostor(const wsm__message *message, wsm_slice sender);

#endif
