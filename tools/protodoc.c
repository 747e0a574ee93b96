/* Documents made of the message table: `--schema` prints a JSON Schema (2020-12), `--man` the page wsm-protocol(7). */
#include <stdio.h>
#include <string.h>

#include "proto/field.h"
#include "proto/messages.h"
#include "protocol_prose.h"
#include "sidebar/lifecycle.h"
#include "wsm/error.h"

#define CLOSE_CODE_FIRST 1000
#define CLOSE_CODE_LAST  4999
#define MAN_WIDTH        78

static const char name_class[] = "[A-Za-z0-9._:/-]", agent_class[] = "[A-Za-z0-9._-]";

static unsigned needs_of(const wsm__msg_row *type) {
    return (type->flow & WSM__FLOW_UP ? WSM__NEED_UP : 0) |
           (type->flow & (WSM__FLOW_DOWN | WSM__FLOW_RECORD) ? WSM__NEED_DOWN : 0);
}

/* Whether a field is there in whatever direction the type goes. */
static bool is_always_there(const wsm__msg_row *type, const wsm__field_row *row) {
    return (row->need & needs_of(type)) == needs_of(type);
}

/* Whether it is there in every direction that the field goes. */
static bool is_required(const wsm__msg_row *type, const wsm__field_row *row) {
    unsigned ways = (row->need & WSM__MAY_UP ? WSM__NEED_UP : 0) | (row->need & WSM__MAY_DOWN ? WSM__NEED_DOWN : 0);
    return (row->need & ways & needs_of(type)) == (ways & needs_of(type));
}

/* Calls `fn` for each word of "a|b|c". */
static void for_each_word(const char *words, void (*fn)(const char *word, int len, bool is_first)) {
    for (bool is_first = true; *words != '\0'; is_first = false) {
        int len = (int)strcspn(words, "|");
        fn(words, len, is_first);
        words += len + (words[len] == '|' ? 1 : 0);
    }
}

/* ---- JSON Schema --------------------------------------------------------------------------------------------------
 */

static void schema_word(const char *word, int len, bool is_first) {
    printf("%s\"%.*s\"", is_first ? "" : ", ", len, word);
}

static void schema_string(const char *pattern, const wsm__field_row *row) {
    printf("\"type\": \"string\", \"pattern\": \"^%s{%llu,%llu}$\"", pattern, (unsigned long long)row->low,
           (unsigned long long)row->high);
}

/* Formats are only said to be so by most validators, patterns are checked. */
static void schema_form(const char *format, const char *pattern) {
    printf("\"type\": \"string\", \"format\": \"%s\", \"pattern\": \"^%s$\"", format, pattern);
}

/* Lengths are bytes here and characters there; a character has a byte at least, so the schema allows what the hub does.
 */
static void schema_text(const wsm__field_row *row) {
    printf("\"type\": \"string\", \"minLength\": %d, \"maxLength\": %llu", row->low > 0, (unsigned long long)row->high);
}

static void schema_array(const wsm__field_row *row);

static void schema_items(const wsm__field_row *row, const char *pattern) {
    schema_array(row);
    if (pattern != NULL) {
        schema_string(pattern, row);
    } else {
        schema_text(row);
    }
    printf("}");
}

static void schema_kind(const wsm__field_row *row);

static void schema_nullable(const wsm__field_row *row) {
    if (row->need & WSM__NULLABLE) printf("\"anyOf\": [{\"type\": \"null\"}, {");
    schema_kind(row);
    if (row->need & WSM__NULLABLE) printf("}]");
}

static void schema_members(const wsm__shape *shape) {
    const char *separator = "";
    printf(", \"properties\": {");
    for (size_t i = 0; i < shape->count; i++) {
        const wsm__field_row *row = &shape->members[i];
        printf("%s\"%s\": {\"description\": \"%s\", ", i > 0 ? ", " : "", row->name, row->about);
        schema_nullable(row);
        printf("}");
    }
    printf("}, \"required\": [");
    for (size_t i = 0; i < shape->count; i++) {
        if (!(shape->members[i].need & (WSM__NEED_UP | WSM__NEED_DOWN))) continue;
        printf("%s\"%s\"", separator, shape->members[i].name);
        separator = ", ";
    }
    printf("], \"additionalProperties\": false");
    if (shape->is_one) printf(", \"minProperties\": 1, \"maxProperties\": 1");
}

static void schema_object(const wsm__field_row *row) {
    if (row->text_max > 0)
        printf("\"anyOf\": [{\"type\": \"string\", \"minLength\": 1, \"maxLength\": %zu}, {", row->text_max);
    printf("\"type\": \"object\"");
    if (row->shape != NULL) schema_members(row->shape);
    if (row->text_max > 0) printf("}]");
}

static void schema_array(const wsm__field_row *row) {
    printf("\"type\": \"array\", \"minItems\": %zu, \"maxItems\": %zu, \"items\": {", row->items_min, row->items_max);
}

static void schema_number(const wsm__field_row *row) {
    printf("\"type\": \"integer\", \"minimum\": %llu, \"maximum\": %llu", (unsigned long long)row->low,
           (unsigned long long)row->high);
}

static void schema_words(const wsm__field_row *row) {
    printf("\"enum\": [");
    for_each_word(row->words, schema_word);
    printf("]");
}

static void schema_numbers(const wsm__field_row *row) {
    if (row->words != NULL) {
        printf("\"anyOf\": [{");
        schema_words(row);
        printf("}, {");
    }
    schema_array(row);
    schema_number(row);
    printf(row->words != NULL ? "}}]" : "}");
}

static void schema_objects(const wsm__field_row *row) {
    schema_array(row);
    schema_object(row);
    printf("}");
}

static void schema_kind(const wsm__field_row *row) {
    switch (row->kind) {
    case WSM__KIND_TEXT: schema_text(row); break;
    case WSM__KIND_NAME: schema_string(name_class, row); break;
    case WSM__KIND_AGENT: schema_string(agent_class, row); break;
    case WSM__KIND_UUID: schema_form("uuid", "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"); break;
    case WSM__KIND_TIME:
        schema_form("date-time",
                    "[0-9]{4}(-[0-9]{2}){2}[Tt][0-9]{2}(:[0-9]{2}){2}(\\\\.[0-9]+)?([Zz]|[-+][0-9]{2}:[0-9]{2})");
        break;
    case WSM__KIND_EPOCH: printf("\"type\": \"string\", \"pattern\": \"^[0-9a-f]{16}$\""); break;
    case WSM__KIND_NUMBER: schema_number(row); break;
    case WSM__KIND_BOOL: printf("\"type\": \"boolean\""); break;
    case WSM__KIND_ENUM: schema_words(row); break;
    case WSM__KIND_TEXTS: schema_items(row, NULL); break;
    case WSM__KIND_NAMES: schema_items(row, name_class); break;
    case WSM__KIND_AGENTS: schema_items(row, agent_class); break;
    case WSM__KIND_NUMBERS: schema_numbers(row); break;
    case WSM__KIND_OBJECT: schema_object(row); break;
    case WSM__KIND_OBJECTS: schema_objects(row); break;
    case WSM__KIND_OPAQUE: printf("\"not\": {\"type\": \"null\"}"); break;
    }
}

/* The row of the same name for the other way; NULL: none. */
static const wsm__field_row *other_way(const wsm__msg_row *type, const wsm__field_row *row) {
    int idx = wsm__msg_field_idx(type->type, row->name, WSM__MAY_UP | WSM__MAY_DOWN);
    if (idx >= 0 && &type->fields[idx] != row) return &type->fields[idx];
    for (size_t i = (size_t)(idx + 1); i < type->fields_count; i++)
        if (strcmp(type->fields[i].name, row->name) == 0) return &type->fields[i];
    return NULL;
}

/* readOnly: the hub sets it; writeOnly: only a client sends it. `other` is its form for the other way, or NULL. */
static void schema_field(const wsm__field_row *row, const wsm__field_row *other) {
    printf("        \"%s\": {\"description\": \"%s\", ", row->name, row->about);
    if (!(row->need & WSM__MAY_UP) && other == NULL) printf("\"readOnly\": true, ");
    if (!(row->need & WSM__MAY_DOWN) && other == NULL) printf("\"writeOnly\": true, ");
    if (other != NULL) printf("\"anyOf\": [{");
    schema_nullable(row);
    if (other != NULL) {
        printf("}, {\"description\": \"%s\", ", other->about);
        schema_nullable(other);
        printf("}]");
    }
    printf("}");
}

static void schema_type(const wsm__msg_row *type) {
    size_t envelope_count;
    const wsm__field_row *envelope = wsm__envelope_rows(&envelope_count);
    printf("    \"%s\": {\n      \"description\": \"%s\",\n      \"type\": \"object\",\n      \"properties\": {\n",
           type->name, type->about);
    printf("        \"type\": {\"const\": \"%s\"}", type->name);
    for (size_t i = WSM__ENV_TYPE + 1; i < envelope_count; i++) {
        if (wsm__msg_field_idx(type->type, envelope[i].name, WSM__MAY_UP | WSM__MAY_DOWN) >= 0) continue;
        printf(",\n");
        schema_field(&envelope[i], NULL);
    }
    for (size_t i = 0; i < type->fields_count; i++) {
        const wsm__field_row *other = other_way(type, &type->fields[i]);
        if (other != NULL && other < &type->fields[i]) continue; /* was printed with it */
        printf(",\n");
        schema_field(&type->fields[i], other);
    }
    printf("\n      },\n      \"required\": [\"type\"");
    for (size_t i = WSM__ENV_TYPE + 1; i < envelope_count; i++)
        if (is_always_there(type, &envelope[i])) printf(", \"%s\"", envelope[i].name);
    for (size_t i = 0; i < type->fields_count; i++)
        if (is_always_there(type, &type->fields[i])) printf(", \"%s\"", type->fields[i].name);
    printf("]\n    }");
}

static void print_schema(void) {
    printf("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": \"wsm.v1\",\n"
           "  \"description\": \"Every message of the protocol, up and down. In an optional field null says as much as "
           "absence.\",\n  \"oneOf\": [\n");
    for (int t = WSM__MSG_NONE + 1; t < WSM__MSG_COUNT; t++)
        printf("    {\"$ref\": \"#/$defs/%s\"}%s\n", wsm__msg_row_of((wsm__msg_type)t)->name,
               t + 1 < WSM__MSG_COUNT ? "," : "");
    printf("  ],\n  \"$defs\": {\n");
    for (int t = WSM__MSG_NONE + 1; t < WSM__MSG_COUNT; t++) {
        schema_type(wsm__msg_row_of((wsm__msg_type)t));
        printf("%s\n", t + 1 < WSM__MSG_COUNT ? "," : "");
    }
    printf("  }\n}\n");
}

/* ---- wsm-protocol(7) ----------------------------------------------------------------------------------------------
 */

/* A phrase as a sentence, in lines of at most MAN_WIDTH. A line must not begin with a dot, which would be a request. */
static void man_sentence(const char *phrase) {
    size_t column = 0;
    for (const char *word = phrase; *word != '\0';) {
        size_t len = strcspn(word, " ");
        if (column > 0) {
            bool fits = column + 1 + len < MAN_WIDTH;
            putchar(fits ? ' ' : '\n');
            column = fits ? column + 1 : 0;
        }
        if (column == 0 && *word == '.') printf("\\&");
        bool is_first = word == phrase && *word >= 'a' && *word <= 'z';
        printf("%c%.*s", is_first ? *word - ('a' - 'A') : *word, (int)len - 1, word + 1);
        column += len;
        word += len + strspn(word + len, " ");
    }
    printf(".\n");
}

static const char *man_direction(const wsm__msg_row *type, const wsm__field_row *row) {
    bool both_ways = type == NULL || needs_of(type) == (WSM__NEED_UP | WSM__NEED_DOWN);
    if (!both_ways || (row->need & WSM__MAY_UP && row->need & WSM__MAY_DOWN)) return "";
    return row->need & WSM__MAY_UP ? ", from the client" : ", from the hub";
}

static void man_field(const wsm__msg_row *type, const wsm__field_row *row) {
    char want[1024]; /* the longest is the list of error codes */
    wsm__phrase phrase;
    wsm__phrase_init(&phrase, want, sizeof want);
    wsm__field_expected(row, &phrase);
    bool required =
        type != NULL ? is_required(type, row) : row->need & (row->need & WSM__MAY_UP ? WSM__NEED_UP : WSM__NEED_DOWN);
    printf(".It Va %s Pq %s%s\n", row->name, required ? "required" : "optional", man_direction(type, row));
    man_sentence(row->about);
    if (row->kind != WSM__KIND_OPAQUE) man_sentence(want + strlen("expected "));
    if (row->alias != NULL)
        printf("Clients may also call it\n.Va %s%s.\n", row->alias, row->if_true ? " ,\nas true or false" : " ");
    if (row->shape == NULL) return;
    printf(".Bl -tag -width Ds\n");
    for (size_t i = 0; i < row->shape->count; i++) man_field(NULL, &row->shape->members[i]);
    printf(".El\n");
}

static void man_type(const wsm__msg_row *type) {
    bool up = type->flow & WSM__FLOW_UP, down = type->flow & WSM__FLOW_DOWN;
    bool kept = type->flow & WSM__FLOW_RECORD;
    const char *who = up && down ? "Sent by clients and the hub"
                      : up       ? "Sent by clients"
                      : down     ? "Sent by the hub"
                                 : "";
    printf(".Ss %s\n%s%s.\n", type->name, who, !kept ? "" : up || down ? " and kept in the log" : "Kept in the log");
    man_sentence(type->about);
    if (wsm__msg_alias_of(type->type) != NULL)
        printf("Clients may also call it\n.Ic %s .\n", wsm__msg_alias_of(type->type));
    if (type->fields_count == 0) return;
    printf(".Bl -tag -width Ds\n");
    for (size_t i = 0; i < type->fields_count; i++) man_field(type, &type->fields[i]);
    printf(".El\n");
}

/* The words of what a status may become, "what it was before" for those that go back. */
static void man_next(wsm__status from) {
    const char *separator = "Becomes ";
    if (wsm__status_may(from, WSM__STATUS_ACTIVE, WSM__STATUS_ACTIVE) &&
        !wsm__status_may(from, WSM__STATUS_NONE, WSM__STATUS_ACTIVE)) {
        printf("%swhat it was before", separator);
        separator = ",\n";
    }
    for (int to = WSM__STATUS_NONE + 1; to < WSM__STATUS_COUNT; to++) {
        if (!wsm__status_may(from, WSM__STATUS_NONE, (wsm__status)to)) continue;
        printf("%s%s", separator, wsm__status_word((wsm__status)to));
        separator = ",\n";
    }
    printf("%s.\n", *separator == 'B' ? "Stays so, and can be forked" : "");
}

static void man_statuses(void) {
    printf(".Sh STATUS OF A SIDEBAR\nA sidebar is in one of ten states, and begins as\n.Li active .\n"
           "Any other change than these is refused with\n.Li invalid_transition .\n"
           "Beside each stands the task state by which an A2A agent would show it.\n.Bl -tag -width Ds\n");
    for (int i = WSM__STATUS_NONE + 1; i < WSM__STATUS_COUNT; i++) {
        printf(".It Li %s\n", wsm__status_word((wsm__status)i));
        man_next((wsm__status)i);
        printf("In A2A: %s.\n", wsm__status_a2a((wsm__status)i));
    }
    printf(".El\n.Pp\nIn A2A a sidebar that waits for something else than\n.Li human_input\nis working,\n"
           "and an archived one is what its\n.Va final_status\nis, canceled if that is neither merged nor failed.\n"
           "The record of a child's spawn ends\n.Li spawning_child .\n");
}

static void man_errors(void) {
    printf(".Sh ERROR CODES\nThe field\n.Va code\nof an\n.Ic error\nmessage is one of these:\n.Bl -tag -width Ds\n");
    static const struct {
        const char *code, *sentence;
    } rows[] = {
#define MAN_ERROR(name, number, code, sentence) {code, sentence},
        WSM_ERROR_MAP(MAN_ERROR)
#undef MAN_ERROR
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == NULL) continue;
        printf(".It Li %s\n", rows[i].code);
        man_sentence(rows[i].sentence);
    }
    printf(".El\n");
}

/* What the client does after it. */
static const char *man_after(int code) {
    switch (code) {
    case 1000: return "it was asked for";
    case 1001:
    case 1011:
    case 1012:
    case 1013:
    case 4008:
    case 4012:
    case 4013: return "come back, a little later each time";
    case 4001: return "come back, and say hello sooner";
    case 4003: return "come back with a new token";
    case 4010: return "begin anew";
    case 4002:
    case 4004:
    case 4009:
    case 4011:
    case 4014: return "stop, and tell somebody";
    default: return "mend the client";
    }
}

static void man_close_codes(void) {
    printf(".Sh CLOSE CODES\nThe reason of a close frame is the short name beside its code.\nA client then has to\n"
           ".Bl -column 4010 too_many_violations -compact\n");
    for (int code = CLOSE_CODE_FIRST; code <= CLOSE_CODE_LAST; code++)
        if (wsm_close_name((uint16_t)code)[0] != '\0')
            printf(".It %d Ta %s Ta %s\n", code, wsm_close_name((uint16_t)code), man_after(code));
    printf(".El\nAny other end of the connection is as 1011.\n");
}

static void print_man(void) {
    size_t count;
    const wsm__field_row *envelope = wsm__envelope_rows(&count);
    printf(".\\\" Written by tools/protodoc.c from lib/proto/messages.def: change that.\n"
           ".Dd November 23, 2026\n.Dt WSM-PROTOCOL 7\n.Os libwsm\n.Sh NAME\n.Nm wsm-protocol\n"
           ".Nd the wire protocol wsm.v1\n.Sh DESCRIPTION\n"
           "Messages are JSON texts over WebSocket, with the subprotocol\n.Li wsm.v1 .\n"
           "They are strict JSON (RFC 8259): valid UTF-8,\nno key twice outside opaque values, no\n.Li \\eu0000 ,\n"
           "no lone surrogate, at most 32 levels deep.\nNames are case-sensitive.\n"
           "Unknown fields are dropped from a client's message;\nin an optional field null says as much as absence.\n"
           "Names, ids, times and words must be written without escapes.\n"
           "%s%s%s.Sh ENVELOPE\nEvery message may carry these fields:\n.Bl -tag -width Ds\n",
           prose_connecting, prose_answers, prose_resume);
    for (size_t i = 0; i < count; i++) man_field(NULL, &envelope[i]);
    printf(".El\n.Sh MESSAGES\n");
    for (int t = WSM__MSG_NONE + 1; t < WSM__MSG_COUNT; t++) man_type(wsm__msg_row_of((wsm__msg_type)t));
    man_statuses();
    man_errors();
    man_close_codes();
    printf(".Sh SEE ALSO\n.Xr wsm 3\n.Rs\n.%%R RFC 6455\n.%%T The WebSocket Protocol\n.Re\n"
           ".Rs\n.%%R RFC 8259\n.%%T The JavaScript Object Notation (JSON) Data Interchange Format\n.Re\n");
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--schema") == 0) {
        print_schema();
    } else if (argc == 2 && strcmp(argv[1], "--man") == 0) {
        print_man();
    } else {
        fprintf(stderr, "usage: protodoc --schema | --man\n");
        return 2;
    }
    return 0;
}
