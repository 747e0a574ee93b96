/* GET /exchanges?after=N&limit=M: records as their receivers get them, page by page, as far as the token's bearer may
 * read. `epoch=E` makes sure that N is a place in the log that is there now. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>

#include "http_wait.h"

#define LIMIT_MAX  1024
#define NUMBER_MAX 9007199254740991ull /* 2^53 - 1, as everywhere in the protocol */

typedef struct question {
    uint64_t after, limit;
    wsm_slice epoch;
} question;

static bool read_number(wsm_slice text, uint64_t max, uint64_t *number) {
    if (text.len == 0 || text.len > 16) return false;
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        *number = *number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return *number <= max;
}

static bool is_name(wsm_slice text, const char *name) {
    return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

/* `a=1&b=2`. Returns the field that is to blame, "" for one that does not exist, or NULL if all is well. */
static const char *read_query(wsm_slice query, question *ask) {
    const char *at = query.ptr, *end = query.ptr != NULL ? query.ptr + query.len : NULL;
    while (at != NULL && at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (stop == NULL) stop = end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        if (equals == NULL) return "";
        wsm_slice name = {at, (size_t)(equals - at)}, value = {equals + 1, (size_t)(stop - equals - 1)};
        if (is_name(name, "after")) {
            if (!read_number(value, NUMBER_MAX, &ask->after)) return "after";
        } else if (is_name(name, "limit")) {
            if (!read_number(value, LIMIT_MAX, &ask->limit) || ask->limit == 0) return "limit";
        } else if (is_name(name, "epoch")) {
            ask->epoch = value;
        } else {
            return "";
        }
        at = stop < end ? stop + 1 : end;
    }
    return NULL;
}

void read_take(server *all, wsm_request *request) {
    wsm_claims claims;
    question ask = {0};
    char epoch[17];
    wsm_claims_init(&claims, sizeof claims);
    int err = wsm_request_claims(request, &claims);
    if (err != 0) {
        http_fail(request, err, NULL, NULL, 0);
        return;
    }
    const char *field = read_query(wsm_request_query(request), &ask);
    if (field != NULL) {
        http_fail(request, WSM_ERR_BAD_MESSAGE, "expected after=N, limit=1..1024 and epoch=E in the query",
                  field[0] != '\0' ? field : NULL, 0);
        return;
    }
    (void)wsm_hub_position(all->hub, epoch);
    if (epoch[0] != '\0' && ask.epoch.ptr != NULL && !is_name(ask.epoch, epoch)) {
        http_fail(request, WSM_ERR_RESYNC_REQUIRED, "the log began anew; ask without after and epoch", "epoch", 0);
        return;
    }
    waiting *wait = waiting_new(all, request);
    if (wait == NULL) {
        http_fail(request, WSM_ERR_NOMEM, NULL, NULL, 0);
        return;
    }
    err = wsm_records_read(all->hub, &claims, ask.after, (size_t)ask.limit, waiting_tag(wait));
    if (err != 0) {
        (void)waiting_take(all, wait);
        http_fail(request, err, NULL, NULL, 0);
    }
}

void read_page(server *all, const wsm_page *page) {
    wsm_request *request = waiting_take(all, waiting_from(page->tag));
    writer body = {0};
    if (request == NULL) return;
    if (page->err != 0) {
        http_fail(request, page->err, NULL, NULL, 0);
        return;
    }
    writer_format(&body, "{\"epoch\":\"%s\",\"exchanges\":[", page->epoch);
    for (size_t i = 0; i < page->count; i++) {
        if (i > 0) writer_str(&body, ",");
        writer_put(&body, page->messages[i].ptr, page->messages[i].len);
    }
    writer_format(&body, "],\"next_after\":%llu,\"more\":%s", (unsigned long long)page->next_after,
                  page->more ? "true" : "false");
    if (page->trimmed_to > 0) writer_format(&body, ",\"trimmed_to\":%llu", (unsigned long long)page->trimmed_to);
    writer_str(&body, "}\n");
    http_reply(request, 200, HTTP_JSON, NULL, &body);
}
