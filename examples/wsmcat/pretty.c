/* A message as one line for people: time, offset, sender, type, context, and what the type has to tell. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction, for libuv */

#include "wsmcat.h"

#define VALUE_MAX 400u /* bytes of one value; what is longer is cut */
#define PARTS_MAX 6u

/* What is told of each type, in order: "words|field", or the field alone; a dot leads into an object. Of a type that is
 * not here the words are told that most messages for people have. */
static const struct {
    const char *type, *parts[PARTS_MAX];
} lines[] = {
    {"welcome", {"as |agent_id", "permission", "resume: |resume", "epoch |epoch"}},
    {"ack", {"durable: |durable", "result"}},
    {"duplicate_ack", {"message", "durable: |durable", "result"}},
    {"error", {"code", "message", "retry: |retry"}},
    {"gap", {"from |from_offset", "to |to_offset", "reason"}},
    {"replay_start", {"from |from", "to |to"}},
    {"replay_end", {"count"}},
    {"memory_update", {"exchange.text", "topic: |topic", "key: |key"}},
    {"memory_archived", {"subject", "now |tier", "reason"}},
    {"data_ref", {"name", "is |value", "version |version"}},
    {"context_snapshot",
     {"context.status", "context.task_description", "with |context.participants", "led by |context.coordinator_agent",
      "children |context.child_sidebar_ids", "references |context.data_refs"}},
    {"sidebar_spawn", {"task_description", "with |participants", "led by |coordinator_agent", "under |parent_id"}},
    {"sidebar_child_spawn", {"sub_task_description", "with |assigned_agents", "under |parent_sidebar_id"}},
    {"sidebar_status_update", {"old_status", "now |new_status", "reason"}},
    {"sidebar_pause", {"reason", "until |resume_condition"}},
    {"sidebar_resume", {"reason", "now |new_status"}},
    {"sidebar_join", {"agent_ids", "history: |history"}},
    {"sidebar_leave", {"agent_ids", "reason"}},
    {"sidebar_invite", {"agent_ids", "history: |history", "reason"}},
    {"sidebar_remove", {"agent_ids", "reason"}},
    {"sidebar_fork", {"fork_reason", "of |original_sidebar_id", "with |participants"}},
    {"sidebar_merge",
     {"of |sidebar_id", "success: |success", "findings |consolidated_findings", "brings |exchanges_to_merge",
      "references |new_data_refs", "conflicts |conflicts"}},
    {"sidebar_merge_decision", {"of |sidebar_id", "accepts |accept", "refuses |refuse", "reason"}},
    {"sidebar_archive", {"archive_reason", "was |final_status"}},
    {"sidebar_test_result", {"test_description", "result", "findings", "next: |next_test_suggestion"}},
    {"sidebar_waiting_update",
     {"for |waiting_for", "description", "seconds: |estimated_wait_time", "|dependency_refs"}},
    {"sidebar_coordinator", {"led by |coordinator_agent", "reason"}},
    {"sidebar_idle_warning", {"archived at |archives_at"}},
    {"deadlock", {"cycle"}},
    {"mention_route", {"to |target_agents", "message", "about |sidebar_id"}},
    {"mention_status", {"target", "state", "note"}},
    {"mention_digest", {"count", "calls by |senders"}},
    {"system_status", {"connections", "present |agents_present", "|contexts"}},
    {"agent_presence", {"agent_id", "status", "in |current_context", "note"}},
};

static const char *const usual[PARTS_MAX] = {"message", "note", "reason"};

/* The value at a path such as "context.status"; absent: there is none. */
static wsm_slice value_at(const members *m, const char *path) {
    members inner;
    char name[64];
    size_t len = strcspn(path, ".");
    snprintf(name, sizeof name, "%.*s", (int)len, path);
    wsm_slice value = member(m, name);
    if (!path[len] || !value.ptr) return value;
    if (members_of(&inner, value) == 0) {
        wsm_slice deeper = value_at(&inner, path + len + 1);
        if (deeper.ptr) return deeper;
    }
    return strncmp(path, "exchange", len) == 0 ? value : (wsm_slice){NULL, 0}; /* any JSON may be one */
}

/* Strings without their quotes, lists of strings without brackets, anything else as it is. */
static void value_text(wsm_slice value, char *out, size_t cap) {
    size_t len = 0;
    char whole[4096];
    if (value.len < sizeof whole && wsm_json_string(value, whole, sizeof whole) >= 0) {
        len = strlen(whole);
        if (len >= cap) len = cap - 1;
        memcpy(out, whole, len);
    } else {
        int is_names = value.len > 1 && value.ptr[0] == '[' && value.ptr[1] == '"';
        for (size_t i = 0; i < value.len && len + 2 < cap; i++) {
            char c = value.ptr[i];
            if (is_names && (c == '"' || c == '[' || c == ']')) continue;
            out[len++] = c;
            if (is_names && c == ',') out[len++] = ' ';
        }
    }
    out[len] = '\0';
    text_clean(out);
}

/* Cut between two characters, and said so. */
static void print_value(char *text) {
    size_t len = strlen(text);
    if (len <= VALUE_MAX) {
        fputs(text, stdout);
        return;
    }
    for (len = VALUE_MAX; ((unsigned char)text[len] & 0xc0) == 0x80;) len--;
    printf("%.*s\xe2\x80\xa6", (int)len, text);
}

static void print_parts(const members *m, const char *const *parts) {
    char text[VALUE_MAX + 64];
    int first = 1;
    for (size_t i = 0; i < PARTS_MAX && parts[i]; i++) {
        const char *bar = strchr(parts[i], '|');
        wsm_slice value = value_at(m, bar ? bar + 1 : parts[i]);
        if (!value.ptr || (value.len == 4 && memcmp(value.ptr, "null", 4) == 0)) continue;
        if (value.len == 2 && (value.ptr[0] == '[' || value.ptr[0] == '{')) continue; /* nothing in it */
        value_text(value, text, sizeof text);
        if (!text[0]) continue;
        fputs(first ? " " : "; ", stdout);
        if (bar) printf("%.*s", (int)(bar - parts[i]), parts[i]);
        print_value(text);
        first = 0;
    }
}

void print_pretty(const wsm_client_message *message) {
    members m;
    char time[40], sender[80], context[160], offset[24] = "-";
    const char *const *parts = usual;
    if (members_of(&m, message->json)) return;
    member_text(&m, "timestamp", time, sizeof time);
    member_text(&m, "sender_agent_id", sender, sizeof sender);
    member_text(&m, "context_id", context, sizeof context);
    wsm_slice at = member(&m, "offset");
    if (at.ptr && at.len < sizeof offset - 1) snprintf(offset, sizeof offset, "#%.*s", (int)at.len, at.ptr);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (strlen(lines[i].type) == message->type.len &&
            memcmp(lines[i].type, message->type.ptr, message->type.len) == 0)
            parts = lines[i].parts;
    const char *clock = strlen(time) > 19 ? time + 11 : "--:--:--"; /* behind "2026-01-31T" */
    printf("%.8s %6s %-10s %.*s", clock, offset, sender[0] ? sender : "-", (int)message->type.len, message->type.ptr);
    if (context[0] && strcmp(context, "main") != 0) printf(" [%s]", context);
    fputs(":", stdout);
    print_parts(&m, parts);
    putchar('\n');
}
