/* The limits in a record's head. See rules.h. */
#include "hub/rules.h"

#include "hub/hub.h"

#define COUNT      13
#define MAIL_TOTAL 9  /* the place of the only one that may be above 32 bits */
#define IDS_FROM   11 /* from here on what heads once did not say */
#define WINDOW_MAX 3600000u

static void rules_of(const wsm_config *config, wsm__rules *rules) {
    *rules = (wsm__rules){.tree = {.participants_max = config->sidebar_participants_max,
                                   .depth_max = config->sidebar_depth_max,
                                   .children_max = config->sidebar_children_max,
                                   .open_per_creator = config->sidebars_per_creator,
                                   .created_per_min = config->sidebars_per_min,
                                   .refs_max = config->data_refs_max,
                                   .refs_bytes_max = config->data_refs_bytes_max},
                          .mail = {.messages_max = config->mailbox_messages_max,
                                   .bytes_max = config->mailbox_bytes_max,
                                   .total_bytes_max = config->mailbox_total_bytes_max,
                                   .age_s = config->mailbox_age_s},
                          .lease_ms = config->mention_lease_ms,
                          .ids_window_ms = config->dedup_window_ms,
                          .ids_max = config->dedup_ids_max};
}

/* As they stand in a head, in this order. */
static void numbers_of(const wsm__rules *rules, uint64_t numbers[COUNT]) {
    const wsm__tree_limits *tree = &rules->tree;
    const uint64_t all[COUNT] = {tree->participants_max, tree->depth_max,
                                 tree->children_max,     tree->open_per_creator,
                                 tree->created_per_min,  tree->refs_max,
                                 tree->refs_bytes_max,   rules->mail.messages_max,
                                 rules->mail.bytes_max,  rules->mail.total_bytes_max,
                                 rules->lease_ms,        rules->ids_window_ms,
                                 rules->ids_max};
    memcpy(numbers, all, sizeof all);
}

static void rules_from(const uint64_t numbers[COUNT], wsm__rules *rules) {
    rules->tree =
        (wsm__tree_limits){(uint32_t)numbers[0], (uint32_t)numbers[1], (uint32_t)numbers[2], (uint32_t)numbers[3],
                           (uint32_t)numbers[4], (uint32_t)numbers[5], (uint32_t)numbers[6]};
    rules->mail.messages_max = (uint32_t)numbers[7];
    rules->mail.bytes_max = (uint32_t)numbers[8];
    rules->mail.total_bytes_max = numbers[9];
    rules->lease_ms = (uint32_t)numbers[10];
    rules->ids_window_ms = numbers[11] < WINDOW_MAX ? (uint32_t)numbers[11] : WINDOW_MAX;
    rules->ids_max = (uint32_t)numbers[12];
}

void wsm__rules_init(wsm_hub *hub) {
    wsm_config config;
    uint64_t own[COUNT], usual[COUNT];
    size_t len = 0;
    wsm_config_init(&config, sizeof config);
    rules_of(&config, &hub->usual_rules);
    rules_of(&hub->config, &hub->rules);
    hub->lease_ms = hub->rules.lease_ms;
    numbers_of(&hub->rules, own);
    numbers_of(&hub->usual_rules, usual);
    hub->rules_text_len = 0;
    if (memcmp(own, usual, sizeof own) == 0) return;
    for (size_t i = 0; i < COUNT; i++) { /* at most 21 characters each */
        char digits[20];
        size_t count = 0;
        uint64_t rest = own[i];
        if (i > 0) hub->rules_text[len++] = ',';
        do digits[count++] = (char)('0' + rest % 10);
        while ((rest /= 10) != 0);
        while (count > 0) hub->rules_text[len++] = digits[--count];
    }
    hub->rules_text_len = len;
}

wsm_slice wsm__rules_text(const wsm_hub *hub, wsm__msg_type type) {
    switch (type) {
    case WSM__MSG_MEMORY_UPDATE:
    case WSM__MSG_MENTION_ROUTE:
    case WSM__MSG_MENTION_DIGEST:
    case WSM__MSG_MENTION_ACK:
    case WSM__MSG_DATA_REF:
    case WSM__MSG_SIDEBAR_SPAWN:
    case WSM__MSG_SIDEBAR_CHILD_SPAWN:
    case WSM__MSG_SIDEBAR_FORK:
    case WSM__MSG_SIDEBAR_JOIN:
    case WSM__MSG_SIDEBAR_INVITE:
    case WSM__MSG_SIDEBAR_MERGE:
    case WSM__MSG_SIDEBAR_MERGE_DECISION: break;
    default:
        if (hub->rules.ids_window_ms != hub->usual_rules.ids_window_ms) break;
        if (hub->rules.ids_max != hub->usual_rules.ids_max) break;
        return wsm__slice(NULL, 0);
    }
    return hub->rules_text_len > 0 ? wsm__slice(hub->rules_text, hub->rules_text_len) : wsm__slice(NULL, 0);
}

static void put_in_force(wsm_hub *hub, const wsm__rules *rules) {
    uint32_t age_s = hub->ledger.limits.age_s;
    hub->tree.limits = rules->tree;
    hub->ledger.limits = rules->mail;
    hub->ledger.limits.age_s = age_s;
    hub->lease_ms = rules->lease_ms;
    hub->dedup.window_ms = rules->ids_window_ms;
    hub->dedup.ids_max = rules->ids_max;
}

/* Those that the text gives; what it does not is as usual, but for ids: records that say nothing of them are of a time
 * when they were known as long as each hub liked. */
static void read_text(const wsm_hub *hub, wsm_slice text, wsm__rules *rules) {
    uint64_t numbers[COUNT], own[COUNT];
    numbers_of(&hub->usual_rules, numbers);
    numbers_of(&hub->rules, own);
    for (size_t i = IDS_FROM; i < COUNT; i++) numbers[i] = own[i];
    for (size_t i = 0; i < COUNT && text.len > 0; i++) {
        const char *comma = memchr(text.ptr, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.ptr) : text.len;
        wsm__slice_u64(wsm__slice(text.ptr, len), i == MAIL_TOTAL ? UINT64_MAX : UINT32_MAX, &numbers[i]);
        len += comma != NULL;
        text = wsm__slice(text.ptr + len, text.len - len);
    }
    rules_from(numbers, rules);
}

void wsm__rules_enter(wsm_hub *hub, const wsm__record_head *head) {
    wsm__rules rules;
    if (!head->rules.ptr) {
        put_in_force(hub, &hub->usual_rules);
    } else if (wsm__slice_eq(head->rules, wsm__slice(hub->rules_text, hub->rules_text_len))) {
        put_in_force(hub, &hub->rules); /* its own, most often */
    } else {
        read_text(hub, head->rules, &rules);
        put_in_force(hub, &rules);
    }
}

void wsm__rules_leave(wsm_hub *hub) {
    put_in_force(hub, &hub->rules);
}
