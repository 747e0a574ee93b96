/* From a checked command to an append: what all commands that become records have in common. Repeats are answered with
 * the first result, ids are minted, and the body begins with the envelope. */
#include "hub/hub.h"
#include "util/clock.h"

/* A repeat of something done, or under way, is answered with the first result and appended no second time. True:
 * answered. */
static bool is_repeat(wsm_hub *hub, const wsm__command *command, const unsigned char *digest) {
    const wsm__message *message = command->message;
    wsm__pending *pending = wsm__append_in_flight(hub, command->sender, message->id);
    const wsm__dedup_entry *seen =
        pending ? NULL : wsm__dedup_find(&hub->dedup, command->sender, message->id, hub->wall);
    if (!seen && !pending) return false;
    const unsigned char *first = seen ? seen->digest : pending->digest;
    if ((!seen || seen->has_digest) && !wsm__ct_eq(first, digest, WSM__DIGEST_LEN)) {
        wsm__answer_error(hub, command->origin, WSM_ERR_ID_CONFLICT, "message_id", NULL);
        return true;
    }
    if (pending) {
        int err = wsm__append_wait(hub, pending, command->origin);
        if (err) wsm__answer_error(hub, command->origin, err, NULL, NULL);
        return true;
    }
    wsm__verdict verdict = {.duplicate = true, .has_offset = true, .offset = seen->offset, .durable = seen->is_durable};
    if (seen->offset <= hub->loaded_to) verdict.durable = hub->loaded_durable;
    verdict.result = wsm__slice(seen->result, seen->result_len);
    wsm__answer(hub, command->origin, &verdict);
    return true;
}

/* How long the chain of causes is. What is not known, or was forgotten, had none itself. A sender who answers himself
 * before the log has kept what he said first does not get a shorter one by it. */
static uint32_t hop_of(const wsm_hub *hub, const wsm__command *command) {
    unsigned char cause[16];
    wsm_slice text = command->message->cause;
    if (!text.ptr || !wsm__uuid_parse(text.ptr, text.len, cause)) return 0;
    uint32_t hop = wsm__dedup_hop(&hub->dedup, cause);
    const wsm__pending *pending = wsm__append_in_flight(hub, command->sender, cause);
    if (pending && pending->hop > hop) hop = pending->hop;
    return hop < UINT32_MAX ? hop + 1 : hop;
}

bool wsm__submit_begin(wsm_hub *hub, const wsm__command *command, wsm__record_head *head) {
    const wsm__message *message = command->message;
    *head = (wsm__record_head){.type = message->type,
                               .sender = command->sender,
                               .context_id = message->context_id,
                               .time_ms = hub->wall,
                               .priority = message->priority,
                               .hop = hop_of(hub, command)};
    if (!message->has_id) {
        char id[WSM__UUID_LEN];
        wsm__uuid_v7(&hub->ids, hub->wall, id);
        wsm__uuid_parse(id, sizeof id, head->id);
        return true;
    }
    memcpy(head->id, message->id, 16);
    head->has_digest = true;
    int err = wsm__digest_of(hub->digest, command->text.ptr, command->text.len, head->digest);
    if (err) {
        wsm__answer_error(hub, command->origin, err, NULL, NULL);
        return false;
    }
    return !is_repeat(hub, command, head->digest);
}

void wsm__submit_open(wsm_hub *hub, const wsm__message *message, const wsm__record_head *head, wsm__json_out *out) {
    char time[WSM__TIME_LEN], id[WSM__UUID_LEN];
    wsm__uuid_format(head->id, id);
    if (message && message->has_id) memcpy(id, message->message_id.ptr, sizeof id); /* in the sender's own spelling */
    wsm__time_format(time, head->time_ms);
    wsm__buf_clear(&hub->scratch);
    wsm__json_open(out, &hub->scratch);
    wsm__json_str(out, "message_id", wsm__slice(id, WSM__UUID_LEN));
    wsm__json_str(out, "timestamp", wsm__slice(time, sizeof time));
    wsm__json_str(out, "sender_agent_id", head->sender);
    if (head->context_id.ptr && !wsm__slice_is(head->context_id, WSM__MAIL))
        wsm__json_str(out, "context_id", head->context_id);
    wsm__json_str(out, "priority", wsm__slice_str(wsm__priority_word(head->priority)));
    if (message && message->origin_time.ptr) wsm__json_raw(out, "origin_time", message->origin_time);
    if (message && message->cause.ptr) wsm__json_str(out, "cause", message->cause);
    if (head->hop) wsm__json_num(out, "hop", head->hop);
}

int wsm__submit_close(wsm_hub *hub, wsm__record_head *head, wsm__json_out *out, const wsm__origin *origin) {
    wsm__json_close(out);
    int err = hub->scratch.err ? WSM_ERR_NOMEM
                               : wsm__append_add(hub, head, origin, wsm__slice(hub->scratch.ptr, hub->scratch.len));
    wsm__buf_clear(&hub->scratch);
    if (err && origin->kind != WSM__ORIGIN_NONE) wsm__answer_error(hub, origin, err, NULL, NULL);
    return err;
}

int wsm__submit_room(const wsm_hub *hub, size_t len) {
    if (hub->config.queue_bytes_max && len > hub->config.queue_bytes_max / 2) return WSM_ERR_TOO_LARGE;
    if (hub->config.appends_max && hub->pendings.count >= hub->config.appends_max) return WSM_ERR_BUSY;
    return wsm__memory_is_full(hub) ? WSM_ERR_BUSY : WSM_OK;
}
