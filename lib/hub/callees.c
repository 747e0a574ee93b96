/* Whom a message calls, by name, by specialty, or all who are here; and for each what becomes of it. Nobody is called
 * who could not read what it is about, whose mailbox is full, or who has been called too often. A mailbox may still
 * fill up before the record is applied: then the answer says so. */
#include "hub/mentions.h"

void wsm__callees_init(wsm__callees *callees, wsm_hub *hub, const wsm__command *command, const wsm__side *side,
                       uint32_t hop) {
    *callees = (wsm__callees){.hub = hub, .side = side, .hop = hop, .bytes = command->text.len};
    callees->message = ++hub->calls;
    callees->sender = wsm__roster_find(&hub->roster, command->sender);
    callees->may_group = !command->conn || (command->conn->identity.claims.can & WSM_CAN_MENTION_ALL);
    wsm__buf_init(&callees->answer, &hub->mem, WSM__CALLEES_ANSWER_MAX);
    wsm__buf_putc(&callees->answer, '{');
}

void wsm__callees_fini(wsm__callees *callees) {
    wsm__buf_fini(&callees->answer);
}

/* Was this name told of already? A text may say it twice; the answer's keys are unique. */
static bool is_noted(const wsm__callees *callees, wsm_slice name) {
    wsm_slice answer = wsm__slice(callees->answer.ptr, callees->answer.len);
    for (size_t at = 1; at + name.len + 3 <= answer.len; at++)
        if (answer.ptr[at] == '"' && answer.ptr[at + 1 + name.len] == '"' && answer.ptr[at + 2 + name.len] == ':' &&
            memcmp(answer.ptr + at + 1, name.ptr, name.len) == 0)
            return true;
    return false;
}

static void note(wsm__callees *callees, wsm_slice name, const char *outcome, int err) {
    if (callees->named++ > 0) wsm__buf_putc(&callees->answer, ',');
    wsm__json_put_string(&callees->answer, name);
    wsm__buf_puts(&callees->answer, ":\"");
    wsm__buf_puts(&callees->answer, outcome);
    wsm__buf_putc(&callees->answer, '"');
    if (err && !callees->err) callees->err = err;
}

static bool has(const wsm__callees *callees, uint32_t agent) {
    for (uint32_t i = 0; i < callees->count; i++)
        if (callees->agents[i] == agent) return true;
    return false;
}

/* Whether it may read what the call is about. */
static bool is_reader(const wsm__callees *callees, uint32_t agent) {
    return wsm__side_is_main(callees->side) || wsm__side_has(callees->side, agent);
}

/* Why this agent is not called; 0: it is. */
static int refusal(const wsm__callees *callees, uint32_t agent, uint64_t *wait_ms) {
    wsm_hub *hub = callees->hub;
    if (agent == callees->sender) return WSM_ERR_FORBIDDEN; /* who wakes himself never sleeps */
    if (!is_reader(callees, agent)) return WSM_ERR_FORBIDDEN;
    if (hub->config.hop_max && callees->hop > hub->config.hop_max) return WSM_ERR_LOOP_GUARD;
    wsm__ledger_item item = {.bytes = (uint32_t)callees->bytes,
                             .context = callees->side->context->idx,
                             .is_hidden = callees->side->is_hidden};
    if (!wsm__ledger_fits(&hub->ledger, &item, agent, callees->count)) return WSM_ERR_MAILBOX_FULL;
    /* the host knows what it does */
    return callees->sender == WSM__ROSTER_HUB ? WSM_OK
                                              : wsm__wake_may(hub, callees->sender, agent, callees->side, wait_ms);
}

static bool is_connected(const wsm_hub *hub, uint32_t agent) {
    const wsm__agent *there = wsm__audience_agent(hub, agent);
    return there && wsm__delivery_conn(hub, there) != NULL;
}

/* Calls one agent; returns the error, 0: called (also if it was already). */
static int call(wsm__callees *callees, uint32_t agent) {
    if (has(callees, agent)) return WSM_OK;
    if (callees->count == WSM__CALLEES_MAX) return WSM_ERR_LIMIT;
    uint64_t wait_ms = 0;
    int err = refusal(callees, agent, &wait_ms);
    if (err == WSM_ERR_NOMEM) callees->answer.err = err; /* of nobody, then: all who are named are called, or none */
    if (!err) callees->agents[callees->count++] = agent;
    if (err == WSM_ERR_LOOP_GUARD) {
        if (wait_ms > callees->wait_ms) callees->wait_ms = wait_ms;
        wsm__digest_hold(callees->hub, callees->message, callees->sender, agent, callees->side);
    }
    return err;
}

static void call_one(wsm__callees *callees, wsm_slice name) {
    uint32_t agent = wsm__roster_handle(&callees->hub->roster, name);
    int err = agent == WSM__ROSTER_NONE   ? WSM_ERR_UNKNOWN_AGENT
              : agent == WSM__ROSTER_MANY ? WSM_ERR_AMBIGUOUS_AGENT
                                          : call(callees, agent);
    const char *outcome = err ? wsm_err_code(err) : is_connected(callees->hub, agent) ? "connected" : "queued";
    note(callees, name, outcome, err);
}

typedef struct calling {
    uint32_t most, called, held;
    int err; /* of the last that was not called */
} calling;

/* One of a group that is larger than may be called at a time: it is told of by a digest. False: no more are. */
static bool hold_member(wsm__callees *callees, uint32_t agent, calling *of) {
    if (has(callees, agent) || !is_reader(callees, agent)) return true;
    return ++of->held <= WSM__HELD_MAX &&
           wsm__digest_hold(callees->hub, callees->message, callees->sender, agent, callees->side);
}

/* One of a group; returns false when no more of it can be reached. */
static bool call_member(wsm__callees *callees, uint32_t agent, calling *of) {
    if (agent == callees->sender || agent == WSM__ROSTER_NONE) return true;
    if (of->called >= of->most || callees->count == WSM__CALLEES_MAX) return hold_member(callees, agent, of);
    int no = call(callees, agent);
    if (!no) of->called++;
    if (no) of->err = no;
    return true;
}

/* Those who are present. The walk costs what is connected, not what is known. */
static void call_present(wsm__callees *callees, calling *of) {
    const wsm__list *order = &callees->hub->registry.order;
    for (const wsm__list *node = order->next; node != order; node = node->next) {
        const wsm__agent *there = WSM__CONTAINER(node, wsm__agent, in_order);
        if (there->present && !call_member(callees, there->number, of)) return;
    }
}

static void call_skilled(wsm__callees *callees, wsm_slice specialty, calling *of) {
    const wsm__roster *roster = &callees->hub->roster;
    const wsm__skill *skill = wsm__roster_skilled(roster, specialty);
    while (skill && call_member(callees, skill->agent, of)) skill = wsm__roster_skilled_next(roster, specialty, skill);
}

static void call_group(wsm__callees *callees, wsm_slice name, wsm_slice specialty) {
    wsm_hub *hub = callees->hub;
    calling of = {.most = hub->config.mention_group_max ? hub->config.mention_group_max : WSM__CALLEES_MAX,
                  .err = callees->may_group ? WSM_ERR_UNKNOWN_AGENT : WSM_ERR_FORBIDDEN};
    if (callees->may_group && specialty.ptr) call_skilled(callees, specialty, &of);
    if (callees->may_group && !specialty.ptr) call_present(callees, &of);
    note(callees, name, of.called > 0 ? "queued" : wsm_err_code(of.err), of.called > 0 ? WSM_OK : of.err);
}

void wsm__callees_name(wsm__callees *callees, wsm_slice name) {
    if (is_noted(callees, name)) return;
    if (wsm__slice_is(name, "here"))
        call_group(callees, name, wsm__slice(NULL, 0));
    else if (name.len > 5 && memcmp(name.ptr, "role:", 5) == 0)
        call_group(callees, name, wsm__slice(name.ptr + 5, name.len - 5));
    else
        call_one(callees, name);
}

/* The longest known handle at the front of what was written; what is not known is told as it was written, less the
 * punctuation behind it. Of himself a sender may speak without calling himself. */
static void call_written(wsm__callees *callees, wsm__mention *mention) {
    wsm_hub *hub = callees->hub;
    while (wsm__roster_handle(&hub->roster, wsm__slice(mention->name, mention->len)) == WSM__ROSTER_NONE &&
           wsm__mention_shorten(mention)) {
    }
    wsm_slice name = wsm__slice(mention->name, mention->len);
    uint32_t agent = wsm__roster_handle(&hub->roster, name);
    bool is_own = agent != WSM__ROSTER_NONE && agent == callees->sender; /* his own card may be on its way yet */
    if (!is_own && !is_noted(callees, name)) call_one(callees, name);
}

bool wsm__callees_may_be_in(wsm_slice exchange) {
    return memchr(exchange.ptr, '@', exchange.len) != NULL || memchr(exchange.ptr, '\\', exchange.len) != NULL;
}

void wsm__callees_scan(wsm__callees *callees, wsm_slice exchange) {
    uint32_t most = callees->hub->config.mentions_per_message;
    char group[8 + WSM__MENTION_NAME_MAX];
    wsm__mention_scan scan;
    wsm__mention mention;
    if (!wsm__callees_may_be_in(exchange)) return;
    wsm__mention_init(&scan, exchange);
    while ((most == 0 || callees->named < most) && wsm__mention_next(&scan, &mention)) {
        if (mention.kind == WSM__MENTION_HANDLE) {
            call_written(callees, &mention);
        } else if (mention.kind == WSM__MENTION_HERE) {
            wsm__callees_name(callees, wsm__slice_str("here"));
        } else {
            while (wsm__mention_shorten(&mention)) {
            }
            memcpy(group, "role:", 5);
            memcpy(group + 5, mention.name, mention.len);
            wsm__callees_name(callees, wsm__slice(group, 5 + mention.len));
        }
    }
}

/* ---- the verdict ----------------------------------------------------------------------------------------------------
 */

/* Whether the record's own word for one holds: who is named and has no delivery of it found his mailbox full. A group
 * is as it was: others of it may have got it. */
static bool is_passed_over(const wsm_hub *hub, const wsm__fold *fold, const wsm__json_member *member) {
    if (!wsm__json_string_is(member->value.raw, "connected") && !wsm__json_string_is(member->value.raw, "queued"))
        return false;
    uint32_t agent = wsm__roster_handle(&hub->roster, member->key);
    return agent < wsm__roster_count(&hub->roster) && !wsm__ledger_at(&hub->ledger, agent, fold->offset);
}

static void put_outcomes(const wsm_hub *hub, const wsm__fold *fold, wsm_slice outcomes, wsm__buf *buf) {
    size_t at = 0;
    bool is_first = true;
    wsm__json_member member;
    wsm__buf_putc(buf, '{');
    for (; wsm__json_next_member(outcomes, &at, &member); is_first = false) {
        if (!is_first) wsm__buf_putc(buf, ',');
        wsm__buf_putc(buf, '"');
        wsm__buf_put_slice(buf, member.key);
        wsm__buf_puts(buf, "\":");
        if (is_passed_over(hub, fold, &member))
            wsm__buf_puts(buf, "\"mailbox_full\"");
        else
            wsm__buf_put_slice(buf, member.value.raw);
    }
    wsm__buf_putc(buf, '}');
}

/* The result of a sidebar's beginning names nobody: it is told whom that does not reach. */
static void put_unreached(const wsm_hub *hub, const wsm__fold *fold, wsm__buf *buf) {
    size_t at = 0;
    uint32_t agent;
    bool is_first = true;
    wsm__buf_put(buf, fold->head.result.ptr, fold->head.result.len - 1);
    wsm__buf_puts(buf, ",\"targets\":{");
    while ((agent = wsm__delivery_next_target(hub, fold, &at)) != WSM__ROSTER_NONE) {
        if (wsm__ledger_at(&hub->ledger, agent, fold->offset)) continue;
        if (!is_first) wsm__buf_putc(buf, ',');
        is_first = false;
        wsm__json_put_string(buf, wsm__roster_name(&hub->roster, agent));
        wsm__buf_puts(buf, ":\"mailbox_full\"");
    }
    wsm__buf_puts(buf, "}}");
}

int wsm__callees_amend(wsm_hub *hub, wsm__fold *fold) {
    size_t at = 0;
    wsm__buf buf;
    wsm__json_member member; /* of a result, "targets" or "mentions", or a sidebar's */
    if (!fold->head.result.ptr || !wsm__json_next_member(fold->head.result, &at, &member)) return WSM_OK;
    wsm__buf_init(&buf, &hub->mem, 0);
    if (wsm__json_key_is(member.key, "targets") || wsm__json_key_is(member.key, "mentions")) {
        wsm__buf_puts(&buf, "{\"");
        wsm__buf_put_slice(&buf, member.key);
        wsm__buf_puts(&buf, "\":");
        put_outcomes(hub, fold, member.value.raw, &buf);
        wsm__buf_putc(&buf, '}');
    } else {
        put_unreached(hub, fold, &buf);
    }
    if (!buf.err) fold->told = wsm__strndup(&hub->mem, buf.ptr, buf.len);
    fold->told_len = buf.len;
    wsm__buf_fini(&buf);
    if (!fold->told) return WSM_ERR_NOMEM;
    fold->head.result = wsm__slice(fold->told, fold->told_len);
    return WSM_OK;
}

void wsm__callees_put(const wsm__callees *callees, wsm__buf *buf) {
    wsm__side_names(buf, callees->hub, callees->agents, callees->count);
}
