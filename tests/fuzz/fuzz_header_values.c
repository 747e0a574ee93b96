/* F18: the values of the headers that an upgrade hangs on: subprotocols, extensions, Connection, Upgrade, version, key,
 * tokens, Origin, query. What the negotiation finds equals a plain reading of the same lines, and what it hands on is
 * well-formed.
 *
 * Each line of the input is a header line, by the letter it begins with; a line that begins otherwise is one as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/upgrade.h"

static const struct {
    char letter;
    const char *name;
} names[] = {{'p', "Sec-WebSocket-Protocol"},
             {'x', "Sec-WebSocket-Extensions"},
             {'c', "Connection"},
             {'u', "Upgrade"},
             {'v', "Sec-WebSocket-Version"},
             {'k', "Sec-WebSocket-Key"},
             {'a', "Authorization"},
             {'m', "X-Memory-Auth"},
             {'s', "X-Memory-Session"},
             {'o', "Origin"},
             {'P', "sec-websocket-PROTOCOL"},
             {'h', "Host"},
             {'l', "Content-Length"}};

static void put_line(fuzz_text *text, wsm_slice line) {
    for (size_t i = 0; line.len > 0 && i < sizeof names / sizeof *names; i++) {
        if (names[i].letter != line.ptr[0]) continue;
        fuzz_print(text, "%s: %.*s\r\n", names[i].name, (int)line.len - 1, line.ptr + 1);
        return;
    }
    fuzz_put(text, line.ptr, line.len);
    fuzz_put(text, "\r\n", 2);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

/* ---- the plain reading: every item of a list, in order, over all lines of a name ---- */

static void list_of(const wsm__http_head *head, const char *name, fuzz_text *items) {
    for (size_t i = 0; i < head->headers_count; i++) {
        wsm_slice have = head->headers[i].name, value = head->headers[i].value;
        if (have.len != strlen(name) || strncasecmp(have.ptr, name, have.len) != 0) continue;
        for (size_t at = 0; at <= value.len;) {
            size_t end = at;
            while (end < value.len && value.ptr[end] != ',') end++;
            size_t from = at, to = end;
            while (from < to && is_space(value.ptr[from])) from++;
            while (to > from && is_space(value.ptr[to - 1])) to--;
            if (to > from) fuzz_print(items, "%.*s\n", (int)(to - from), value.ptr + from);
            at = end + 1;
        }
    }
}

static bool list_holds(const fuzz_text *items, const char *item, bool any_case) {
    size_t len = strlen(item);
    for (const char *at = items->ptr; at && *at; at = strchr(at, '\n') + 1) {
        size_t have = (size_t)(strchr(at, '\n') - at);
        if (have == len && (any_case ? strncasecmp(at, item, len) : memcmp(at, item, len)) == 0) return true;
    }
    return false;
}

static void check_list(const wsm__http_head *head, const char *name) {
    fuzz_text expected = {0}, got = {0};
    wsm__http_list walk = {0};
    wsm_slice item;
    size_t steps = 0;
    list_of(head, name, &expected);
    while (wsm__http_list_next(head, name, &walk, &item)) {
        FUZZ_EXPECT(++steps <= FUZZ_INPUT_MAX * 2u); /* every step goes on */
        fuzz_print(&got, "%.*s\n", (int)item.len, item.ptr);
    }
    FUZZ_EXPECT(fuzz_same(&got, &expected));
    fuzz_text_free(&expected);
    fuzz_text_free(&got);
}

/* ---- what the negotiation hands on ---- */

static void check_graphic(wsm_slice text) {
    if (!text.ptr) return;
    FUZZ_EXPECT(text.len > 0);
    for (size_t i = 0; i < text.len; i++) FUZZ_EXPECT(text.ptr[i] > 0x20 && text.ptr[i] < 0x7f);
}

static void check_upgrade(const wsm__http_head *head, const wsm__upgrade *ask) {
    fuzz_text protocols = {0}, upgrades = {0}, connection = {0};
    list_of(head, "sec-websocket-protocol", &protocols);
    list_of(head, "upgrade", &upgrades);
    list_of(head, "connection", &connection);
    FUZZ_EXPECT(ask->has_protocol == list_holds(&protocols, "wsm.v1", false));
    FUZZ_EXPECT(ask->any_protocol == (protocols.len > 0));
    FUZZ_EXPECT(list_holds(&upgrades, "websocket", true) && list_holds(&connection, "upgrade", true));
    check_graphic(ask->token);
    check_graphic(ask->session);
    FUZZ_EXPECT(ask->key.len == 24 && ask->key.ptr[22] == '=' && ask->key.ptr[23] == '=');
    FUZZ_EXPECT(!ask->epoch.ptr || ask->epoch.len == 16);
    FUZZ_EXPECT(ask->after <= 9007199254740991u && (ask->after == 0 || ask->epoch.ptr));
    fuzz_text_free(&protocols);
    fuzz_text_free(&upgrades);
    fuzz_text_free(&connection);
}

static void check_accept(const wsm__upgrade *ask) {
    test_mem memory;
    wsm__mem mem;
    wsm__buf buf;
    fuzz_mem_begin(&memory);
    wsm__mem_init(&mem, test_alloc, &memory, 0);
    wsm__buf_init(&buf, &mem, 0);
    int err = wsm__upgrade_accept(&buf, ask->key, ask->has_protocol ? "wsm.v1" : NULL);
    FUZZ_EXPECT(err == 0 || fuzz_mem_is_short(&memory));
    if (err == 0) {
        wsm__http_head answer;
        static const wsm__http_limits limits = {100, 500, 8, 0};
        FUZZ_EXPECT(wsm__http_parse_response(buf.ptr, buf.len, &limits, &answer) == (long)buf.len);
        FUZZ_EXPECT(answer.status == 101);
        FUZZ_EXPECT(!wsm__http_header(&answer, "sec-websocket-extensions", NULL).ptr);
    }
    wsm__buf_fini(&buf);
    fuzz_mem_end(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const wsm__http_limits limits = {2048, 65536, 64, 100};
    fuzz_in in = {data, size};
    fuzz_text text = {0};
    wsm__http_head head;
    wsm__upgrade ask;
    const char *why = NULL;
    wsm_slice token;
    wsm_slice query = fuzz_until(&in, '\n'); /* the first line: method, or what stands behind /ws? */
    bool is_get = query.len == 0 || query.ptr[0] != '!';
    if (!is_get) query = (wsm_slice){query.ptr + 1, query.len - 1};
    fuzz_print(&text, "%s /ws%s%.*s HTTP/1.1\r\n", is_get ? "GET" : "POST", query.len ? "?" : "", (int)query.len,
               query.len ? query.ptr : "");
    while (in.left > 0) put_line(&text, fuzz_until(&in, '\n'));
    fuzz_put(&text, "\r\n", 2);

    char *copy = fuzz_copy(text.ptr, text.len);
    long got = wsm__http_parse_request(copy, text.len, &limits, &head);
    if (got > 0) {
        static const char *const lists[] = {"sec-websocket-protocol", "sec-websocket-extensions", "connection",
                                            "upgrade"};
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) check_list(&head, lists[i]);
        bool wanted = wsm__upgrade_is_wanted(&head);
        int status = wsm__upgrade_read(&head, &ask, &why);
        FUZZ_EXPECT(status == 0 || status == 400 || status == 405 || status == 426);
        FUZZ_EXPECT((status == 0) == (why[0] == '\0'));
        if (status == 0) {
            FUZZ_EXPECT(wanted);
            check_upgrade(&head, &ask);
            check_accept(&ask);
        }
        int err = wsm__http_token(&head, &token);
        FUZZ_EXPECT(err == 0 || err == 400 || err == 401);
        if (err == 0) check_graphic(token);
        FUZZ_EXPECT((err == 401) == (err != 400 && !token.ptr));
    }
    free(copy);
    fuzz_text_free(&text);
    return 0;
}
