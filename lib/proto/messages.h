/* The table of messages.def as code: enumerations, and rows that the decoder, the encoder and the documents walk. */
#ifndef WSM_LIB_PROTO_MESSAGES_H
#define WSM_LIB_PROTO_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wsm/types.h"

#define WSM__FIELDS_MAX 24 /* fields of one type, beside the envelope */

typedef enum wsm__msg_type {
    WSM__MSG_NONE = 0,
#define WSM_MESSAGE(name, NAME, flow, about) WSM__MSG_##NAME,
#define WSM_FIELD(name, kind, need, about)
#define WSM_MESSAGE_END
#include "proto/messages.def"
    WSM__MSG_COUNT
} wsm__msg_type;

/* Who sends it, and whether it is kept. */
#define WSM__FLOW_UP     1u /* a client may send it */
#define WSM__FLOW_DOWN   2u /* the hub sends it */
#define WSM__FLOW_RECORD 4u /* a record of the log */

typedef enum wsm__field_kind {
    WSM__KIND_TEXT = 1, /* string of low..high bytes (decoded) */
    WSM__KIND_NAME,     /* string of low..high of [A-Za-z0-9._:/-] */
    WSM__KIND_AGENT,    /* agent id: string of low..high of [A-Za-z0-9._-] */
    WSM__KIND_UUID,
    WSM__KIND_TIME,   /* RFC 3339 */
    WSM__KIND_EPOCH,  /* 16 lower-case hex digits */
    WSM__KIND_NUMBER, /* whole number low..high */
    WSM__KIND_BOOL,
    WSM__KIND_ENUM,    /* one of the words in `words` */
    WSM__KIND_TEXTS,   /* array of at most `items_max`, each as TEXT */
    WSM__KIND_NAMES,   /* each as NAME */
    WSM__KIND_AGENTS,  /* each as AGENT */
    WSM__KIND_NUMBERS, /* each as NUMBER; or one of the words, if there are any */
    WSM__KIND_OBJECT,  /* object, its keys unique; with a shape it holds what that says; or a string, with `text_max` */
    WSM__KIND_OBJECTS, /* each as OBJECT */
    WSM__KIND_OPAQUE   /* any JSON value, passed on byte for byte */
} wsm__field_kind;

/* NEED implies MAY. */
#define WSM__NEED_UP   1u  /* required from a client */
#define WSM__NEED_DOWN 2u  /* always there from the hub */
#define WSM__MAY_UP    4u  /* a client may send it */
#define WSM__MAY_DOWN  8u  /* the hub may send it */
#define WSM__NULLABLE  16u /* the hub may say null */
#define WSM__NULL_SAYS 32u /* null from a client is a value */
#define WSM__SENDER    64u /* the sender: the hub fills it in, and a client may name nobody else */

struct wsm__shape;

typedef struct wsm__field_row {
    const char *name;
    size_t name_len;
    wsm__field_kind kind;
    unsigned need;
    uint64_t low, high; /* of the kind, or of each item */
    size_t items_min, items_max;
    const char *words;              /* "a|b|c", or NULL */
    const char *hub_words;          /* those of `words` that no client may say, or NULL */
    const struct wsm__shape *shape; /* of an object, or NULL: it may hold anything */
    size_t text_max;                /* bytes of a string in place of an object; 0: none */
    const char *alias;              /* another name that clients may use, or NULL */
    const char *if_true, *if_false; /* JSON that a boolean under the alias stands for, or NULL */
    const char *about;              /* a phrase */
} wsm__field_row;

/* What an object may hold: the members as rows of fields. */
typedef struct wsm__shape {
    const wsm__field_row *members;
    size_t count; /* at most 32 */
    bool is_one;  /* exactly one of them */
} wsm__shape;

typedef struct wsm__msg_row {
    const char *name;
    size_t name_len;
    wsm__msg_type type;
    unsigned flow;
    const char *about;
    const wsm__field_row *fields;
    size_t fields_count;
} wsm__msg_row;

const wsm__msg_row *wsm__msg_row_of(wsm__msg_type type); /* NULL: WSM__MSG_NONE, or no type at all */
wsm__msg_type wsm__msg_type_of(wsm_slice name);          /* WSM__MSG_NONE: unknown; an alias is no name here */
wsm__msg_type wsm__msg_type_from_client(wsm_slice name); /* the same, aliases included */
const char *wsm__msg_alias_of(wsm__msg_type type);       /* another name that clients may use; NULL: none */
/* The field of that name that goes one of the ways in `may` (WSM__MAY_UP, WSM__MAY_DOWN or both); -1: there is none. */
int wsm__msg_field_idx(wsm__msg_type type, const char *name, unsigned may);

/* The envelope's fields, which every message may carry; an index of wsm__envelope_rows each. */
typedef enum wsm__env_field {
    WSM__ENV_TYPE,
    WSM__ENV_MESSAGE_ID,
    WSM__ENV_TIMESTAMP,
    WSM__ENV_SENDER_AGENT_ID,
    WSM__ENV_CONTEXT_ID,
    WSM__ENV_OFFSET,
    WSM__ENV_SEQ,
    WSM__ENV_PRIORITY,
    WSM__ENV_CAUSE,
    WSM__ENV_HOP,
    WSM__ENV_COUNT
} wsm__env_field;

const wsm__field_row *wsm__envelope_rows(size_t *count);

wsm_priority wsm__priority_of(wsm_slice word); /* WSM_PRIORITY_DEFAULT: unknown */
const char *wsm__priority_word(wsm_priority priority);

#endif
