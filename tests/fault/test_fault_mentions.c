/* Every allocation fails, in every line of what agents do to call each other: mentions by route and in text, answers,
 * leases, age, mailboxes, cards and presence, also over a crash and an orderly restart of the hub. */
#include "saga.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "story.h"

#define TO_BOB       ",\"target_agents\":[\"bob\"]"
#define SAID         ",\"message\":\"look\""
#define OF(n, state) ",\"mention_id\":\"" SAGA_ID(n) "\",\"state\":\"" state "\""

static void agents_are_called_and_answer(void **state) {
    (void)state;
    static const line lines[] = {
        SAY(ADA, "01", "mention_route", TO_BOB SAID),
        SAY(BOB, "02", "mention_ack", OF("01", "seen")),
        SAY(BOB, "03", "mention_ack", OF("01", "working") ",\"lease_seconds\":60"),
        SAY(BOB, "04", "mention_ack", OF("01", "replied") ",\"note\":\"done\""),
        SAY_NO(BOB, "05", "mention_ack", OF("01", "seen"), "not_found"),
        SAY(BOB, "06", "memory_update",
            ",\"exchange\":\"@ada and @cleo, it is done, @nobody\",\"cause\":\"" SAGA_ID("01") "\""),
        SAY(ADA, "07", "mention_route",
            ",\"target_agents\":[\"bob\",\"cleo\"],\"priority\":\"urgent\"" SAID ",\"cause\":\"" SAGA_ID("06") "\""),
        SAY_NO(ADA, "08", "mention_route", ",\"target_agents\":[\"nobody\"]" SAID, "unknown_agent"),
        SAY(CLEO, "09", "mention_ack", OF("07", "declined")),
        SAY(ADA, "01", "mention_route", TO_BOB SAID), /* once more: it is known */
    };
    static const saga told = {"calls", CAST, .present = 3, LINES(lines)};
    saga_tell(&told);
}

static void soon_too_old(wsm_config *config) {
    config->mailbox_age_s = 3600;
    config->dedup_window_ms = 3600000;
}

static void leases_end_and_mentions_grow_too_old(void **state) {
    (void)state;
    static const line lines[] = {
        SAY(ADA, "01", "mention_route", TO_BOB SAID),
        SAY(BOB, "02", "mention_ack", OF("01", "working") ",\"lease_seconds\":60"),
        PASS(80000), /* he has it again */
        SAY(BOB, "03", "mention_ack", OF("01", "working") ",\"lease_seconds\":600"),
        {.kind = LEAVES, .who = BOB},
        SAY(ADA, "04", "mention_route", TO_BOB SAID),
        PASS(4000000), /* the lease ends while he is away, then both are too old */
        SAY(ADA, "05", "memory_update", ",\"exchange\":\"@bob?\""),
        {.kind = JOINS, .who = BOB},
        SAY_NO(BOB, "06", "mention_ack", OF("04", "seen"), "not_found"),
    };
    static const saga told = {"leases", CAST, .present = 2, soon_too_old, LINES(lines)};
    saga_tell(&told);
}

static void small_mailboxes(wsm_config *config) {
    config->mailbox_messages_max = 2;
}

static void who_is_away_finds_them_and_a_full_mailbox_is_told(void **state) {
    (void)state;
    static const line lines[] = {
        {.kind = JOINS, .who = DAN}, /* one whom nobody knows yet: his card is kept */
        SAY(DAN, "01", "memory_update", ",\"exchange\":\"here I am\""),
        SAY(DAN, "02", "agent_presence", ",\"status\":\"working\",\"specialties\":[\"c\"]"),
        {.kind = LEAVES, .who = BOB},
        SAY(ADA, "03", "mention_route", TO_BOB SAID),
        SAY(DAN, "04", "mention_route", TO_BOB SAID),
        SAY_NO(ADA, "05", "mention_route", TO_BOB SAID, "mailbox_full"),
        {.kind = RESUMES, .who = BOB},
        SAY(BOB, "06", "mention_ack", OF("03", "seen")),
        SAY(BOB, "07", "agent_list", ""),
        {.kind = LEAVES, .who = BOB},
        {.kind = JOINS, .who = BOB}, /* what he has not seen comes again */
        SAY(BOB, "08", "mention_ack", OF("04", "failed")),
    };
    static const saga told = {"mailboxes", CAST, .present = 2, small_mailboxes, LINES(lines)};
    saga_tell(&told);
}

static void few_records(wsm_config *config) {
    config->snapshot_records = 4;
}

static void a_hub_comes_back_with_what_nobody_has_seen(void **state) {
    (void)state;
    static const line lines[] = {
        {.kind = LEAVES, .who = BOB},
        SAY(ADA, "01", "mention_route", ",\"target_agents\":[\"bob\",\"cleo\"]" SAID),
        SAY(ADA, "02", "memory_update", ",\"exchange\":\"@bob, later\",\"cause\":\"" SAGA_ID("01") "\""),
        SAY(CLEO, "03", "mention_ack", OF("01", "working") ",\"lease_seconds\":600"),
        {.kind = CRASHES},
        SAY(CLEO, "04", "mention_route", TO_BOB SAID ",\"cause\":\"" SAGA_ID("02") "\""),
        {.kind = RESTARTS},
        {.kind = JOINS, .who = BOB},
        SAY(BOB, "05", "mention_ack", OF("01", "seen")),
        SAY(BOB, "06", "mention_ack", OF("04", "replied")),
        SAY(ADA, "02", "memory_update", ",\"exchange\":\"@bob, later\",\"cause\":\"" SAGA_ID("01") "\""),
    };
    static const saga told = {"a restart", CAST, .present = 3, few_records, LINES(lines)};
    saga_tell(&told);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agents_are_called_and_answer),
        cmocka_unit_test(leases_end_and_mentions_grow_too_old),
        cmocka_unit_test(who_is_away_finds_them_and_a_full_mailbox_is_told),
        cmocka_unit_test(a_hub_comes_back_with_what_nobody_has_seen),
    };
    return cmocka_run_group_tests(tests, NULL, story_report);
}
