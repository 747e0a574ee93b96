/* The story of tests/support, and behind it what it has no room for. See chronicle.h. */
#include "chronicle.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/messages.h"
#include "proto/record.h"
#include "sidebar_story.h"

enum { ADA, BOB, CY, DOT, EVE };

static kept_log written;
static int64_t took_ms;

static const char *ok(const char *answer) {
    if (strcmp(answer_of(answer), "ack") != 0) fuzz_show("no ack", answer, strlen(answer));
    FUZZ_EXPECT(strcmp(answer_of(answer), "ack") == 0);
    return answer;
}

static void members_come_and_go(story *s) {
    ok(peer_ask(s->cast[DOT], "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"eve\"],\"history\":\"all\"",
                s->fork));
    ok(peer_ask(s->cast[EVE], "sidebar_join", "\"sidebar_id\":\"%s\",\"history\":\"all\"", s->fork));
    ok(peer_ask(s->cast[DOT], "sidebar_remove", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"cy\"]", s->fork));
    ok(peer_ask(s->cast[BOB], "sidebar_leave", "\"sidebar_id\":\"%s\",\"reason\":\"done\"", s->fork));
    ok(peer_ask(s->cast[ADA], "memory_archived", "\"subject\":\"build\",\"tier\":\"episodic\""));
}

/* A secret one that waits for the fork, and another that waits for a time. */
static void some_wait(story *s, char secret[SIDE_ID], char led[SIDE_ID]) {
    side_spawn(s->cast[ADA], "\"bob\"", ",\"visibility\":\"private\"", secret);
    ok(peer_ask(s->cast[ADA], "data_ref", "\"context_id\":\"%s\",\"name\":\"key\",\"value\":[1]", secret));
    ok(peer_ask(s->cast[ADA], "data_ref", "\"context_id\":\"%s\",\"name\":\"key\",\"value\":null", secret));
    ok(peer_ask(s->cast[ADA], "sidebar_waiting_update",
                "\"sidebar_id\":\"%s\",\"waiting_for\":\"other_sidebar\",\"description\":\"d\",\"dependency_refs\":"
                "[\"%s\"]",
                secret, s->fork));
    side_spawn(s->cast[DOT], "\"eve\",\"bob\"", ",\"coordinator_agent\":\"dot\"", led);
    ok(peer_ask(s->cast[DOT], "memory_update", "\"context_id\":\"%s\",\"exchange\":\"@eve, look\",\"key\":\"k\"", led));
    ok(peer_ask(s->cast[DOT], "sidebar_pause",
                "\"sidebar_id\":\"%s\",\"reason\":\"r\",\"resume_condition\":{\"key\":\"go\"}", led));
}

static void some_are_called(story *s, const char *led) {
    char mention[64];
    const char *answer = ok(peer_ask(s->cast[DOT], "mention_route",
                                     "\"target_agents\":[\"bob\",\"eve\"],\"message\":\"m\",\"priority\":\"urgent\","
                                     "\"sidebar_id\":\"%s\"",
                                     led));
    strcpy(mention, line_get(answer, "original_message_id"));
    ok(peer_ask(s->cast[BOB], "mention_ack", "\"mention_id\":\"%s\",\"state\":\"seen\"", mention));
    ok(peer_ask(s->cast[BOB], "mention_ack", "\"mention_id\":\"%s\",\"state\":\"working\",\"lease_seconds\":30",
                mention));
    ok(peer_ask(s->cast[EVE], "mention_ack", "\"mention_id\":\"%s\",\"state\":\"declined\",\"note\":\"no\"", mention));
    for (int i = 0; i < 3; i++) /* the third is held back */
        peer_ask(s->cast[CY], "mention_route", "\"target_agents\":[\"bob\"],\"message\":\"again\"");
}

/* The one who leads goes; leases, digests, warnings and the archive come with time. */
static void time_passes(story *s) {
    peer_leave(s->cast[DOT]);
    world_run(s->world, 40000);
    world_run(s->world, 40000);
    ok(peer_ask(s->cast[EVE], "data_ref", "\"name\":\"commit\",\"value\":null"));
    world_run(s->world, 300000);
    world_run(s->world, 300000);
}

static void write_it(void) {
    static story s;
    char secret[SIDE_ID], led[SIDE_ID];
    wsm_log log = kept_log_of(&written);
    story_init(&s);
    s.world->config.mention_pair_per_min = 2;
    s.world->config.sidebar_idle_warn_s = 120;
    s.world->config.sidebar_idle_archive_s = 400;
    s.world->config.snapshot_records = 44;
    int64_t began = s.world->wall;
    story_start(&s, &log);
    const char *why = story_play(&s);
    if (why) fuzz_show("the story", why, strlen(why));
    FUZZ_EXPECT(!why);
    members_come_and_go(&s);
    some_wait(&s, secret, led);
    some_are_called(&s, led);
    time_passes(&s);
    took_ms = s.world->wall - began;
    story_end(&s);
}

/* Every type that a log can hold is in it. */
static void check_it(void) {
    for (int type = WSM__MSG_NONE + 1; type < WSM__MSG_COUNT; type++) {
        const wsm__msg_row *row = wsm__msg_row_of((wsm__msg_type)type);
        bool found = !(row->flow & WSM__FLOW_RECORD);
        for (size_t i = 0; i < written.count && !found; i++) {
            wsm__record_head head;
            wsm_slice body;
            FUZZ_EXPECT(wsm__record_parse((wsm_slice){written.records[i].bytes, written.records[i].len}, NULL, &head,
                                          &body) == 0);
            found = head.type == row->type;
        }
        if (!found) fuzz_show("no record of the type", row->name, strlen(row->name));
        FUZZ_EXPECT(found);
    }
    FUZZ_EXPECT(written.snapshot && written.snapshot_offset < written.count);
}

static void forget_it(void) {
    kept_log_free(&written);
}

const kept_log *chronicle(void) {
    if (written.count > 0) return &written;
    write_it();
    check_it();
    atexit(forget_it);
    return &written;
}

int64_t chronicle_ms(void) {
    return took_ms;
}
