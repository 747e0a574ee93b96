/* JSON Patch for tests: add, remove and replace, as strict as RFC 6902 wants them. */
#include "json_patch.h"

#include <stdlib.h>
#include <string.h>

/* The last part of a path (RFC 6901) is unescaped into `last`; returns what holds it, NULL: nothing does. */
static cJSON *holder_of(cJSON *document, const char *path, char *last, size_t cap) {
    cJSON *at = document;
    if (*path != '/') return NULL;
    for (;;) {
        size_t len = 0;
        for (path++; *path && *path != '/'; path++) {
            char c = *path;
            if (c == '~') c = *++path == '0' ? '~' : *path == '1' ? '/' : '\0';
            if (c == '\0' || len + 1 >= cap) return NULL;
            last[len++] = c;
        }
        last[len] = '\0';
        if (*path == '\0') return at;
        if (cJSON_IsArray(at))
            at = cJSON_GetArrayItem(at, atoi(last));
        else
            at = cJSON_GetObjectItemCaseSensitive(at, last);
        if (!at) return NULL;
    }
}

static int index_of(const char *text, int count) {
    char *end;
    long idx = strtol(text, &end, 10);
    return *text == '\0' || *end || idx < 0 || idx > count ? -1 : (int)idx;
}

static int change_array(cJSON *array, const char *op, const char *last, const cJSON *value) {
    int count = cJSON_GetArraySize(array), idx = index_of(last, count);
    if (idx < 0 || (idx == count && strcmp(op, "add") != 0)) return 1;
    if (strcmp(op, "add") != 0) cJSON_DeleteItemFromArray(array, idx);
    if (strcmp(op, "remove") == 0) return 0;
    if (idx == cJSON_GetArraySize(array)) return !cJSON_AddItemToArray(array, cJSON_Duplicate(value, 1));
    return !cJSON_InsertItemInArray(array, idx, cJSON_Duplicate(value, 1));
}

static int change_object(cJSON *object, const char *op, const char *last, const cJSON *value) {
    int is_there = cJSON_GetObjectItemCaseSensitive(object, last) != NULL;
    if (!is_there && strcmp(op, "add") != 0) return 1;
    if (is_there) cJSON_DeleteItemFromObjectCaseSensitive(object, last);
    return strcmp(op, "remove") == 0 ? 0 : !cJSON_AddItemToObject(object, last, cJSON_Duplicate(value, 1));
}

static int apply_one(cJSON **document, const cJSON *operation) {
    char last[4096];
    const cJSON *op = cJSON_GetObjectItemCaseSensitive(operation, "op");
    const cJSON *path = cJSON_GetObjectItemCaseSensitive(operation, "path");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(operation, "value");
    if (!cJSON_IsString(op) || !cJSON_IsString(path)) return 1;
    const char *word = op->valuestring;
    if (strcmp(word, "add") != 0 && strcmp(word, "remove") != 0 && strcmp(word, "replace") != 0) return 1;
    if ((strcmp(word, "remove") == 0) != (value == NULL)) return 1;
    if (path->valuestring[0] == '\0') {
        if (!value) return 1;
        cJSON_Delete(*document);
        *document = cJSON_Duplicate(value, 1);
        return 0;
    }
    cJSON *holder = holder_of(*document, path->valuestring, last, sizeof last);
    if (cJSON_IsArray(holder)) return change_array(holder, word, last, value);
    return cJSON_IsObject(holder) ? change_object(holder, word, last, value) : 1;
}

int json_patch_apply(cJSON **document, const cJSON *patch) {
    const cJSON *operation;
    int number = 0;
    if (!cJSON_IsArray(patch)) return 1;
    cJSON_ArrayForEach(operation, patch) {
        number++;
        if (apply_one(document, operation)) return number;
    }
    return 0;
}
