/* From the hub to JSON: messages of the table, each with its envelope. In debug builds a field that the table does not
 * give to the type's downward form, or a required one that is missing, is an assertion. */
#ifndef WSM_LIB_PROTO_ENCODE_H
#define WSM_LIB_PROTO_ENCODE_H

#include "proto/decode.h"
#include "proto/json_out.h"

typedef struct wsm__encoder {
    wsm__json_out out;
    wsm__msg_type type;
    uint32_t seen; /* bit i: field i of the type was written */
} wsm__encoder;

/* Begin `{"type":…,"message_id":…,"timestamp":…,"sender_agent_id":…`. `message_id` without quotes (36 bytes); `wall_ms`
 * the hub's clock; `sender` absent: left out. */
void wsm__encode_begin(wsm__encoder *enc, wsm__buf *buf, wsm__msg_type type, const char message_id[36], int64_t wall_ms,
                       wsm_slice sender);
void wsm__encode_str(wsm__encoder *enc, const char *field, wsm_slice text);
void wsm__encode_raw(wsm__encoder *enc, const char *field, wsm_slice json);
void wsm__encode_num(wsm__encoder *enc, const char *field, uint64_t number);
void wsm__encode_bool(wsm__encoder *enc, const char *field, bool value);
void wsm__encode_end(wsm__encoder *enc);

/* The fields of a client's message that go on to its readers, as they came; where the sender has to stand, the sender.
 * What the hub adds of its own follows by hand. */
void wsm__encode_relay(wsm__json_out *out, const wsm__message *message, wsm_slice sender);

#endif
