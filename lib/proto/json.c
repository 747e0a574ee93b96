/* cJSON behind the strict scanner. cJSON alone accepts much that is no JSON, and keeps where it last failed in a
 * variable of the process; both end here. A handle is the cJSON tree itself. */
#include "proto/json.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>

#include "proto/scan.h"
#include "wsm/error.h"

#define CJSON_NUMBER_MAX  63u /* cJSON copies a number to a fixed room and stumbles over a longer one */
#define NUMBER_CHARACTERS "0123456789+-.eE"

static const wsm__scan_limits limits = {.depth_max = 32, .values_max = 4096, .key_bytes_max = 128};

/* Parsing writes cJSON's variable; reading and freeing a tree touch nothing shared. */
static atomic_flag parsing = ATOMIC_FLAG_INIT;

static cJSON *parse_alone(wsm_slice text) {
    while (atomic_flag_test_and_set_explicit(&parsing, memory_order_acquire)) {
    }
    cJSON *tree = cJSON_ParseWithLength(text.ptr, text.len);
    atomic_flag_clear_explicit(&parsing, memory_order_release);
    return tree;
}

/* Whether checked text holds a number that cJSON cannot read. */
static bool has_long_number(wsm_slice text) {
    size_t run = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string && c == '\\') {
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        }
        run = !in_string && memchr(NUMBER_CHARACTERS, c, sizeof NUMBER_CHARACTERS - 1) != NULL ? run + 1 : 0;
        if (run > CJSON_NUMBER_MAX) return true;
    }
    return false;
}

wsm__json *wsm__json_parse(wsm_slice text, int *err) {
    wsm__json_value value;
    *err = wsm__json_check(text, &limits, &value, NULL);
    if (*err == 0 && (wsm__json_has_duplicate_keys(value.raw) || has_long_number(value.raw))) *err = WSM_ERR_BAD_JSON;
    if (*err != 0) return NULL;
    cJSON *tree = parse_alone(value.raw);
    if (tree == NULL) *err = WSM_ERR_NOMEM; /* nothing else is left to go wrong */
    return (wsm__json *)tree;
}

void wsm__json_free(wsm__json *json) {
    cJSON_Delete((cJSON *)json);
}

static const cJSON *tree_of(const wsm__json_node *node) {
    return (const cJSON *)node;
}

const wsm__json_node *wsm__json_root(const wsm__json *json) {
    return (const wsm__json_node *)json;
}

const wsm__json_node *wsm__json_get(const wsm__json_node *object, const char *name) {
    if (!wsm__json_is_object(object)) return NULL;
    return (const wsm__json_node *)cJSON_GetObjectItemCaseSensitive(tree_of(object), name);
}

bool wsm__json_is_object(const wsm__json_node *node) {
    return cJSON_IsObject(tree_of(node));
}

bool wsm__json_is_array(const wsm__json_node *node) {
    return cJSON_IsArray(tree_of(node));
}

bool wsm__json_text(const wsm__json_node *node, wsm_slice *text) {
    if (!cJSON_IsString(tree_of(node))) return false;
    *text = wsm__slice_str(tree_of(node)->valuestring); /* the scanner lets no NUL through */
    return true;
}

bool wsm__json_seconds(const wsm__json_node *node, int64_t *value) {
    const double most = 9007199254740992.0; /* 2^53 */
    if (!cJSON_IsNumber(tree_of(node))) return false;
    double number = tree_of(node)->valuedouble;
    if (number < -most || number > most) return false;
    *value = (int64_t)number;
    return true;
}

size_t wsm__json_count(const wsm__json_node *array) {
    return wsm__json_is_array(array) ? (size_t)cJSON_GetArraySize(tree_of(array)) : 0;
}

const wsm__json_node *wsm__json_at(const wsm__json_node *array, size_t idx) {
    return (const wsm__json_node *)cJSON_GetArrayItem(tree_of(array), (int)idx);
}
