/* Every message of messages.def through the public API of a hub: what is wrong is answered once, with the field to
 * blame, changes nothing and is heard by nobody; what is right is answered once, whatever it leads to. The messages are
 * made from the table, and the hub is spoken to as any host does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hub_world.h"
#include "message_check.h"
#include "message_samples.h"

#define CASES_MAX 1024

typedef struct field_case {
    const wsm__msg_row *type;
    const wsm__field_row *row;
    char name[160];
} field_case;

static field_case cases[CASES_MAX];
static struct CMUnitTest tests[CASES_MAX];
static size_t count;
static unsigned long messages_said, messages_heard;

typedef struct room {
    hub_world *world;
    peer *ada, *bob;
    char id[37]; /* of the last message */
} room;

static room enter(void) {
    room r = {.world = calloc(1, sizeof *r.world)};
    assert_non_null(r.world);
    world_init(r.world);
    r.world->config.violations_per_min = 1000000;
    assert_int_equal(world_start(r.world, NULL), 0);
    r.ada = world_join(r.world, SAMPLE_SENDER, WSM_PERMISSION_ACTIVE, NULL, 0);
    r.bob = world_join(r.world, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(r.world, 10);
    return r;
}

/* All that somebody was told since he was last forgotten. */
static void assert_well_said(const peer *p) {
    char why[200];
    for (const char *line = p->text; line && *line; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line, "\n");
        if (check_line(wsm__slice(line, len), why, sizeof why)) fail_msg("%s: %.*s", why, (int)len, line);
        messages_heard++;
    }
}

static void leave(room *r) {
    for (int i = 0; i < r->world->peers_count; i++) assert_well_said(&r->world->peers[i]);
    world_end(r->world);
    assert_int_equal(r->world->mem.live, 0);
    free(r->world);
}

/* Says the message under an id of its own; takes the text over. */
static void say(room *r, char *text) {
    static unsigned long ids;
    char *at = strstr(text, SAMPLE_ID);
    assert_non_null(at);
    snprintf(r->id, sizeof r->id, "0190e0a0-7b1c-7def-8123-%012lx", ++ids);
    memcpy(at, r->id, 36);
    assert_well_said(r->ada);
    peer_forget(r->ada);
    assert_non_null(r->ada->conn);
    assert_int_equal(wsm_conn_recv(r->ada->conn, text, strlen(text)), 0);
    world_run(r->world, 1);
    messages_said++;
    free(text);
}

static int answers(const room *r) {
    char answer[80];
    snprintf(answer, sizeof answer, "\"original_message_id\":\"%s\"", r->id);
    return peer_count(r->ada, answer);
}

static void assert_blamed(room *r, char *text, const char *field) {
    char epoch[17], blame[120];
    char *copy = sample_text("%.300s", text);
    uint64_t before = wsm_hub_position(r->world->hub, epoch);
    assert_well_said(r->bob);
    peer_forget(r->bob);
    say(r, text);
    snprintf(blame, sizeof blame, "\"code\":\"bad_message\",\"message\":\"%s: ", field);
    if (answers(r) != 1 || peer_count(r->ada, blame) != 1) fail_msg("%s: %s", copy, r->ada->text);
    assert_true(wsm_hub_position(r->world->hub, epoch) == before);
    assert_int_equal(r->bob->len, 0);
    free(copy);
}

static void assert_answered_once(room *r, char *text) {
    char *copy = sample_text("%.300s", text);
    say(r, text);
    bool is_ours = peer_count(r->ada, "\"code\":\"internal\"") + peer_count(r->ada, "\"message\":\"type: this hub") > 0;
    if (answers(r) != 1 || is_ours) fail_msg("%s: %s", copy, r->ada->text);
    free(copy);
}

static void a_wrong_field_is_blamed_and_changes_nothing(void **state) {
    const field_case *c = *state;
    samples values = {0};
    room r = enter();
    wrong_values(&values, c->row);
    for (size_t i = 0; i < values.count; i++)
        assert_blamed(&r, sample_message_with(c->type, c->row, c->row->name, values.text[i]), c->row->name);
    samples_free(&values);
    if (c->row->need & WSM__NEED_UP) assert_blamed(&r, sample_message(c->type, c->row, ""), c->row->name);
    leave(&r);
}

static void a_right_field_is_answered_once(void **state) {
    const field_case *c = *state;
    samples values = {0};
    room r = enter();
    right_values(&values, c->row);
    for (size_t i = 0; i < values.count; i++)
        assert_answered_once(&r, sample_message_with(c->type, c->row, c->row->name, values.text[i]));
    samples_free(&values);
    leave(&r);
}

static void another_sender_is_forbidden(void **state) {
    const field_case *c = *state;
    char epoch[17];
    room r = enter();
    uint64_t before = wsm_hub_position(r.world->hub, epoch);
    say(&r, sample_message_with(c->type, c->row, c->row->name, "\"bob\""));
    assert_int_equal(answers(&r), 1);
    assert_int_equal(peer_count(r.ada, "\"code\":\"forbidden\""), 1);
    assert_non_null(strstr(r.ada->text, c->row->name));
    assert_true(wsm_hub_position(r.world->hub, epoch) == before);
    leave(&r);
}

static void a_type_of_the_hubs_is_refused(void **state) {
    const field_case *c = *state;
    room r = enter();
    assert_blamed(&r, sample_message(c->type, NULL, ""), "type");
    leave(&r);
}

static void surplus_fields_are_never_passed_on(void **state) {
    const field_case *c = *state;
    room r = enter();
    peer_forget(r.bob);
    assert_answered_once(&r, sample_message(c->type, NULL, "\"surplus\":{\"a\":1,\"a\":2},\"\":[]"));
    assert_int_equal(peer_count(r.bob, "surplus"), 0);
    assert_int_equal(peer_count(r.ada, "surplus"), 0);
    leave(&r);
}

static void an_observer_writes_nothing(void **state) {
    const field_case *c = *state;
    char epoch[17];
    room r = enter();
    peer *active = r.ada;
    r.ada = world_join(r.world, "eve", WSM_PERMISSION_OBSERVER, NULL, 0);
    uint64_t before = wsm_hub_position(r.world->hub, epoch);
    peer_forget(r.bob);
    peer_forget(active);
    say(&r, sample_message(c->type, NULL, ""));
    assert_int_equal(answers(&r), 1);
    if (peer_count(r.ada, "\"code\":\"forbidden\"") != 1) fail_msg("%s", r.ada->text);
    assert_true(wsm_hub_position(r.world->hub, epoch) == before);
    assert_int_equal(r.bob->len + active->len, 0);
    leave(&r);
}

static void add(const wsm__msg_row *type, const wsm__field_row *row, CMUnitTestFunction fn, const char *what) {
    if (count == CASES_MAX) abort();
    field_case *c = &cases[count];
    *c = (field_case){.type = type, .row = row};
    snprintf(c->name, sizeof c->name, "%s%s%s: %s", type->name, row ? "." : "", row ? row->name : "", what);
    tests[count++] = (struct CMUnitTest){.name = c->name, .test_func = fn, .initial_state = c};
}

static void add_type(const wsm__msg_row *type) {
    if (!(type->flow & WSM__FLOW_UP)) {
        add(type, NULL, a_type_of_the_hubs_is_refused, "a type of the hub's is refused");
        return;
    }
    add(type, NULL, surplus_fields_are_never_passed_on, "surplus fields are never passed on");
    if (type->flow & WSM__FLOW_RECORD) add(type, NULL, an_observer_writes_nothing, "an observer writes nothing");
    for (size_t i = 0; i < type->fields_count; i++) {
        const wsm__field_row *row = &type->fields[i];
        if (!(row->need & WSM__MAY_UP)) continue;
        add(type, row, a_right_field_is_answered_once, "right, it is answered once");
        add(type, row, a_wrong_field_is_blamed_and_changes_nothing, "wrong or missing, it is blamed");
        if (row->need & WSM__SENDER) add(type, row, another_sender_is_forbidden, "another sender is forbidden");
    }
}

int main(void) {
    for (int t = WSM__MSG_NONE + 1; t < WSM__MSG_COUNT; t++) add_type(wsm__msg_row_of((wsm__msg_type)t));
    int failed = _cmocka_run_group_tests("hub/messages", tests, count, NULL, NULL);
    printf("%lu messages said, %lu heard, in %zu tests\n", messages_said, messages_heard, count);
    return failed;
}
