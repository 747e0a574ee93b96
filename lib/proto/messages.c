/* The rows of messages.def, and looking them up. */
#include "proto/messages.h"

#include <assert.h>

#include "limits.h"
#include "util/slice.h"

/* The words of messages.def. */
#define UP     WSM__FLOW_UP
#define DOWN   WSM__FLOW_DOWN
#define RECORD WSM__FLOW_RECORD

#define UP_OPTIONAL   WSM__MAY_UP
#define UP_REQUIRED   (WSM__MAY_UP | WSM__NEED_UP)
#define DOWN_OPTIONAL WSM__MAY_DOWN
#define DOWN_REQUIRED (WSM__MAY_DOWN | WSM__NEED_DOWN)
#define OPTIONAL      (UP_OPTIONAL | DOWN_OPTIONAL)
#define REQUIRED      (UP_REQUIRED | DOWN_REQUIRED)
#define NULLABLE      WSM__NULLABLE
#define NULL_COUNTS   WSM__NULL_SAYS
#define SENDER        WSM__SENDER

#define ANY false
#define ONE true

#define TEXT(low_, high_)              .kind = WSM__KIND_TEXT, .low = (low_), .high = (high_)
#define NAME(high_)                    .kind = WSM__KIND_NAME, .low = 1, .high = (high_)
#define AGENT                          .kind = WSM__KIND_AGENT, .low = 1, .high = WSM__AGENT_ID_MAX
#define UUID                           .kind = WSM__KIND_UUID
#define TIME                           .kind = WSM__KIND_TIME
#define EPOCH                          .kind = WSM__KIND_EPOCH
#define NUMBER                         .kind = WSM__KIND_NUMBER, .high = WSM__NUMBER_MAX
#define NUMBER_OF(low_, high_)         .kind = WSM__KIND_NUMBER, .low = (low_), .high = (high_)
#define BOOL                           .kind = WSM__KIND_BOOL
#define ENUM(words_)                   .kind = WSM__KIND_ENUM, .words = (words_)
#define ENUM_HUB(words_, hub_)         .kind = WSM__KIND_ENUM, .words = (words_), .hub_words = (hub_)
#define TEXTS(items_, high_)           .kind = WSM__KIND_TEXTS, .items_max = (items_), .low = 1, .high = (high_)
#define NAMES(items_, high_)           .kind = WSM__KIND_NAMES, .items_max = (items_), .low = 1, .high = (high_)
#define AGENTS(items_)                 .kind = WSM__KIND_AGENTS, .items_max = (items_), .low = 1, .high = WSM__AGENT_ID_MAX
#define NUMBERS(items_)                .kind = WSM__KIND_NUMBERS, .items_max = (items_), .high = WSM__NUMBER_MAX
#define NUMBERS_OR(items_, words_)     NUMBERS(items_), .words = (words_)
#define OBJECT                         .kind = WSM__KIND_OBJECT
#define OBJECT_OF(shape_)              OBJECT, .shape = &shape_##_shape
#define OBJECT_OR_TEXT(shape_, bytes_) OBJECT_OF(shape_), .text_max = (bytes_)
#define OBJECTS(items_, shape_)        .kind = WSM__KIND_OBJECTS, .items_max = (items_), .shape = &shape_##_shape
#define OPAQUE                         .kind = WSM__KIND_OPAQUE

#define CONTEXT          NAME(WSM__CONTEXT_ID_MAX)
#define CONTEXTS(items_) NAMES(items_, WSM__CONTEXT_ID_MAX)
#define PARTICIPANTS     AGENTS(WSM__PARTICIPANTS_HARD)
#define STATUS           ENUM("active|testing|paused|waiting|reviewing|spawning_child|consolidating|merged|archived|failed")
#define PRIORITY         ENUM("critical|high|normal|low|background")
#define REASON           TEXT(1, WSM__REASON_BYTES_MAX)
#define NOTE             TEXT(0, WSM__REASON_BYTES_MAX)
#define PROSE            TEXT(1, WSM__PROSE_BYTES_MAX)

#define AT_LEAST(items_)                       , .items_min = (items_)
#define ALIAS(name_)                           , .alias = (name_)
#define ALIAS_BOOL(name_, if_true_, if_false_) , .alias = (name_), .if_true = (if_true_), .if_false = (if_false_)

/* The kind comes last, since it becomes several initialisers. */
#define FIELD_ROW(name_, need_, about_, ...)                                                                           \
    { .name = #name_, .name_len = sizeof #name_ - 1, .need = (need_), .about = (about_), __VA_ARGS__ }

static const wsm__field_row envelope[WSM__ENV_COUNT] = {
    [WSM__ENV_TYPE] = FIELD_ROW(type, REQUIRED, "one of the types below", NAME(64)),
    [WSM__ENV_MESSAGE_ID] = FIELD_ROW(message_id, UP_OPTIONAL | DOWN_REQUIRED,
                                      "from a client it makes the message a request, which is answered once", UUID),
    [WSM__ENV_TIMESTAMP] = FIELD_ROW(timestamp, UP_OPTIONAL | DOWN_REQUIRED,
                                     "when the hub received it; a client's own is kept as origin_time", TIME),
    [WSM__ENV_SENDER_AGENT_ID] = FIELD_ROW(sender_agent_id, OPTIONAL,
                                           "the authenticated agent; from a client another identity is refused", AGENT),
    [WSM__ENV_CONTEXT_ID] =
        FIELD_ROW(context_id, OPTIONAL, "a sidebar's id, or main, which it is if absent", NAME(WSM__CONTEXT_ID_MAX)),
    [WSM__ENV_OFFSET] = FIELD_ROW(offset, DOWN_OPTIONAL, "place of a record in the log", NUMBER),
    [WSM__ENV_SEQ] = FIELD_ROW(seq, DOWN_OPTIONAL, "number of a record within its context, from 1", NUMBER),
    [WSM__ENV_PRIORITY] = FIELD_ROW(priority, OPTIONAL, "how urgent it is; normal if absent", PRIORITY),
    [WSM__ENV_CAUSE] = FIELD_ROW(cause, OPTIONAL, "the message that this one answers", UUID),
    [WSM__ENV_HOP] = FIELD_ROW(hop, DOWN_OPTIONAL, "length of the chain of causes", NUMBER),
};

/* Shapes may be named before they are complete. */
#define WSM_SHAPE(name, rule) static const wsm__shape name##_shape;
#define WSM_MEMBER(name, kind, need, about)
#define WSM_SHAPE_END
#include "proto/messages.def"

/* An array for each type and shape, closed by an empty row, since a type may have no fields. */
#define WSM_SHAPE(name, rule)               static const wsm__field_row name##_members[] = {
#define WSM_MEMBER(name, kind, need, about) FIELD_ROW(name, need, about, kind),
#define WSM_SHAPE_END                                                                                                  \
    { .name = NULL }                                                                                                   \
    }                                                                                                                  \
    ;
#define WSM_MESSAGE(name, NAME, flow, about) static const wsm__field_row name##_fields[] = {
#define WSM_FIELD(name, kind, need, about)   FIELD_ROW(name, need, about, kind),
#define WSM_MESSAGE_END                                                                                                \
    { .name = NULL }                                                                                                   \
    }                                                                                                                  \
    ;
#include "proto/messages.def"

#define COUNT_OF(rows_) (sizeof(rows_) / sizeof(rows_)[0] - 1)

#define WSM_SHAPE(name, rule)                                                                                          \
    _Static_assert(COUNT_OF(name##_members) <= 32, "too many members");                                                \
    static const wsm__shape name##_shape = {                                                                           \
        .members = name##_members, .count = COUNT_OF(name##_members), .is_one = (rule)};
#define WSM_MEMBER(name, kind, need, about)
#define WSM_SHAPE_END
#include "proto/messages.def"

static const struct {
    const char *name;
    wsm__msg_type type;
} aliases[] = {
#define WSM_ALIAS(name, NAME) {#name, WSM__MSG_##NAME},
#include "proto/messages.def"
};

static const wsm__msg_row rows[WSM__MSG_COUNT] = {
#define WSM_MESSAGE(name_, NAME, flow_, about_)                                                                        \
    [WSM__MSG_##NAME] = {.name = #name_,                                                                               \
                         .name_len = sizeof #name_ - 1,                                                                \
                         .type = WSM__MSG_##NAME,                                                                      \
                         .flow = (flow_),                                                                              \
                         .about = (about_),                                                                            \
                         .fields = name_##_fields,                                                                     \
                         .fields_count = COUNT_OF(name_##_fields)},
#define WSM_FIELD(name, kind, need, about)
#define WSM_MESSAGE_END
#include "proto/messages.def"
};

#define WSM_MESSAGE(name, NAME, flow, about)                                                                           \
    _Static_assert(COUNT_OF(name##_fields) <= WSM__FIELDS_MAX, "too many fields");
#define WSM_FIELD(name, kind, need, about)
#define WSM_MESSAGE_END
#include "proto/messages.def"

const wsm__msg_row *wsm__msg_row_of(wsm__msg_type type) {
    return type > WSM__MSG_NONE && type < WSM__MSG_COUNT ? &rows[type] : NULL;
}

wsm__msg_type wsm__msg_type_of(wsm_slice name) {
    for (int type = WSM__MSG_NONE + 1; type < WSM__MSG_COUNT; type++)
        if (name.len == rows[type].name_len && memcmp(name.ptr, rows[type].name, name.len) == 0) return rows[type].type;
    return WSM__MSG_NONE;
}

wsm__msg_type wsm__msg_type_from_client(wsm_slice name) {
    wsm__msg_type type = wsm__msg_type_of(name);
    for (size_t i = 0; type == WSM__MSG_NONE && i < sizeof aliases / sizeof aliases[0]; i++)
        if (wsm__slice_is(name, aliases[i].name)) type = aliases[i].type;
    return type;
}

const char *wsm__msg_alias_of(wsm__msg_type type) {
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (aliases[i].type == type) return aliases[i].name;
    return NULL;
}

int wsm__msg_field_idx(wsm__msg_type type, const char *name, unsigned may) {
    const wsm__msg_row *row = wsm__msg_row_of(type);
    for (size_t i = 0; row != NULL && i < row->fields_count; i++)
        if ((row->fields[i].need & may) && strcmp(row->fields[i].name, name) == 0) return (int)i;
    return -1;
}

const wsm__field_row *wsm__envelope_rows(size_t *count) {
    *count = WSM__ENV_COUNT;
    return envelope;
}

static const char *const priorities[] = {[WSM_PRIORITY_DEFAULT] = "normal",   [WSM_PRIORITY_BACKGROUND] = "background",
                                         [WSM_PRIORITY_LOW] = "low",          [WSM_PRIORITY_NORMAL] = "normal",
                                         [WSM_PRIORITY_HIGH] = "high",        [WSM_PRIORITY_URGENT] = "urgent",
                                         [WSM_PRIORITY_CRITICAL] = "critical"};

wsm_priority wsm__priority_of(wsm_slice word) {
    for (int p = WSM_PRIORITY_BACKGROUND; p <= WSM_PRIORITY_CRITICAL; p++)
        if (wsm__slice_is(word, priorities[p])) return (wsm_priority)p;
    return WSM_PRIORITY_DEFAULT;
}

const char *wsm__priority_word(wsm_priority priority) {
    assert(priority <= WSM_PRIORITY_CRITICAL);
    return priorities[priority];
}
