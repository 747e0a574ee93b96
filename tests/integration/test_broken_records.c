/* A record breaks in the store between two lives of a hub: it becomes a gap, and nothing else changes. Records behind
 * it keep their numbers, what was void stays void, what took effect twice has taken effect twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "held_log.h"
#include "hub_world.h"
#include "side_talk.h"

#define EPOCH "00000000000000aa"
#define ID(n) "11111111-0000-7000-8000-00000000000" n

typedef struct story {
    hub_world world;
    held_log log;
    peer *ada;
} story;

/* A life is at hand, the first or the next; it may get limits of its own before it begins. */
static void life(story *s) {
    if (s->world.hub) {
        world_end(&s->world);
        assert_int_equal(s->world.mem.live, 0);
    }
    world_init_again(&s->world);
}

static void begin(story *s) {
    wsm_log log = held_log_of(&s->log);
    assert_int_equal(world_start(&s->world, &log), 0);
}

/* Ada comes, for the first time or again: her card is kept at once. */
static void ada_joins(story *s) {
    s->log.at_once = 1;
    s->ada = world_join(&s->world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&s->world, 5);
    s->log.at_once = 0;
}

static void first_life(story *s) {
    life(s);
    begin(s);
    ada_joins(s);
}

static void next_life(story *s) {
    life(s);
    begin(s);
}

static void end(story *s) {
    world_end(&s->world);
    assert_int_equal(s->world.mem.live, 0);
    held_log_free(&s->log);
}

static void say(story *s, const char *id, const char *what) {
    peer_say(s->ada, "{\"type\":\"memory_update\",\"message_id\":\"%s\",\"exchange\":\"%s\"}", id, what);
}

static void keep(story *s) {
    held_log_keep(&s->log);
    world_run(&s->world, 1);
}

static void say_and_keep(story *s, const char *id, const char *what) {
    say(s, id, what);
    keep(s);
}

/* The log says that it has failed, and yet has kept it. */
static void say_and_seem_to_fail(story *s, const char *id, const char *what) {
    say(s, id, what);
    held_log_fail_but_keep(&s->log);
    world_run(&s->world, 1);
}

/* What somebody reads who comes from the very beginning: offset and number of each update, gaps by their offset. */
static void assert_history(story *s, const char *expected) {
    char seen[2048] = "";
    peer *bob = world_join(&s->world, "bob", WSM_PERMISSION_OBSERVER, EPOCH, 0);
    world_run(&s->world, 10);
    for (const char *line = bob->text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        unsigned offset, seq;
        char part[160], what[32];
        const char *exchange = strstr(line, "\"exchange\":\"");
        if (sscanf(line, "{\"type\":\"memory_update\",\"offset\":%u,\"seq\":%u,", &offset, &seq) == 2) {
            assert_int_equal(sscanf(exchange, "\"exchange\":\"%31[^\"]", what), 1);
            snprintf(part, sizeof part, "%u:%u %s, ", offset, seq, what);
            strcat(seen, part);
        } else if (strncmp(line, "{\"type\":\"gap\"", 13) == 0) {
            assert_int_equal(sscanf(strstr(line, "\"from_offset\":"), "\"from_offset\":%u", &offset), 1);
            snprintf(part, sizeof part, "%u gone, ", offset);
            strcat(seen, part);
        }
    }
    assert_string_equal(seen, expected);
    peer_leave(bob);
}

/* ---- numbers --------------------------------------------------------------------------------------------------------
 */

/* Two are under way; the first fails. The second expected a number that it did not get. A card breaks, which has none:
 * the difference is not its. */
static void a_number_that_was_never_given_is_not_the_broken_records(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_keep(&s, ID("1"), "one");
    s.log.at_once = 1;
    world_join(&s.world, "eve", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&s.world, 5);
    s.log.at_once = 0;
    say(&s, ID("2"), "two");
    say(&s, ID("3"), "three");
    held_log_fail(&s.log);
    keep(&s);
    say_and_keep(&s, ID("4"), "four");
    assert_history(&s, "2:1 one, 4:2 three, 5:3 four, ");
    held_log_break(&s.log, 3);
    next_life(&s);
    assert_history(&s, "2:1 one, 3 gone, 4:2 three, 5:3 four, ");
    end(&s);
}

/* The broken one was void, and those behind it had expected that it would not be. */
static void a_broken_record_that_was_void_leaves_no_hole(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_seem_to_fail(&s, ID("1"), "one");
    say(&s, ID("1"), "one");
    say(&s, ID("2"), "two");
    keep(&s); /* "one", which was kept after all, and its repeat */
    keep(&s);
    say_and_keep(&s, ID("3"), "three");
    assert_history(&s, "2:1 one, 4:2 two, 5:3 three, ");
    held_log_break(&s.log, 3);
    next_life(&s);
    assert_history(&s, "2:1 one, 3 gone, 4:2 two, 5:3 three, ");
    ada_joins(&s);
    say_and_keep(&s, ID("4"), "four");
    assert_history(&s, "2:1 one, 3 gone, 4:2 two, 5:3 three, 6:4 four, ");
    end(&s);
}

/* Nobody has told, but the head of the last one knows where its context stood, and what was under way beside it. */
static void the_last_record_keeps_its_number_untold(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_keep(&s, ID("1"), "one");
    say_and_keep(&s, ID("2"), "two");
    say_and_seem_to_fail(&s, ID("3"), "three");
    say_and_keep(&s, ID("4"), "four");
    assert_history(&s, "2:1 one, 3:2 two, 4:3 three, 5:4 four, ");
    held_log_break(&s.log, 3);
    held_log_break(&s.log, 4);
    next_life(&s);
    assert_history(&s, "2:1 one, 3 gone, 4 gone, 5:4 four, ");
    end(&s);
}

static void a_number_that_was_shown_is_not_given_again(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_keep(&s, ID("1"), "one");
    say_and_keep(&s, ID("2"), "two");
    held_log_break(&s.log, 3);
    next_life(&s);
    ada_joins(&s);
    say_and_keep(&s, ID("3"), "three");
    say_and_keep(&s, ID("4"), "four");
    assert_history(&s, "2:1 one, 3 gone, 4:3 three, 5:4 four, ");
    held_log_break(&s.log, 2); /* and what the second life has counted stands in the third, too */
    next_life(&s);
    assert_history(&s, "2 gone, 3 gone, 4:3 three, 5:4 four, ");
    end(&s);
}

/* The broken one may have been of either context: whichever goes on first, the other's numbers stay free, too. */
static void each_context_leaves_the_number_of_the_broken_one_free(void **state) {
    (void)state;
    story s = {0};
    char id[SIDE_ID];
    first_life(&s);
    s.log.at_once = 1;
    side_spawn(s.ada, "\"ada\"", "", id);
    for (int i = 0; i < 2; i++) peer_ask(s.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"aside\"", id);
    assert_true(line_is(peer_last(s.ada, "aside"), "seq", "3")); /* the first one began it */
    held_log_break(&s.log, s.log.kept.count);
    next_life(&s);
    ada_joins(&s);
    s.log.at_once = 1;
    peer_ask(s.ada, "memory_update", "\"exchange\":\"to all\"");
    peer_ask(s.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"aside again\"", id);
    assert_true(line_is(peer_last(s.ada, "aside again"), "seq", "4"));
    end(&s);
}

/* ---- ids ------------------------------------------------------------------------------------------------------------
 */

static void a_repeat_stays_void_when_the_first_one_breaks(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_seem_to_fail(&s, ID("1"), "one");
    say_and_keep(&s, ID("1"), "one");
    say_and_keep(&s, ID("2"), "two");
    assert_history(&s, "2:1 one, 4:2 two, ");
    held_log_break(&s.log, 2);
    next_life(&s);
    assert_history(&s, "2 gone, 4:2 two, ");
    end(&s);
}

/* The table holds two ids a sender, so the first is forgotten by the third. */
static void an_id_that_took_effect_twice_has_done_so_without_the_record_that_pushed_it_out(void **state) {
    (void)state;
    story s = {0};
    life(&s);
    s.world.config.dedup_ids_max = 2;
    begin(&s);
    ada_joins(&s);
    say_and_keep(&s, ID("1"), "one");
    say_and_keep(&s, ID("2"), "two");
    say_and_keep(&s, ID("3"), "three");
    say_and_keep(&s, ID("1"), "one");
    assert_history(&s, "2:1 one, 3:2 two, 4:3 three, 5:4 one, ");
    held_log_break(&s.log, 3);
    life(&s);
    s.world.config.dedup_ids_max = 2;
    begin(&s);
    assert_history(&s, "2:1 one, 3 gone, 4:3 three, 5:4 one, ");
    end(&s);
}

/* ---- cards ----------------------------------------------------------------------------------------------------------
 */

/* The offset of somebody's first card. */
static uint64_t card_of(const story *s, const char *name) {
    char part[80];
    snprintf(part, sizeof part, "\"agent_id\":\"%s\"", name);
    for (size_t i = 0; i < s->log.kept.count; i++) {
        const wsm_record *record = &s->log.kept.records[i];
        char *text = calloc(1, record->len + 1);
        assert_non_null(text);
        memcpy(text, record->bytes, record->len);
        int is_it = strstr(text, "\"type\":\"agent_card\"") && strstr(text, part);
        free(text);
        if (is_it) return i + 1;
    }
    fail_msg("%s has no card", name);
    return 0;
}

static void break_card(story *s, const char *name) {
    held_log_break(&s->log, card_of(s, name));
}

/* Ada, and bob, whose cards are kept, and all that follows at once. Bob has gone again. */
static void two_in_the_log(story *s) {
    first_life(s);
    s->log.at_once = 1;
    peer *bob = world_join(&s->world, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&s->world, 5);
    peer_leave(bob);
}

static void next_life_at_once(story *s) {
    next_life(s);
    s->log.at_once = 1;
}

static peer *join(story *s, const char *name) {
    peer *p = world_join(&s->world, name, WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&s->world, 10);
    return p;
}

/* By an update, and by a mention: whom they call they have called. */
static void who_was_called_is_called_though_his_card_has_broken(void **state) {
    (void)state;
    story s = {0};
    two_in_the_log(&s);
    assert_string_equal(answer_of(peer_ask(s.ada, "memory_update", "\"exchange\":\"@bob, look\"")), "ack");
    assert_string_equal(
        answer_of(peer_ask(s.ada, "mention_route", "\"target_agents\":[\"bob\"],\"message\":\"and here\"")), "ack");
    break_card(&s, "bob");
    next_life_at_once(&s);
    peer *bob = join(&s, "bob");
    assert_int_equal(peer_count(bob, "@bob, look"), 1);
    assert_int_equal(peer_count(bob, "and here"), 1);
    end(&s);
}

static void call_bob(story *s, char id[40]) {
    const char *answer = peer_ask(s->ada, "mention_route", "\"target_agents\":[\"bob\"],\"message\":\"look\"");
    assert_string_equal(answer_of(answer), "ack");
    snprintf(id, 40, "%s", line_get(answer, "original_message_id"));
}

/* He hears what becomes of it, and an answer that says whose it is finds it. */
static void who_has_called_is_known_though_his_card_has_broken(void **state) {
    (void)state;
    story s = {0};
    char id[40];
    two_in_the_log(&s);
    call_bob(&s, id);
    break_card(&s, "ada");
    next_life_at_once(&s);
    peer *bob = join(&s, "bob");
    assert_int_equal(peer_count(bob, "look"), 1);
    s.ada = join(&s, "ada");
    const char *answer =
        peer_ask(bob, "mention_ack", "\"mention_id\":\"%s\",\"mention_sender\":\"ada\",\"state\":\"replied\"", id);
    assert_string_equal(answer_of(answer), "ack");
    assert_true(line_is(peer_last(s.ada, "\"type\":\"mention_status\""), "state", "replied"));
    end(&s);
}

/* An answer was the last word on a mention, and is again when the mailbox is filled anew. */
static void an_answer_holds_though_the_card_of_who_gave_it_has_broken(void **state) {
    (void)state;
    story s = {0};
    char id[40];
    two_in_the_log(&s);
    call_bob(&s, id);
    peer *bob = join(&s, "bob");
    const char *answer = peer_ask(bob, "mention_ack", "\"mention_id\":\"%s\",\"state\":\"declined\"", id);
    assert_string_equal(answer_of(answer), "ack");
    break_card(&s, "bob");
    break_card(&s, "ada");
    next_life_at_once(&s);
    bob = join(&s, "bob");
    assert_int_equal(peer_count(bob, "look"), 0);
    end(&s);
}

/* What his card alone said is gone until he comes. */
static void whose_card_has_broken_brings_what_it_said_himself(void **state) {
    (void)state;
    static const char to_role[] = "\"target_agents\":[\"role:sql\"],\"message\":\"which index?\"";
    story s = {0};
    first_life(&s);
    s.log.at_once = 1;
    world_join_skilled(&s.world, "bob", "sql");
    world_run(&s.world, 5);
    peer_ask(s.ada, "memory_update", "\"exchange\":\"@bob, look\"");
    break_card(&s, "bob");
    next_life_at_once(&s);
    wsm_claims ada = world_claims(&s.world, "ada");
    ada.can = WSM_CAN_MENTION_ALL;
    s.ada = world_join_as(&s.world, &ada, NULL, 0);
    world_run(&s.world, 5);
    assert_string_equal(answer_of(peer_ask(s.ada, "mention_route", "%s", to_role)), "unknown_agent");
    peer *bob = world_join_skilled(&s.world, "bob", "sql");
    world_run(&s.world, 10);
    assert_string_equal(answer_of(peer_ask(s.ada, "mention_route", "%s", to_role)), "ack");
    assert_int_equal(peer_count(bob, "which index?"), 1);
    end(&s);
}

/* Who began it, who was in it from the beginning, who came later, and who leads it. */
static void a_sidebar_keeps_its_members_though_their_cards_have_broken(void **state) {
    (void)state;
    story s = {0};
    char id[SIDE_ID];
    two_in_the_log(&s);
    peer *bob = join(&s, "bob"), *cy = join(&s, "cy");
    side_spawn(s.ada, "\"ada\",\"bob\"", ",\"coordinator_agent\":\"bob\"", id);
    peer_ask(s.ada, "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"cy\"]", id);
    assert_string_equal(answer_of(peer_ask(cy, "sidebar_join", "\"sidebar_id\":\"%s\"", id)), "ack");
    peer_ask(cy, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"here I am\"", id);
    peer_ask(bob, "sidebar_pause", "\"sidebar_id\":\"%s\",\"reason\":\"tea\"", id);
    static const char *const names[] = {"ada", "bob", "cy"};
    for (size_t i = 0; i < 3; i++) break_card(&s, names[i]);
    next_life_at_once(&s);
    s.ada = join(&s, "ada");
    peer_ask(s.ada, "context_request", "\"context_id\":\"%s\"", id);
    const char *answer = peer_last(s.ada, "\"type\":\"context_snapshot\"");
    assert_non_null(answer);
    assert_true(line_is(answer, "context.status", "paused"));
    assert_true(line_is(answer, "context.participants", "[\"ada\",\"bob\",\"cy\"]"));
    assert_true(line_is(answer, "context.coordinator_agent", "bob"));
    assert_true(line_is(answer, "context.local_memory.offsets", "[4,5,6,7]"));
    end(&s);
}

/* ---- how it is told -------------------------------------------------------------------------------------------------
 */

/* The life that saw the repeat appends nothing more. The next one begins with its snapshot, and its heads tell; the one
 * after that has to do without the snapshot. */
static void what_one_life_could_not_tell_the_next_one_does(void **state) {
    (void)state;
    story s = {0};
    life(&s);
    s.world.config.snapshot_records = 4;
    begin(&s);
    ada_joins(&s);
    say_and_keep(&s, ID("1"), "one");
    say_and_seem_to_fail(&s, ID("2"), "two");
    say_and_keep(&s, ID("2"), "two");
    assert_true(s.log.kept.snapshot_offset > 0);
    next_life(&s);
    ada_joins(&s);
    say_and_keep(&s, ID("3"), "three");
    assert_history(&s, "2:1 one, 3:2 two, 5:3 three, ");
    held_log_break(&s.log, 3);
    s.log.kept.no_snapshots = 1;
    next_life(&s);
    assert_history(&s, "2:1 one, 3 gone, 5:3 three, ");
    end(&s);
}

/* Of eight heads that tell any seven may break. */
static void the_heads_that_tell_may_break_too(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_seem_to_fail(&s, ID("1"), "one");
    say_and_keep(&s, ID("1"), "one");
    for (char n[] = "2"; *n <= '9'; (*n)++) { /* eight of them, at 4 to 11 */
        char id[40];
        snprintf(id, sizeof id, ID("%s"), n);
        say_and_keep(&s, id, n);
    }
    held_log_break(&s.log, 2);
    for (uint64_t o = 4; o <= 10; o++) held_log_break(&s.log, o);
    next_life(&s);
    assert_history(&s, "2 gone, 4 gone, 5 gone, 6 gone, 7 gone, 8 gone, 9 gone, 10 gone, 11:9 9, ");
    end(&s);
}

/* Ada's card and her first word are under way at once, and the card breaks. Until something vouches for the word, it
 * may be that two numbers are taken; what is said then gets the third. It keeps that to itself when it has broken,
 * though the next life knows for sure which number the first word has. */
static void a_number_that_was_left_free_once_stays_free(void **state) {
    (void)state;
    story s = {0};
    life(&s);
    begin(&s);
    s.ada = world_join(&s.world, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&s.world, 5);
    say(&s, ID("1"), "one");
    keep(&s);
    keep(&s);
    assert_history(&s, "2:1 one, ");
    held_log_break(&s.log, 1);
    next_life(&s);
    ada_joins(&s); /* by a card at 3 */
    say_and_keep(&s, ID("2"), "two");
    assert_history(&s, "1 gone, 2:1 one, 4:3 two, ");
    held_log_break(&s.log, 4);
    next_life(&s);
    ada_joins(&s);
    say_and_keep(&s, ID("3"), "three");
    assert_history(&s, "1 gone, 2:1 one, 4 gone, 5:4 three, ");
    end(&s);
}

/* All eight have broken. The ninth is silent because enough have told, and not because there is nothing to tell: what
 * is at 5 had expected the number of what is at 4, whose append was said to have failed. */
static void silence_says_nothing_when_all_that_told_have_broken(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_keep(&s, ID("1"), "one");
    say_and_keep(&s, ID("2"), "two");
    say_and_seem_to_fail(&s, ID("3"), "three");
    say_and_keep(&s, ID("4"), "four");
    for (const char *n = "56789abcd"; *n; n++) { /* at 6 to 14 */
        char id[40];
        snprintf(id, sizeof id, "11111111-0000-7000-8000-00000000000%c", *n);
        say_and_keep(&s, id, (const char[]){*n, 0});
    }
    for (uint64_t o = 6; o <= 13; o++) held_log_break(&s.log, o);
    next_life(&s);
    assert_history(&s, "2:1 one, 3:2 two, 4:3 three, 5:4 four, 6 gone, 7 gone, 8 gone, 9 gone, 10 gone, 11 gone, "
                       "12 gone, 13 gone, 14:13 d, ");
    held_log_break(&s.log, 4);
    next_life(&s);
    assert_history(&s, "2:1 one, 3:2 two, 4 gone, 5:4 four, 6 gone, 7 gone, 8 gone, 9 gone, 10 gone, 11 gone, "
                       "12 gone, 13 gone, 14:13 d, ");
    end(&s);
}

/* A log that delivers bit by bit: what comes behind the broken record waits for the head that tells of it. */
static void what_is_behind_a_broken_record_waits_for_a_later_head(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_keep(&s, ID("1"), "one");
    say_and_keep(&s, ID("2"), "two");
    say_and_keep(&s, ID("3"), "three");
    say_and_keep(&s, ID("4"), "four");
    held_log_break(&s.log, 3);
    s.log.loads_to = 2;
    next_life(&s);
    world_run(&s.world, 1);
    assert_int_equal(wsm_hub_position(s.world.hub, NULL), 2); /* nothing is broken yet, and nobody waits */
    held_log_load(&s.log, 3);
    world_run(&s.world, 1);
    assert_int_equal(wsm_hub_position(s.world.hub, NULL), 2); /* it may have been void */
    held_log_load(&s.log, 4);
    world_run(&s.world, 1);
    assert_int_equal(wsm_hub_position(s.world.hub, NULL), 3);
    assert_false(wsm_hub_is_ready(s.world.hub));
    held_log_load(&s.log, 5);
    world_run(&s.world, 1);
    assert_true(wsm_hub_is_ready(s.world.hub)); /* and nobody vouches for the last one */
    assert_history(&s, "2:1 one, 3 gone, 4:3 three, 5:4 four, ");
    end(&s);
}

/* As an older writer would have written it: its heads have no "at". */
static void make_old(story *s) {
    for (size_t i = 0; i < s->log.kept.count; i++) {
        wsm_record *record = &s->log.kept.records[i];
        char *bytes = (char *)(uintptr_t)record->bytes, *at = NULL;
        for (size_t k = 0; k + 5 < record->len && bytes[k] != '\n' && !at; k++)
            if (memcmp(bytes + k, ",\"at\":", 6) == 0) at = bytes + k;
        assert_non_null(at);
        size_t cut = 6 + strspn(at + 6, "0123456789");
        memmove(at, at + cut, record->len - (size_t)(at - bytes) - cut);
        record->len -= cut;
    }
}

/* The heads of an older writer tell nothing: what is behind the broken one waits for the end, and counts as it did. */
static void a_log_of_an_older_writer_loads_though_nobody_vouches(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_keep(&s, ID("1"), "one");
    say_and_keep(&s, ID("2"), "two");
    say_and_keep(&s, ID("3"), "three");
    make_old(&s);
    held_log_break(&s.log, 3);
    next_life(&s);
    assert_history(&s, "2:1 one, 3 gone, 4:3 three, ");
    ada_joins(&s);
    say_and_keep(&s, ID("4"), "four");
    assert_history(&s, "2:1 one, 3 gone, 4:3 three, 5:4 four, ");
    end(&s);
}

static void say_large(story *s, const char *context, int bytes) {
    char *text = malloc((size_t)bytes + 300);
    assert_non_null(text);
    int len =
        sprintf(text, "{\"type\":\"memory_update\",\"context_id\":\"%s\",\"exchange\":\"%0*d\"}", context, bytes, 0);
    wsm_conn_recv(s->ada->conn, text, (size_t)len);
    free(text);
    keep(s);
}

/* A log that brings the rest record by record, and what is refused again: how often it was, at the most `most` times.
 */
static int bring_the_rest(story *s, int most) {
    int refused = 0;
    while (s->log.loaded < s->log.kept.count && refused < most) {
        bool is_taken = wsm_log_deliver(s->world.hub, &s->log.kept.records[s->log.loaded], 1) == 0;
        s->log.loaded += is_taken;
        refused += !is_taken;
        world_run(&s->world, 30);
    }
    return refused;
}

/* What waits must not fill the memory that the rest of the log needs to come in. */
static void what_waits_makes_room_when_the_budget_has_none(void **state) {
    (void)state;
    story s = {0};
    life(&s);
    s.world.config.queue_bytes_max = 0;
    begin(&s);
    ada_joins(&s);
    say_and_keep(&s, ID("1"), "one");
    for (int i = 0; i < 12; i++) say_large(&s, "main", 100000);
    make_old(&s);
    held_log_break(&s.log, 2);
    life(&s);
    s.world.config.memory_budget_bytes = 700000;
    s.world.config.history_records_max = 1;
    s.log.loads_to = 1;
    begin(&s);
    assert_int_equal(bring_the_rest(&s, 1000), 0);
    assert_int_equal(wsm_hub_position(s.world.hub, NULL), s.log.kept.count); /* though nothing says that it is all */
    held_log_load(&s.log, s.log.kept.count);
    world_run(&s.world, 100);
    assert_true(wsm_hub_is_ready(s.world.hub));
    end(&s);
}

/* Behind the broken one two wait, and fill the memory to the last hundred bytes: it has room for neither another record
 * nor the word that there is none. */
static void what_waits_makes_room_for_the_last_word(void **state) {
    (void)state;
    for (int last = 30000; last < 38000; last += 100) {
        char side[SIDE_ID];
        story s = {0};
        life(&s);
        s.world.config.sidebars_per_min = 20;
        s.world.config.queue_bytes_max = 0;
        begin(&s);
        ada_joins(&s);
        for (int i = 0; i < 11; i++) { /* the newest of each context stays in memory */
            s.log.at_once = 1;
            side_spawn(s.ada, "", "", side);
            s.log.at_once = 0;
            say_large(&s, side, 50000);
        }
        say_and_keep(&s, ID("1"), "one");
        say_large(&s, "main", 10000);
        say_large(&s, "main", last);
        make_old(&s);
        held_log_break(&s.log, s.log.kept.count - 2);
        life(&s);
        s.world.config.memory_budget_bytes = 700000;
        s.log.loads_to = 1;
        begin(&s);
        assert_in_range(bring_the_rest(&s, 100), 0, 10);
        wsm_log_info info;
        wsm_log_info_init(&info, sizeof info);
        info.epoch = EPOCH;
        info.first_offset = 1;
        info.last_offset = s.log.kept.count;
        assert_int_equal(wsm_log_ready(s.world.hub, &info, 0), 0);
        world_run(&s.world, 100);
        assert_true(wsm_hub_is_ready(s.world.hub));
        end(&s);
    }
}

/* Main is in memory with its broken one; of the mentions behind it some are not. The store, which has let go by itself,
 * is asked for those and brings nothing: what it lacks is told, and so is what is broken in between. */
static void a_broken_record_is_told_of_also_where_the_store_brings_nothing(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_keep(&s, ID("1"), "one");
    say_and_keep(&s, ID("2"), "two");
    say_and_keep(&s, ID("3"), "three");
    s.log.at_once = 1;
    peer *bob = world_join(&s.world, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    world_run(&s.world, 5);
    peer_leave(bob);
    for (int i = 0; i < 5; i++) {
        peer_say(s.ada, "{\"type\":\"mention_route\",\"target_agents\":[\"bob\"],\"message\":\"look\"}");
        world_run(&s.world, 1);
    }
    assert_int_equal(s.log.kept.count, 10); /* two cards, three updates, five mentions */
    held_log_break(&s.log, 3);
    life(&s);
    s.world.config.history_records_max = 3;
    begin(&s);
    s.log.kept.trimmed = 7;
    assert_history(&s, "2:1 one, 3 gone, 4:3 three, ");
    assert_true(s.log.kept.reads > 0);
    end(&s);
}

/* Whoever is let in with the history is told what of it is gone, as one who resumes is, wherever it is read from. A gap
 * never claims numbers that still come. */
static void a_history_tells_of_a_broken_record(uint32_t kept_in_memory, const char *to_seq) {
    story s = {0};
    char id[SIDE_ID];
    first_life(&s);
    s.log.at_once = 1;
    world_join(&s.world, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    side_spawn(s.ada, "\"ada\"", "", id);
    for (int i = 2; i <= 4; i++) peer_ask(s.ada, "memory_update", "\"context_id\":\"%s\",\"exchange\":\"piece\"", id);
    held_log_break(&s.log, s.log.kept.count - 1);
    life(&s);
    s.world.config.history_records_max = kept_in_memory;
    begin(&s);
    ada_joins(&s);
    s.log.at_once = 1;
    peer *bob = world_join(&s.world, "bob", WSM_PERMISSION_ACTIVE, NULL, 0);
    peer_ask(s.ada, "sidebar_invite", "\"sidebar_id\":\"%s\",\"agent_ids\":[\"bob\"],\"history\":\"all\"", id);
    peer_ask(bob, "sidebar_join", "\"sidebar_id\":\"%s\",\"history\":\"all\"", id);
    world_run(&s.world, 10);
    assert_int_equal(peer_count(bob, "piece"), 2);
    assert_int_equal(peer_count(bob, "\"type\":\"gap\""), 1);
    const char *gap = peer_last(bob, "\"type\":\"gap\"");
    assert_true(line_is(gap, "context_id", id));
    assert_true(line_is(gap, "reason", "corrupt"));
    assert_true(line_is(gap, "to_seq", to_seq));
    end(&s);
}

static void a_history_from_memory_tells_of_a_broken_record(void **state) {
    (void)state;
    a_history_tells_of_a_broken_record(1000, "3");
}

static void a_history_from_the_store_tells_of_a_broken_record(void **state) {
    (void)state;
    a_history_tells_of_a_broken_record(1, "");
}

/* Lives that load what there is, each with another allocation that fails, until one has none to fail. */
static void load_without_memory(story *s, void (*check)(story *s)) {
    int failed = 1, lives = 0;
    for (size_t n = 1; failed; n++) {
        life(s);
        s->log.loads_to = 1;
        begin(s); /* what fails in here is told by wsm_hub_new, not by the log */
        s->world.mem.fail_at = s->world.mem.calls + n;
        for (uint64_t to = 2; to <= s->log.kept.count; to++) {
            held_log_load(&s->log, to);
            world_run(&s->world, 50);
        }
        failed = test_mem_has_failed(&s->world.mem);
        s->world.mem.fail_at = 0;
        world_run(&s->world, 1000);
        check(s);
        lives++;
    }
    assert_true(lives > 5);
}

static void check_history(story *s) {
    assert_history(s, "2 gone, 4:2 two, 5:3 three, ");
}

static void a_start_over_broken_records_bears_any_allocation_that_fails(void **state) {
    (void)state;
    story s = {0};
    first_life(&s);
    say_and_seem_to_fail(&s, ID("1"), "one");
    say_and_keep(&s, ID("1"), "one");
    say_and_keep(&s, ID("2"), "two");
    say_and_keep(&s, ID("3"), "three");
    held_log_break(&s.log, 2);
    load_without_memory(&s, check_history);
    end(&s);
}

static void check_call(story *s) {
    assert_int_equal(peer_count(join(s, "bob"), "look"), 1);
}

static void a_start_over_a_broken_card_bears_any_allocation_that_fails(void **state) {
    (void)state;
    story s = {0};
    char id[40];
    two_in_the_log(&s);
    call_bob(&s, id);
    break_card(&s, "bob");
    load_without_memory(&s, check_call);
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_that_was_never_given_is_not_the_broken_records),
        cmocka_unit_test(a_broken_record_that_was_void_leaves_no_hole),
        cmocka_unit_test(the_last_record_keeps_its_number_untold),
        cmocka_unit_test(a_number_that_was_shown_is_not_given_again),
        cmocka_unit_test(each_context_leaves_the_number_of_the_broken_one_free),
        cmocka_unit_test(a_repeat_stays_void_when_the_first_one_breaks),
        cmocka_unit_test(an_id_that_took_effect_twice_has_done_so_without_the_record_that_pushed_it_out),
        cmocka_unit_test(who_was_called_is_called_though_his_card_has_broken),
        cmocka_unit_test(who_has_called_is_known_though_his_card_has_broken),
        cmocka_unit_test(an_answer_holds_though_the_card_of_who_gave_it_has_broken),
        cmocka_unit_test(whose_card_has_broken_brings_what_it_said_himself),
        cmocka_unit_test(a_sidebar_keeps_its_members_though_their_cards_have_broken),
        cmocka_unit_test(what_one_life_could_not_tell_the_next_one_does),
        cmocka_unit_test(the_heads_that_tell_may_break_too),
        cmocka_unit_test(a_number_that_was_left_free_once_stays_free),
        cmocka_unit_test(silence_says_nothing_when_all_that_told_have_broken),
        cmocka_unit_test(what_is_behind_a_broken_record_waits_for_a_later_head),
        cmocka_unit_test(a_log_of_an_older_writer_loads_though_nobody_vouches),
        cmocka_unit_test(what_waits_makes_room_when_the_budget_has_none),
        cmocka_unit_test(what_waits_makes_room_for_the_last_word),
        cmocka_unit_test(a_broken_record_is_told_of_also_where_the_store_brings_nothing),
        cmocka_unit_test(a_history_from_memory_tells_of_a_broken_record),
        cmocka_unit_test(a_history_from_the_store_tells_of_a_broken_record),
        cmocka_unit_test(a_start_over_broken_records_bears_any_allocation_that_fails),
        cmocka_unit_test(a_start_over_a_broken_card_bears_any_allocation_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
