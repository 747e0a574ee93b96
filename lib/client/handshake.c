/* The HTTP part of a client's life: its request, and the server's answer. What follows a 101 in the same bytes belongs
 * to the link already; what follows any other status is its body, of which the first 4 KiB are kept for the host. */
#include "client/client.h"

#include "util/crypto.h"
#include "wire/upgrade.h"

#define ANSWER_BYTES_MAX  16384u /* head; the parser's limits are below it */
#define BODY_BYTES_MAX    4096u
#define REQUEST_BYTES_MAX 16384u

static const wsm__http_limits http_limits = {
    .line_bytes_max = 2048, .header_bytes_max = 8192, .headers_max = 64, .body_bytes_max = UINT32_MAX};

/* Printable ASCII without blanks: nothing that could end a line or a field of the request. NULL passes. */
static bool is_clean(const char *text) {
    for (; text && *text; text++)
        if (*text <= 0x20 || *text >= 0x7f) return false;
    return true;
}

static bool is_epoch(const char *text) {
    for (size_t i = 0; i < 16; i++) {
        bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (!hex) return false;
    }
    return text[16] == '\0';
}

static const char *none_if_empty(const char *text) {
    return text && *text ? text : NULL;
}

/* Fill in what to ask for. The path must be absolute and have no fragment. */
static int ask_read(const wsm_client_config *config, wsm__upgrade_ask *ask) {
    *ask = (wsm__upgrade_ask){.host = config->host,
                              .path = config->path ? config->path : "/ws",
                              .origin = none_if_empty(config->origin),
                              .token = none_if_empty(config->token),
                              .epoch = config->plain ? NULL : none_if_empty(config->epoch),
                              .protocol = config->plain ? NULL : "wsm.v1",
                              .after = config->after};
    if (!none_if_empty(ask->host) || !is_clean(ask->host) || !is_clean(ask->origin) || !is_clean(ask->token))
        return WSM_ERR_INVALID;
    if (ask->path[0] != '/' || !is_clean(ask->path) || strchr(ask->path, '#')) return WSM_ERR_INVALID;
    if (!ask->epoch) return 0;
    bool fits = is_epoch(ask->epoch) && ask->after <= WSM__NUMBER_MAX;
    return fits ? 0 : WSM_ERR_INVALID;
}

int wsm__client_ask(wsm_client *client, const wsm_client_config *config) {
    wsm__upgrade_ask ask;
    int err = ask_read(config, &ask);
    if (err) return err;
    if (ask.epoch) {
        memcpy(client->epoch, ask.epoch, sizeof client->epoch);
        client->position = ask.after;
        client->resuming = true;
    }
    wsm__buf request;
    wsm__buf_init(&request, &client->mem, REQUEST_BYTES_MAX);
    wsm__upgrade_write(&request, &ask, client->nonce);
    err = request.err == WSM_ERR_TOO_LARGE ? WSM_ERR_INVALID : request.err;
    wsm__frame *frame = err ? NULL : wsm__frame_raw(&client->mem, request.ptr, request.len);
    if (!frame || wsm__outq_push(&client->out, &client->blocks, frame) != 0) err = err ? err : WSM_ERR_NOMEM;
    wsm__frame_unref(frame);
    if (request.ptr) wsm__wipe(request.ptr, request.cap); /* it holds the token */
    wsm__buf_fini(&request);
    return err;
}

static void refused(wsm_client *client, int status) {
    client->status = status;
    client->answered = true;
    wsm__client_end(client, 1006);
}

/* The whole head is there: `len` bytes of `answer`. */
static void head_take(wsm_client *client, const wsm__http_head *head, size_t len) {
    int err = wsm__upgrade_verify(head, client->nonce, client->config.plain ? NULL : "wsm.v1");
    if (err == WSM_ERR_REFUSED) {
        client->state = WSM__CLIENT_REFUSED;
        client->status = head->status;
        client->answered = true;
        uint64_t body = head->has_length ? head->content_length : BODY_BYTES_MAX;
        client->body_max = body < BODY_BYTES_MAX ? (size_t)body : BODY_BYTES_MAX;
        wsm__buf_drop(&client->answer, len);
        return;
    }
    int status = head->status; /* the head's slices go with the buffer */
    wsm__buf_fini(&client->answer);
    if (err) {
        refused(client, status);
    } else if (client->config.plain) {
        wsm__client_opened(client);
    } else {
        client->state = WSM__CLIENT_GREETING;
    }
}

/* As much as still fits is kept; a head that does not end within it was refused by the parser long before. */
static int head_recv(wsm_client *client, const char *bytes, size_t len, size_t *used) {
    size_t before = client->answer.len, room = ANSWER_BYTES_MAX - before;
    wsm__buf_put(&client->answer, bytes, len < room ? len : room);
    if (client->answer.err) return WSM_ERR_NOMEM;
    wsm__http_head head;
    long parsed = wsm__http_parse_response(client->answer.ptr, client->answer.len, &http_limits, &head);
    *used = client->answer.len - before;
    if (parsed < 0 || (parsed == 0 && client->answer.len == ANSWER_BYTES_MAX)) {
        wsm__buf_fini(&client->answer);
        refused(client, 0);
    } else if (parsed > 0) {
        *used = (size_t)parsed - before;
        client->answer.len = (size_t)parsed; /* what follows is taken again, as body or by the link */
        head_take(client, &head, (size_t)parsed);
    }
    return 0;
}

static int body_recv(wsm_client *client, const char *bytes, size_t len, size_t *used) {
    size_t room = client->body_max - client->answer.len;
    *used = len < room ? len : room;
    wsm__buf_put(&client->answer, bytes, *used);
    return client->answer.err ? WSM_ERR_NOMEM : 0;
}

int wsm__client_answer(wsm_client *client, const char *bytes, size_t len, size_t *used) {
    *used = 0;
    int err =
        client->state == WSM__CLIENT_ASKING ? head_recv(client, bytes, len, used) : body_recv(client, bytes, len, used);
    if (client->state == WSM__CLIENT_REFUSED && client->answer.len == client->body_max) wsm__client_end(client, 1006);
    return err;
}
