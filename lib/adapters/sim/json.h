/* The simulator's own JSON reader, strict, for what the hub sends. It shares no code with lib/proto, on purpose.
 *
 * A text becomes a flat array of nodes in the order of the text; a node is named by its index. Node 0 stands for "not
 * there": it has no members and equals nothing, so look-ups can be chained without a check in between. The text is
 * borrowed and must outlive the document. */
#ifndef WSM_LIB_SIM_JSON_H
#define WSM_LIB_SIM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum wsm__sim_type {
    WSM__SIM_MISSING,
    WSM__SIM_NULL,
    WSM__SIM_FALSE,
    WSM__SIM_TRUE,
    WSM__SIM_NUMBER,
    WSM__SIM_STRING,
    WSM__SIM_ARRAY,
    WSM__SIM_OBJECT
} wsm__sim_type;

/* A value. The members of an object are a name (a string) and a value in turn; `end` is the index after its last
 * descendant, that is of its next sibling if it has one. */
typedef struct wsm__sim_node {
    uint32_t from, to; /* its text; a string's quotes belong to it */
    uint32_t parent, end;
    uint32_t count; /* of elements, or of names */
    uint8_t type;   /* wsm__sim_type */
    bool escaped;   /* a string with a backslash in it */
} wsm__sim_node;

typedef struct wsm__sim_json {
    const char *text;
    wsm__sim_node *nodes;
    uint32_t count, cap;
    const char *why; /* NULL, or why the text was refused */
} wsm__sim_json;

/* A zeroed struct is an empty document. */
void wsm__sim_json_fini(wsm__sim_json *json);

/* Read a text; what was read before is forgotten, its memory used again. Returns whether it is JSON: RFC 8259, in valid
 * UTF-8, no deeper than 64, without \u0000, lone surrogates, and names that stand twice in one of its objects' first
 * two levels. The value is node 1. */
#define WSM__SIM_ROOT 1
bool wsm__sim_json_read(wsm__sim_json *json, const void *text, size_t len);

wsm__sim_type wsm__sim_json_type(const wsm__sim_json *json, uint32_t node);

/* The value under a name, or the idx-th of an array; 0 if there is none. Names are compared after unescaping. */
uint32_t wsm__sim_json_member(const wsm__sim_json *json, uint32_t object, const char *name);
uint32_t wsm__sim_json_element(const wsm__sim_json *json, uint32_t array, uint32_t idx);
uint32_t wsm__sim_json_count(const wsm__sim_json *json, uint32_t node);

/* A walk: the first child, and the one after `node` in the same parent; 0 at the end. Of an object: name, value, ... */
uint32_t wsm__sim_json_first(const wsm__sim_json *json, uint32_t node);
uint32_t wsm__sim_json_next(const wsm__sim_json *json, uint32_t node);

/* The text of a value as it was sent. */
const char *wsm__sim_json_raw(const wsm__sim_json *json, uint32_t node, size_t *len);

/* Whether a node is a string that says `text`. */
bool wsm__sim_json_is(const wsm__sim_json *json, uint32_t node, const char *text);

/* Unescape a string into `into`, with a NUL behind it. Returns its length, or SIZE_MAX if it is no string or `cap` is
 * not above the length of its text as it was sent. */
size_t wsm__sim_json_string(const wsm__sim_json *json, uint32_t node, char *into, size_t cap);

/* An integer 0..2^53-1, written with digits only. Returns whether it is one. */
bool wsm__sim_json_uint(const wsm__sim_json *json, uint32_t node, uint64_t *value);

#endif
