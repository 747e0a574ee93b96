/* POST /store: the memory service's handler. The body is read strictly, handed to wsm_broadcast in the name of the
 * token's bearer, and answered when the log has kept the record. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <wsm/json.h>

#include "http_wait.h"

#define TAGS_MAX   16
#define STRING_CAP WAITING_ID_CAP /* longer than any identifier that the hub takes; the hub judges the exact length */

/* The body with its strings decoded. An empty string is none that any field takes, so "" means absent. */
typedef struct order {
    wsm_slice exchange;
    char context_id[STRING_CAP], topic[STRING_CAP], key[STRING_CAP], message_id[STRING_CAP];
    char tags[TAGS_MAX][STRING_CAP];
    const char *tag_list[TAGS_MAX];
    size_t tags_count;
    wsm_priority priority;
} order;

/* What is wrong with a body. `field` is one of ours, or `surplus`, a name of the client's that is fit to repeat. */
typedef struct fault {
    int err;
    const char *message;
    const char *field;
    char surplus[65];
    char sentence[160];
} fault;

static bool wrong(fault *bad, int err, const char *field, const char *message) {
    bad->err = err;
    bad->field = field;
    bad->message = message;
    return false;
}

static bool read_string(const wsm_json_member *member, char out[STRING_CAP], const char *field, fault *bad) {
    long len = member->kind == WSM_JSON_STRING ? wsm_json_string(member->value, out, STRING_CAP) : WSM_ERR_INVALID;
    if (len == WSM_ERR_TOO_LARGE) return wrong(bad, WSM_ERR_BAD_MESSAGE, field, "the text is too long");
    if (len <= 0) return wrong(bad, WSM_ERR_BAD_MESSAGE, field, "expected a text that is not empty");
    return true;
}

static bool read_priority(const wsm_json_member *member, wsm_priority *priority, fault *bad) {
    static const char *const names[] = {"\"background\"", "\"low\"",    "\"normal\"",
                                        "\"high\"",       "\"urgent\"", "\"critical\""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (member->value.len == strlen(names[i]) && memcmp(member->value.ptr, names[i], member->value.len) == 0) {
            *priority = (wsm_priority)(i + WSM_PRIORITY_BACKGROUND);
            return true;
        }
    }
    return wrong(bad, WSM_ERR_BAD_MESSAGE, "priority", "expected critical, urgent, high, normal, low or background");
}

/* An array of strings. Its grammar was checked with the body's, so what is left is to find where each string ends. */
static bool read_tags(const wsm_json_member *member, order *ask, fault *bad) {
    static const char sentence[] = "expected at most 16 texts";
    const char *at = member->value.ptr + 1, *end = member->value.ptr + member->value.len - 1;
    if (member->kind != WSM_JSON_ARRAY) return wrong(bad, WSM_ERR_BAD_MESSAGE, "tags", sentence);
    for (;; at++) {
        while (at < end && strchr(" \t\r\n,", *at) != NULL) at++;
        if (at == end) return true;
        const char *from = at;
        if (*at != '"' || ask->tags_count == TAGS_MAX) return wrong(bad, WSM_ERR_BAD_MESSAGE, "tags", sentence);
        for (at++; *at != '"'; at++) at += *at == '\\';
        wsm_json_member tag = {.value = {from, (size_t)(at + 1 - from)}, .kind = WSM_JSON_STRING};
        if (!read_string(&tag, ask->tags[ask->tags_count], "tags", bad)) return false;
        ask->tag_list[ask->tags_count] = ask->tags[ask->tags_count];
        ask->tags_count++;
    }
}

/* Name the surplus field, unless it is something that does not belong into an answer. */
static bool wrong_surplus(wsm_slice key, fault *bad) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    bool fit = key.len > 0 && key.len < sizeof bad->surplus;
    for (size_t i = 0; fit && i < key.len; i++) fit = memchr(plain, key.ptr[i], sizeof plain - 1) != NULL;
    if (fit) (void)snprintf(bad->surplus, sizeof bad->surplus, "%.*s", (int)key.len, key.ptr);
    return wrong(bad, WSM_ERR_BAD_MESSAGE, fit ? bad->surplus : NULL, "there is no such field");
}

static bool read_member(const wsm_json_member *member, order *ask, fault *bad) {
    static const struct {
        const char *name;
        size_t offset;
    } strings[] = {{"context_id", offsetof(order, context_id)},
                   {"topic", offsetof(order, topic)},
                   {"key", offsetof(order, key)},
                   {"message_id", offsetof(order, message_id)}};
    char name[16] = "";
    if (member->key.len < sizeof name) memcpy(name, member->key.ptr, member->key.len);
    if (strcmp(name, "exchange") == 0) {
        ask->exchange = member->value;
        return true;
    }
    if (strcmp(name, "priority") == 0) return read_priority(member, &ask->priority, bad);
    if (strcmp(name, "tags") == 0) return read_tags(member, ask, bad);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        if (strcmp(name, strings[i].name) != 0) continue;
        return read_string(member, (char *)ask + strings[i].offset, strings[i].name, bad);
    }
    return wrong_surplus(member->key, bad);
}

static bool read_order(wsm_slice body, order *ask, fault *bad) {
    wsm_json_member members[16];
    size_t count = 0, at = 0;
    const char *why = "";
    int err = wsm_json_members(body.ptr != NULL ? body.ptr : "", body.len, members, 16, &count, &at, &why);
    if (err != 0) {
        (void)snprintf(bad->sentence, sizeof bad->sentence, "the body is not taken: %s (byte %zu)", why, at);
        return wrong(bad, err == WSM_ERR_TOO_LARGE ? WSM_ERR_BAD_MESSAGE : WSM_ERR_BAD_JSON, NULL, bad->sentence);
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_member(&members[i], ask, bad)) return false;
    }
    return ask->exchange.ptr != NULL || wrong(bad, WSM_ERR_BAD_MESSAGE, "exchange", "the field is missing");
}

/* A UUID of version 7 (RFC 9562, section 5.7). */
static bool mint_id(char out[STRING_CAP]) {
    unsigned char b[16];
    struct timespec now = {0};
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) return false;
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    for (int i = 0; i < 6; i++) b[i] = (unsigned char)(ms >> (40 - 8 * i));
    b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    (void)snprintf(out, STRING_CAP, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                   b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return true;
}

/* `*` stands for any run. Greedy with one step back, which is enough for one kind of wildcard. */
static bool matches(wsm_slice pattern, const char *text) {
    size_t p = 0, star = (size_t)-1;
    const char *retry = NULL;
    while (*text != '\0') {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            retry = text;
        } else if (p < pattern.len && pattern.ptr[p] == *text) {
            p++;
            text++;
        } else if (retry != NULL) {
            p = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') p++;
    return p == pattern.len;
}

static bool may_see(const wsm_claims *claims, const char *context) {
    for (size_t i = 0; i < claims->contexts_count; i++) {
        if (matches(claims->contexts[i], context)) return true;
    }
    return claims->contexts_count == 0 && !claims->contexts_present;
}

static int broadcast(server *all, const wsm_claims *claims, const order *ask, waiting *wait) {
    char sender[65];
    wsm_update update;
    wsm_update_init(&update, sizeof update);
    (void)snprintf(sender, sizeof sender, "%.*s", (int)claims->sub.len, claims->sub.ptr);
    update.exchange = ask->exchange;
    update.context_id = ask->context_id[0] != '\0' ? ask->context_id : NULL;
    update.sender_agent_id = sender;
    update.message_id = wait->message_id;
    update.topic = ask->topic[0] != '\0' ? ask->topic : NULL;
    update.key = ask->key[0] != '\0' ? ask->key : NULL;
    update.tags = ask->tag_list;
    update.tags_count = ask->tags_count;
    update.priority = ask->priority;
    return wsm_broadcast(all->hub, &update, waiting_tag(wait));
}

void store_take(server *all, wsm_request *request) {
    wsm_claims claims;
    order ask = {0};
    fault bad = {0};
    wsm_claims_init(&claims, sizeof claims);
    int err = wsm_request_claims(request, &claims);
    if (err != 0) {
        http_fail(request, err, NULL, NULL, 0);
        return;
    }
    if (claims.permission != WSM_PERMISSION_ACTIVE) {
        http_fail(request, WSM_ERR_FORBIDDEN, "an observer's token may not store", NULL, 0);
        return;
    }
    if (!read_order(wsm_request_body(request), &ask, &bad)) {
        http_fail(request, bad.err, bad.message, bad.field, 0);
        return;
    }
    if (!may_see(&claims, ask.context_id[0] != '\0' ? ask.context_id : "main")) {
        http_fail(request, WSM_ERR_FORBIDDEN, "the token does not cover this context", "context_id", 0);
        return;
    }
    waiting *wait = waiting_new(all, request);
    if (wait == NULL) {
        http_fail(request, WSM_ERR_NOMEM, NULL, NULL, 0);
        return;
    }
    memcpy(wait->message_id, ask.message_id, sizeof wait->message_id);
    err = ask.message_id[0] != '\0' || mint_id(wait->message_id) ? broadcast(all, &claims, &ask, wait) : WSM_ERR_RANDOM;
    if (err != 0) {
        (void)waiting_take(all, wait);
        http_fail(request, err, NULL, NULL, 0);
    }
}

void store_result(server *all, const wsm_result *result) {
    waiting *wait = waiting_from(result->tag);
    writer body = {0};
    if (wait->request != NULL && result->err == 0) {
        writer_format(&body, "{\"offset\":%llu,\"epoch\":\"%s\",\"durable\":%s,\"message_id\":",
                      (unsigned long long)result->offset, result->epoch, result->durable ? "true" : "false");
        writer_quote(&body, wait->message_id);
        writer_format(&body, ",\"duplicate\":%s}\n", result->duplicate ? "true" : "false");
    }
    wsm_request *request = waiting_take(all, wait);
    if (request == NULL) return;
    if (result->err == 0) {
        http_reply(request, 200, HTTP_JSON, NULL, &body);
    } else {
        http_fail(request, result->err, result->message, result->field, result->retry_after_ms);
    }
}
