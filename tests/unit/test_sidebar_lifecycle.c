/* sidebar/lifecycle and rights: every pair of statuses, and every cell of the table of rights. */
#include "sidebar_world.h"

static const wsm__tree_limits no_limits = {0};

/* The table of the design once more, in its own words. */
static const struct {
    const char *from, *to;
} moves[] = {
    {"active", "testing paused waiting reviewing spawning_child consolidating failed"},
    {"testing", "active paused waiting reviewing failed"},
    {"paused", "archived failed"},
    {"waiting", "active paused failed"},
    {"reviewing", "active consolidating failed"},
    {"spawning_child", ""},
    {"consolidating", "merged reviewing failed"},
    {"merged", "archived"},
    {"archived", ""},
    {"failed", "archived"},
};

static bool lists(const char *words, const char *word) {
    size_t len = strlen(word);
    for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) return true;
    return false;
}

static void all_hundred_pairs(void **state) {
    (void)state;
    for (size_t i = 0; i < 10; i++)
        for (size_t k = 0; k < 10; k++) {
            wsm__status from = wsm__status_of(wsm__slice_str(moves[i].from));
            wsm__status to = wsm__status_of(wsm__slice_str(moves[k].from));
            bool may = lists(moves[i].to, moves[k].from);
            if (wsm__status_may(from, WSM__STATUS_NONE, to) != may) fail_msg("%s to %s", moves[i].from, moves[k].from);
            bool goes_back = from == WSM__STATUS_PAUSED || from == WSM__STATUS_SPAWNING_CHILD;
            if (wsm__status_may(from, to, to) != (may || goes_back)) /* it was that before */
                fail_msg("%s back to %s", moves[i].from, moves[k].from);
        }
}

static void words_are_those_of_the_protocol(void **state) {
    (void)state;
    for (int i = WSM__STATUS_ACTIVE; i < WSM__STATUS_COUNT; i++) {
        const char *word = wsm__status_word((wsm__status)i);
        assert_int_equal(wsm__status_of(wsm__slice_str(word)), i);
        assert_non_null(wsm__status_a2a((wsm__status)i));
    }
    assert_int_equal(wsm__status_of(wsm__slice_str("done")), WSM__STATUS_NONE);
    assert_null(wsm__status_word(WSM__STATUS_COUNT));
    assert_false(wsm__status_may(WSM__STATUS_NONE, WSM__STATUS_NONE, WSM__STATUS_ACTIVE));
}

static void a_change_needs_the_version_and_a_failure_its_reason(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *side = world_spawn(&w, "s", w.main, 1);
    wsm__change change = {.to = WSM__STATUS_FAILED};
    assert_string_equal(wsm__change_no(side, &change, "new_status").field, "reason");
    change.has_reason = true;
    assert_int_equal(wsm__change_no(side, &change, "new_status").err, 0);
    change.has_if_version = true;
    change.if_version = 1;
    assert_int_equal(wsm__change_no(side, &change, "new_status").err, WSM_ERR_CONFLICT);
    change.if_version = 0;
    assert_int_equal(wsm__change_no(side, &change, "new_status").err, 0);
    change.to = WSM__STATUS_MERGED;
    wsm__no no = wsm__change_no(side, &change, "new_status");
    assert_int_equal(no.err, WSM_ERR_INVALID_TRANSITION);
    assert_string_equal(no.field, "new_status");
    assert_non_null(no.why);
    world_close(&w);
}

static void it_resumes_to_what_it_was(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *side = world_spawn(&w, "s", w.main, 1);
    assert_int_equal(wsm__side_resumes_to(side), WSM__STATUS_NONE);
    wsm__side_to(&w.tree, side, WSM__STATUS_TESTING);
    wsm__side_to(&w.tree, side, WSM__STATUS_PAUSED);
    assert_int_equal(wsm__side_resumes_to(side), WSM__STATUS_TESTING);
    wsm__side_to(&w.tree, side, WSM__STATUS_TESTING);
    assert_int_equal(side->version, 3);
    assert_int_equal(side->before, WSM__STATUS_NONE);
    world_close(&w);
}

static void the_archive_keeps_how_it_ended(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *a = world_spawn(&w, "a", w.main, 2), *b = world_spawn(&w, "b", w.main, 2);
    wsm__side_to(&w.tree, a, WSM__STATUS_FAILED);
    wsm__side_to(&w.tree, a, WSM__STATUS_ARCHIVED);
    assert_int_equal(a->final, WSM__STATUS_FAILED);
    wsm__side_to(&w.tree, b, WSM__STATUS_WAITING);
    wsm__side_to(&w.tree, b, WSM__STATUS_PAUSED);
    wsm__side_to(&w.tree, b, WSM__STATUS_ARCHIVED);
    assert_int_equal(b->final, WSM__STATUS_WAITING);
    assert_int_equal(w.tree.live, 0); /* each counted down once */
    assert_int_equal(w.main->live_children, 0);
    assert_int_equal(wsm__tree_agent_load(&w.tree, 0), 0);
    world_close(&w);
}

/* ---- rights ---------------------------------------------------------------------------------------------------------
 * One row an operation, one letter a role that may: Host, Coordinator, Member, Invited, Parent's member. */
static const struct {
    wsm__op op;
    const char *may;
} table[] = {
    {WSM__OP_READ, "HCM"},  {WSM__OP_PUBLISH, "HCM"}, {WSM__OP_DATA_REF, "HCM"}, {WSM__OP_TEST, "HCM"},
    {WSM__OP_WAIT, "HCM"},  {WSM__OP_LEAVE, "HCMI"},  {WSM__OP_FORK, "HCM"},     {WSM__OP_SPAWN, "HCM"},
    {WSM__OP_JOIN, "HIP"},  {WSM__OP_INVITE, "HC"},   {WSM__OP_REMOVE, "HC"},    {WSM__OP_PAUSE, "HC"},
    {WSM__OP_RESUME, "HC"}, {WSM__OP_STATUS, "HC"},   {WSM__OP_FAIL, "HC"},      {WSM__OP_MERGE, "HC"},
    {WSM__OP_DECIDE, "HP"}, {WSM__OP_ARCHIVE, "HC"},
};

static void every_cell_of_the_table(void **state) {
    (void)state;
    static const struct {
        wsm__role role;
        char letter;
    } roles[] = {{WSM__ROLE_HOST, 'H'},    {WSM__ROLE_COORDINATOR, 'C'},   {WSM__ROLE_MEMBER, 'M'},
                 {WSM__ROLE_INVITED, 'I'}, {WSM__ROLE_PARENT_MEMBER, 'P'}, {WSM__ROLE_OUTSIDER, 'O'},
                 {WSM__ROLE_STRANGER, 'S'}};
    assert_int_equal(sizeof table / sizeof *table, WSM__OP_COUNT);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (size_t k = 0; k < sizeof roles / sizeof *roles; k++)
            if (wsm__roles_may(roles[k].role, table[i].op) != (strchr(table[i].may, roles[k].letter) != NULL))
                fail_msg("operation %d, role %c", (int)table[i].op, roles[k].letter);
}

static void without_a_coordinator_every_member_leads(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *side = world_spawn(&w, "s", w.main, 2);
    assert_int_equal(wsm__rights_no(&w.tree, side, 1, WSM__OP_MERGE, NULL).err, 0);
    side->coordinator = 0;
    assert_int_equal(wsm__rights_no(&w.tree, side, 0, WSM__OP_MERGE, NULL).err, 0);
    assert_int_equal(wsm__rights_no(&w.tree, side, 1, WSM__OP_MERGE, NULL).err, WSM_ERR_FORBIDDEN);
    assert_int_equal(wsm__rights_no(&w.tree, side, WSM__AGENT_HUB, WSM__OP_MERGE, NULL).err, 0);
    wsm__side_leave(&w.tree, side, 0, ++w.offset); /* who led has left */
    assert_int_equal(wsm__rights_no(&w.tree, side, 1, WSM__OP_MERGE, NULL).err, 0);
    world_close(&w);
}

static void a_stranger_gets_the_answer_of_an_unknown_id(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__birth birth = {.parent = w.main, .creator = 0, .coordinator = WSM__AGENT_NONE, .is_private = true};
    wsm__side *side = world_spawn_as(&w, "p", birth, 1);
    for (int op = 0; op < WSM__OP_COUNT; op++) {
        wsm__no no = wsm__rights_no(&w.tree, side, 1, (wsm__op)op, "context_id");
        wsm__no unknown = wsm__rights_unknown("context_id");
        assert_int_equal(no.err, unknown.err);
        assert_string_equal(no.field, unknown.field);
        assert_string_equal(no.why, unknown.why);
    }
    world_close(&w);
}

static void main_is_for_all_and_no_sidebar(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    assert_int_equal(wsm__rights_no(&w.tree, w.main, 5, WSM__OP_PUBLISH, NULL).err, 0);
    assert_int_equal(wsm__rights_no(&w.tree, w.main, 5, WSM__OP_SPAWN, NULL).err, 0);
    assert_int_equal(wsm__rights_no(&w.tree, w.main, WSM__AGENT_HUB, WSM__OP_ARCHIVE, NULL).err, WSM_ERR_BAD_MESSAGE);
    world_close(&w);
}

static void an_open_sidebar_is_joined_by_the_parents_members(void **state) {
    (void)state;
    world w;
    assert_int_equal(world_open(&w, 0, no_limits), 0);
    wsm__side *a = world_spawn(&w, "a", w.main, 2), *b = world_spawn(&w, "b", a, 1);
    assert_int_equal(wsm__rights_no(&w.tree, a, 9, WSM__OP_JOIN, NULL).err, 0);
    assert_int_equal(wsm__rights_no(&w.tree, b, 1, WSM__OP_JOIN, NULL).err, 0);
    assert_int_equal(wsm__rights_no(&w.tree, b, 9, WSM__OP_JOIN, NULL).err, WSM_ERR_FORBIDDEN);
    assert_int_equal(wsm__rights_no(&w.tree, a, 9, WSM__OP_READ, NULL).err, WSM_ERR_FORBIDDEN);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_hundred_pairs),
        cmocka_unit_test(words_are_those_of_the_protocol),
        cmocka_unit_test(a_change_needs_the_version_and_a_failure_its_reason),
        cmocka_unit_test(it_resumes_to_what_it_was),
        cmocka_unit_test(the_archive_keeps_how_it_ended),
        cmocka_unit_test(every_cell_of_the_table),
        cmocka_unit_test(without_a_coordinator_every_member_leads),
        cmocka_unit_test(a_stranger_gets_the_answer_of_an_unknown_id),
        cmocka_unit_test(main_is_for_all_and_no_sidebar),
        cmocka_unit_test(an_open_sidebar_is_joined_by_the_parents_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
