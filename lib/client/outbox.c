/* Bytes out. Messages wait in `data`, control frames in the link; wsm_client_pending moves both to `out`, from where
 * the host writes them and nothing can be taken back. */
#include "client/client.h"
#include "proto/scan.h"

/* At most this many frames are handed out at a time. The blocks of `out` stay in its pool when it runs empty, and the
 * request was the first to have one: so the first frame into an empty `out` needs no memory, and waiting bytes can
 * always be handed out. */
#define OUT_FRAMES_MAX 32u

static const wsm__scan_limits scan_limits = {.depth_max = 64, .values_max = 65536, .key_bytes_max = 65536};

static wsm__frame *data_take(wsm_client *client) {
    if (!client->data.count) return NULL;
    wsm__frame *frame = *(wsm__frame **)wsm__ring_at(&client->data, 0);
    wsm__ring_pop(&client->data, &client->mem);
    client->data_bytes -= wsm__frame_bytes(frame).len;
    return frame;
}

static void data_clear(wsm_client *client) {
    for (wsm__frame *frame; (frame = data_take(client));) wsm__frame_unref(frame);
}

uint32_t wsm__client_control_count(const wsm_client *client) {
    return client->link.control.count + (client->link.close ? 1 : 0);
}

/* The frame to go out next; its reference is the caller's. NULL: none. */
static wsm__frame *frame_take(wsm_client *client) {
    wsm__frame *frame = client->held;
    client->held = NULL;
    if (frame || client->close_out || client->state < WSM__CLIENT_GREETING) return frame;
    frame = wsm__link_take(&client->link, client->data.count > 0, &client->close_out);
    client->control_known = wsm__client_control_count(client);
    if (client->close_out) data_clear(client); /* nothing may follow a close frame */
    return frame ? frame : data_take(client);
}

static void refill(wsm_client *client, size_t cap) {
    if (cap > OUT_FRAMES_MAX) cap = OUT_FRAMES_MAX;
    while (client->out.count < cap) {
        wsm__frame *frame = frame_take(client);
        if (!frame) return;
        if (wsm__outq_push(&client->out, &client->blocks, frame) != 0) {
            client->held = frame;
            return;
        }
        wsm__frame_unref(frame);
    }
}

size_t wsm_client_pending(wsm_client *client, wsm_vec *vec, size_t cap) {
    if (!client || !vec || client->gone || client->freed) return 0;
    refill(client, cap);
    return wsm__outq_vec(&client->out, vec, cap);
}

void wsm__client_wrote(wsm_client *client, size_t len) {
    uint32_t done = 0;
    size_t went = wsm__outq_sent(&client->out, &client->blocks, len, &done);
    if (went > 0) wsm__link_wrote(&client->link, client->close_out && !client->out.bytes && !client->held);
}

size_t wsm_client_queued(const wsm_client *client) {
    if (!client) return 0;
    size_t bytes = client->out.bytes + client->data_bytes;
    if (client->held) bytes += wsm__frame_bytes(client->held).len;
    for (uint32_t i = 0; i < client->link.control.count; i++)
        bytes += wsm__frame_bytes(*(wsm__frame **)wsm__ring_at(&client->link.control, i)).len;
    if (client->link.close) bytes += wsm__frame_bytes(client->link.close).len;
    return bytes;
}

static int message_check(const wsm_client *client, wsm_data type, wsm_slice bytes) {
    if (bytes.len > WSM__MESSAGE_BYTES_HARD) return WSM_ERR_INVALID;
    if (type == WSM_DATA_BINARY && client->config.plain) return 0;
    if (type != WSM_DATA_TEXT) return WSM_ERR_INVALID;
    if (client->config.plain) return wsm__utf8_is_valid(bytes.ptr, bytes.len) ? 0 : WSM_ERR_UTF8;
    wsm__json_value value;
    int err = wsm__json_check(bytes, &scan_limits, &value, NULL);
    return err || value.kind != WSM__JSON_OBJECT ? WSM_ERR_BAD_JSON : 0;
}

/* An empty queue takes one message of any size: else one larger than the queue could never be sent. */
static bool is_full(const wsm_client *client, size_t len) {
    size_t waiting = client->data_bytes + client->out.bytes, max = client->config.queue_bytes_max;
    return max && waiting && (waiting >= max || len > max - waiting);
}

/* Masked with four fresh random bytes (RFC 6455, section 5.3). */
static int message_queue(wsm_client *client, wsm_data type, wsm_slice bytes) {
    unsigned char mask[4];
    if (client->host.random(client->user, mask, sizeof mask) != 0) return WSM_ERR_RANDOM;
    wsm__frame *frame = wsm__frame_of(&client->mem, (uint8_t)type, bytes.ptr, bytes.len, mask);
    if (!frame) return WSM_ERR_NOMEM;
    size_t len = wsm__frame_bytes(frame).len;
    int err = is_full(client, len) ? WSM_ERR_BUSY : 0;
    wsm__frame **slot = err ? NULL : wsm__ring_push(&client->data, &client->mem);
    if (!slot) {
        wsm__frame_unref(frame);
        return err ? err : WSM_ERR_NOMEM;
    }
    *slot = frame;
    client->data_bytes += len;
    client->fresh = true;
    return 0;
}

int wsm__client_queue(wsm_client *client, wsm_data type, wsm_slice bytes) {
    if (client->state != WSM__CLIENT_OPEN || client->link.state != WSM__LINK_OPEN) return WSM_ERR_STATE;
    int err = message_check(client, type, bytes);
    if (err) return err;
    if (is_full(client, bytes.len)) return WSM_ERR_BUSY; /* before a large copy is made in vain */
    return message_queue(client, type, bytes);
}

void wsm__client_outbox_fini(wsm_client *client) {
    data_clear(client);
    wsm__ring_fini(&client->data, &client->mem);
    wsm__frame_unref(client->held);
    client->held = NULL;
    wsm__outq_fini(&client->out, &client->blocks);
    wsm__chain_pool_fini(&client->blocks);
}
