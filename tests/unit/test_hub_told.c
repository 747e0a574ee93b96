/* What a hub tells those in the story of a sidebar, line by line against the table of messages: known fields, of their
 * kind, none missing. The other tests look at what is said; this one at how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message_check.h"
#include "sidebar_story.h"

static unsigned heard[WSM__MSG_COUNT];

static void assert_well_said(const peer *p) {
    static char copy[65536];
    char why[200];
    for (const char *line = p->text; line && *line; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line, "\n");
        if (check_line(wsm__slice(line, len), why, sizeof why)) fail_msg("%s: %.*s", why, (int)len, line);
        snprintf(copy, sizeof copy, "%.*s", (int)len, line);
        heard[wsm__msg_type_of(wsm__slice_str(line_get(copy, "type")))]++;
    }
}

static void a_story_is_told_by_the_table(void **state) {
    static const wsm__msg_type wanted[] = {
        WSM__MSG_SIDEBAR_SPAWN,   WSM__MSG_SIDEBAR_CHILD_SPAWN,    WSM__MSG_SIDEBAR_STATUS_UPDATE,
        WSM__MSG_SIDEBAR_PAUSE,   WSM__MSG_SIDEBAR_RESUME,         WSM__MSG_SIDEBAR_TEST_RESULT,
        WSM__MSG_SIDEBAR_MERGE,   WSM__MSG_SIDEBAR_MERGE_DECISION, WSM__MSG_SIDEBAR_WAITING_UPDATE,
        WSM__MSG_SIDEBAR_ARCHIVE, WSM__MSG_SIDEBAR_FORK,           WSM__MSG_CONTEXT_SNAPSHOT,
        WSM__MSG_DATA_REF,        WSM__MSG_MEMORY_UPDATE,          WSM__MSG_ACK,
    };
    story s;
    (void)state;
    story_begin(&s);
    const char *why = story_play(&s);
    if (why) fail_msg("%s", why);
    for (int i = 0; i < STORY_CAST; i++) assert_well_said(s.cast[i]);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (heard[wanted[i]] == 0) fail_msg("nobody heard a %s", wsm__msg_row_of(wanted[i])->name);
    story_end(&s);
}

static void a_page_of_records_is_told_by_the_table(void **state) {
    story s;
    (void)state;
    story_begin(&s);
    const char *why = story_play(&s);
    if (why) fail_msg("%s", why);
    unsigned before = heard[WSM__MSG_CONTEXT_RECORDS];
    peer *dot = s.cast[3];
    peer_forget(dot);
    peer_ask(dot, "context_request", "\"context_id\":\"%s\",\"records\":{\"of\":\"main\",\"limit\":3}", s.fork);
    peer_ask(dot, "context_request", "\"context_id\":\"%s\",\"records\":{}", s.fork);
    assert_well_said(dot);
    assert_int_equal(heard[WSM__MSG_CONTEXT_RECORDS], before + 2);
    story_end(&s);
}

static void what_is_watched_is_told_by_the_table(void **state) {
    story s;
    (void)state;
    story_begin(&s);
    const char *why = story_play(&s);
    if (why) fail_msg("%s", why);
    peer *dot = s.cast[3];
    peer_forget(dot);
    peer_ask(dot, "context_watch", "\"interval_ms\":100");
    peer_ask(dot, "memory_update", "\"exchange\":\"more\"");
    world_run(s.world, 1000);
    assert_well_said(dot);
    assert_int_equal(heard[WSM__MSG_CONTEXT_DELTA], 1);
    story_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_records_is_told_by_the_table),
        cmocka_unit_test(a_story_is_told_by_the_table),
        cmocka_unit_test(what_is_watched_is_told_by_the_table),
    };
    return cmocka_run_group_tests_name("hub/told", tests, NULL, NULL);
}
