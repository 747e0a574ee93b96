/* wsm_broadcast: a memory update from the host, put into the words of the protocol on the caller's thread. */
#include "abi.h"
#include "hub/hub.h"

static const wsm_update defaults = {.size = sizeof(wsm_update)};

void wsm_update_init(wsm_update *update, size_t size) {
    wsm__abi_init(update, size, &defaults, sizeof defaults);
}

static void put_text(wsm__json_out *out, const char *name, const char *text) {
    if (text) wsm__json_str(out, name, wsm__slice_str(text));
}

/* One value and nothing behind it: a service hands on what others wrote, and `1,"priority":"critical"` would add a
 * field. What is no value is left out here, so that the hub refuses the whole as it refuses any other broken JSON. */
static wsm_slice one_value(const wsm_hub *hub, wsm_slice exchange) {
    wsm__json_value value;
    int err = wsm__json_check(exchange, &hub->scan_limits, &value, NULL);
    return err == WSM_ERR_BAD_JSON ? wsm__slice("", 0) : exchange;
}

static void put(wsm__buf *buf, const wsm_update *update) {
    wsm__json_out out;
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "type", wsm__slice_str("memory_update"));
    put_text(&out, "message_id", update->message_id);
    put_text(&out, "context_id", update->context_id);
    put_text(&out, "topic", update->topic);
    put_text(&out, "key", update->key);
    if (update->priority) wsm__json_str(&out, "priority", wsm__slice_str(wsm__priority_word(update->priority)));
    if (update->tags_count > 0) {
        wsm__json_name(&out, "tags");
        for (size_t i = 0; i < update->tags_count; i++) {
            wsm__buf_putc(buf, i == 0 ? '[' : ',');
            wsm__json_put_string(buf, wsm__slice_str(update->tags[i]));
        }
        wsm__buf_putc(buf, ']');
    }
    wsm__json_raw(&out, "exchange", update->exchange);
    wsm__json_close(&out);
}

int wsm_broadcast(wsm_hub *hub, const wsm_update *given, uint64_t tag) {
    wsm_update update = defaults;
    wsm__buf buf;
    if (!hub) return WSM_ERR_INVALID;
    int err = wsm__abi_copy(&update, sizeof update, given);
    if (err) return err;
    if (!update.exchange.ptr || update.exchange.len == 0 || update.priority > WSM_PRIORITY_CRITICAL)
        return WSM_ERR_INVALID;
    if (update.tags_count > 16 || (update.tags_count > 0 && !update.tags)) return WSM_ERR_INVALID;
    for (size_t i = 0; i < update.tags_count; i++)
        if (!update.tags[i]) return WSM_ERR_INVALID;
    update.exchange = one_value(hub, update.exchange);
    wsm__buf_init(&buf, &hub->mem, 0);
    put(&buf, &update);
    err = buf.err ? WSM_ERR_NOMEM : wsm_submit(hub, update.sender_agent_id, buf.ptr, buf.len, tag);
    wsm__buf_fini(&buf);
    return err;
}
