/* F17: bytes of the network on their way into a log. Whatever they are, a line is printable ASCII, one line, at most
 * 1 KiB (I-95): the hub's own lines, and wsmd's. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "wsm/wsm.h"

/* wsmd's lines go through write(): they come here instead. */
static ssize_t take_line(int fd, const void *bytes, size_t len);
#define write take_line
#include "../../examples/wsmd/log_out.c"
#undef write

static unsigned lines;

static void check_line(const char *text, size_t len) {
    FUZZ_EXPECT(len <= 1024);
    for (size_t i = 0; i < len; i++) FUZZ_EXPECT((unsigned char)text[i] >= 0x20 && (unsigned char)text[i] < 0x7f);
    lines++;
}

static ssize_t take_line(int fd, const void *bytes, size_t len) {
    FUZZ_EXPECT(fd == STDERR_FILENO && len > 0 && ((const char *)bytes)[len - 1] == '\n');
    check_line(bytes, len - 1);
    return (ssize_t)len;
}

static void on_log(void *user, wsm_level level, const char *text) {
    (void)user, (void)level;
    check_line(text, strlen(text));
}

static void on_event(void *user, const wsm_event *event) {
    log_event(user, WSM_LEVEL_WARN, event);
}

static void nothing(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user;
}

/* A peer from an address that is the input breaks every rule there is a line for. */
static void through_hub(const char *address, wsm_slice bytes, log_out *log) {
    wsm_host host;
    wsm_hub *hub = NULL;
    wsm_conn *conn = NULL;
    wsm_peer from;
    wsm_host_init(&host, sizeof host);
    host.bytes_waiting = nothing;
    host.close_transport = nothing;
    host.on_log = on_log;
    host.on_audit = on_event;
    host.on_security = on_event;
    FUZZ_EXPECT(wsm_hub_new(&hub, NULL, &host, NULL, log) == 0);
    wsm_peer_init(&from, sizeof from);
    from.kind = WSM_PEER_WEBSOCKET;
    from.address = address;
    from.token = bytes.len ? bytes : (wsm_slice){"x", 1};
    if (wsm_conn_new(&conn, hub, &from, NULL) == 0) wsm_conn_closed(conn);
    from.token = (wsm_slice){NULL, 0};
    from.plain = 1;
    if (wsm_conn_new(&conn, hub, &from, NULL) == 0) {
        wsm_conn_recv(conn, bytes.ptr ? bytes.ptr : "", bytes.len);
        wsm_conn_recv(conn, "\xff\xff", 2);
        wsm_conn_closed(conn);
    }
    wsm_hub_free(hub);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    log_out log = {.level_min = WSM_LEVEL_DEBUG};
    if (size > 4096) size = 4096;
    char *text = malloc(size + 1);
    if (!text) abort();
    memcpy(text, data, size);
    text[size] = '\0';
    wsm_slice bytes = {text, size};

    lines = 0;
    log_line(&log, WSM_LEVEL_ERROR, text);
    log_format(&log, (wsm_level)17, "%s and %s", text, text);
    wsm_event event = {.size = sizeof event, .name = "fuzz", .agent_id = bytes, .detail = bytes, .err = -101};
    log_event(&log, WSM_LEVEL_INFO, &event);
    event.connection_id = event.address = bytes;
    for (int i = 0; i < 20; i++) log_event(&log, WSM_LEVEL_INFO, &event);
    FUZZ_EXPECT(lines >= 3 && lines <= 2 + 2 * 11); /* ten a second of a kind */

    through_hub(text, bytes, &log);
    free(text);
    return 0;
}
