/* See saga.h. */
#include "saga.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_world.h"
#include "malloc_fault.h"
#include "saga_text.h"

#define CAST_MAX  6
#define SIDES_MAX 10
#define SIDE_CAP  64
#define N_MAX     20000 /* allocations in one line: more is a mistake of the test */
#define SOON_MS   1500  /* whatever lacked memory for a message is tried again within this time */
#define LATER_MS  15000 /* and what the hub does by itself within this */

/* One telling. */
typedef struct telling {
    const saga *told;
    size_t at, n;             /* the line and its allocation; n 0: in peace */
    size_t fault_at, fault_n; /* where it is told with a fault */
    fault_mode mode;
    fault_world *world;
    int peer[CAST_MAX]; /* whose connection is which; -1: away */
    uint64_t left_at[CAST_MAX];
    char side[SIDES_MAX][SIDE_CAP];
    uint64_t before; /* position before the line */
    size_t heard;    /* bytes that its speaker had heard before */
} telling;

static char in_peace[SAGA_TEXT_MAX], here[SAGA_TEXT_MAX];

/* ---- blame ----------------------------------------------------------------------------------------------------------
 */

static void blame(const telling *t, const char *what, const char *more) {
    const line *l = &t->told->lines[t->at < t->told->count ? t->at : t->told->count - 1];
    fault_disarm();
    fprintf(stderr, "%s, line %zu of %zu (%s %s), in line %zu allocation %zu %s: %s\n%s\n", t->told->name, t->at + 1,
            t->told->count, l->type ? l->type : "", l->id ? l->id + strlen(l->id) - 2 : "", t->fault_at + 1, t->fault_n,
            t->mode == FAULT_ONCE ? "fails once" : "and all after it fail", what, more ? more : "");
    fail_msg("see above");
}

static void blame_for(const telling *t, const char *what, const char *expected, const char *found) {
    size_t at = 0, begin = 0;
    fault_disarm();
    for (; expected[at] && expected[at] == found[at]; at++)
        if (expected[at] == '\n' || at - begin > 200) begin = at + 1;
    fprintf(stderr, "---- expected:\n%.600s\n---- found:\n%.600s\n", expected + begin, found + begin);
    blame(t, what, NULL);
}

/* ---- who is where ---------------------------------------------------------------------------------------------------
 */

static hub_world *hub_of(const telling *t) {
    return &t->world->hub;
}

static peer *peer_of(const telling *t, int who) {
    return t->peer[who] < 0 ? NULL : &hub_of(t)->peers[t->peer[who]];
}

static int join(telling *t, int who, bool resumes, uint64_t after) {
    char epoch[17];
    wsm_hub_position(hub_of(t)->hub, epoch);
    int err = fault_join(t->world, t->told->cast[who], WSM_PERMISSION_ACTIVE, resumes ? epoch : NULL, after);
    if (!err) t->peer[who] = hub_of(t)->peers_count - 1;
    return err;
}

/* Time passes in peace, and the log says what it had no memory to say. */
static void settle(telling *t, uint64_t ms) {
    fault_keeper_later(&t->world->keeper);
    if (hub_of(t)->hub) world_run(hub_of(t), ms);
}

/* Whoever was closed for lack of memory comes back as he came; nobody may be closed for what another has said. */
static void bring_back(telling *t, const line *l) {
    for (int who = 0; who < CAST_MAX; who++) {
        peer *p = peer_of(t, who);
        if (!p || !p->gone) continue;
        if (t->n == 0) blame(t, "somebody was closed, in peace", t->told->cast[who]);
        if (p->code != 1013 && p->code != 0) blame(t, "a connection was closed, and not with 1013", NULL);
        if (l->kind == SAYS && who != l->who && p->code != 0)
            blame(t, "somebody was closed for another's input", t->told->cast[who]);
        bool is_first = l->who == who && l->kind == JOINS, is_late = l->who == who && l->kind == RESUMES;
        if (join(t, who, !is_first, is_late ? t->left_at[who] : t->before))
            blame(t, "who was closed cannot come back", t->told->cast[who]);
        settle(t, SOON_MS);
    }
}

/* ---- lines ----------------------------------------------------------------------------------------------------------
 */

static void fill(const telling *t, const line *l, char *out, size_t cap) {
    size_t len = (size_t)snprintf(out, cap, "{\"type\":\"%s\",\"message_id\":\"%s\"", l->type, l->id);
    for (const char *at = l->rest; *at && len + SIDE_CAP < cap; at++) {
        if (at[0] == '$' && at[1] >= '1' && at[1] <= '9')
            len += (size_t)snprintf(out + len, cap - len, "%s", t->side[*++at - '0']);
        else
            out[len++] = *at;
    }
    memcpy(out + len, "}", 2);
}

static int say(telling *t, const line *l) {
    char text[3000];
    peer *p = peer_of(t, l->who);
    fill(t, l, text, sizeof text);
    t->heard = p->len;
    int err = p->conn ? wsm_conn_recv(p->conn, text, strlen(text)) : 0;
    return err == WSM_ERR_CLOSED ? 0 : err;
}

static int submit(telling *t, const line *l) {
    char text[3000];
    fill(t, l, text, sizeof text);
    int err = wsm_submit(hub_of(t)->hub, NULL, text, strlen(text), t->at + 1);
    if (!err) wsm_hub_tick(hub_of(t)->hub);
    return err;
}

/* Its connections go with it. */
static void end_hub(telling *t) {
    wsm_hub_free(hub_of(t)->hub);
    hub_of(t)->hub = NULL;
    t->world->keeper.late_count = 0;
    for (int i = 0; i < hub_of(t)->peers_count; i++) hub_of(t)->peers[i].conn = NULL;
}

static int start_hub(telling *t) {
    int err = fault_world_start(t->world, 1);
    if (!err) world_run(hub_of(t), 40);
    return err;
}

static int act(telling *t, const line *l) {
    switch (l->kind) {
    case SAYS: return say(t, l);
    case SUBMITS: return submit(t, l);
    case JOINS: return join(t, l->who, false, 0);
    case RESUMES: return join(t, l->who, true, t->left_at[l->who]);
    case LEAVES:
        t->left_at[l->who] = t->before;
        peer_leave(peer_of(t, l->who));
        t->peer[l->who] = -1;
        return 0;
    case PASSES: world_run(hub_of(t), l->ms); return 0;
    case RESTARTS:
        wsm_hub_shutdown(hub_of(t)->hub, NULL);
        world_run(hub_of(t), 20000);
        end_hub(t);
        return start_hub(t);
    case CRASHES: end_hub(t); return start_hub(t);
    }
    return 0;
}

/* ---- answers --------------------------------------------------------------------------------------------------------
 */

/* The last answer that its speaker has got to it, "" if there is none yet; the word is ack, duplicate_ack, or a code.
 */
static void answer_to(const telling *t, const line *l, char *word, size_t cap, char *text, size_t text_cap) {
    char wanted[80], before[16] = "";
    const peer *p = peer_of(t, l->who);
    word[0] = text[0] = '\0';
    snprintf(wanted, sizeof wanted, "\"original_message_id\":\"%s\"", l->id);
    for (const char *at = p && p->text ? p->text + t->heard : NULL; at && *at; at = strchr(at, '\n') + 1) {
        const char *found = strstr(at, wanted), *end = strchr(at, '\n');
        if (!found || found > end) continue;
        if (text[0] && strcmp(before, "error") != 0) blame(t, "a second answer", at);
        snprintf(text, text_cap, "%.*s", (int)(end - at), at);
        saga_text_field(text, "type", before, sizeof before);
        saga_text_field(text, strcmp(before, "error") == 0 ? "code" : "type", word, cap);
    }
}

static int result_of(const telling *t) { /* the last word on the tag; 1: none yet */
    for (int i = hub_of(t)->results_count - 1; i >= 0; i--)
        if (hub_of(t)->results[i].tag == t->at + 1) return hub_of(t)->results[i].err;
    return 1;
}

static bool is_wanted(const line *l, const char *word) {
    if (l->want) return strcmp(word, l->want) == 0;
    return strcmp(word, "ack") == 0 || strcmp(word, "duplicate_ack") == 0;
}

/* An answer that is not that of peace asks to try again, and is said again; so is what got none because of a close. */
static void hear(telling *t, const line *l, bool was_closed) {
    char word[40], text[4096];
    answer_to(t, l, word, sizeof word, text, sizeof text);
    bool is_refused = word[0] && !is_wanted(l, word);
    if (is_refused && (t->n == 0 || !strstr(text, "\"retry\":\"after\"")))
        blame(t, "an answer that nobody wants", text);
    if (!word[0] && !was_closed) blame(t, "no answer", NULL);
    if (is_refused || !word[0]) {
        int err = say(t, l);
        settle(t, SOON_MS);
        answer_to(t, l, word, sizeof word, text, sizeof text);
        if (err || !is_wanted(l, word)) blame(t, "said again, it was answered otherwise", text);
        if (is_refused && strcmp(word, "duplicate_ack") == 0) blame(t, "it was refused and had an effect", text);
    }
    if (l->names && !saga_text_field(text, "sidebar_id", t->side[l->names], SIDE_CAP))
        blame(t, "the ack names no sidebar", text);
    if (l->tells && !strstr(text, l->tells)) blame(t, "the answer tells something else", text);
}

static void hear_result(telling *t, const line *l, int err) {
    int result = err ? err : result_of(t);
    if (result == WSM_ERR_NOMEM || result == WSM_ERR_BUSY) {
        if (t->n == 0 || submit(t, l)) blame(t, "the host cannot submit", NULL);
        settle(t, SOON_MS);
        result = result_of(t);
    }
    if (result) blame(t, "the host got no answer, or the wrong one", wsm_strerror(result));
}

/* What lacked memory is done later, or is said again. */
static void mend(telling *t, const line *l, int err) {
    bool is_down = l->kind == CRASHES || l->kind == RESTARTS;
    if (err && (err != WSM_ERR_NOMEM || t->n == 0)) blame(t, "it said something else", wsm_strerror(err));
    if (err && l->kind != SAYS && l->kind != SUBMITS && act(t, l)) blame(t, "again, with memory, it failed", NULL);
    settle(t, t->n == 0 ? 40 : l->kind == SAYS ? SOON_MS : LATER_MS);
    if (is_down && !wsm_hub_is_ready(hub_of(t)->hub)) blame(t, "the hub does not come back", NULL);
    for (int who = 0; is_down && who < CAST_MAX; who++)
        if (t->peer[who] >= 0 && join(t, who, true, t->before)) blame(t, "nobody can come back", NULL);
    if (is_down) settle(t, 40);
    bool was_closed = l->kind == SAYS && peer_of(t, l->who)->gone;
    if (was_closed) t->heard = 0;
    bring_back(t, l);
    if (l->kind == SAYS) hear(t, l, was_closed);
    if (l->kind == SUBMITS) hear_result(t, l, err);
}

/* ---- the end --------------------------------------------------------------------------------------------------------
 */

static void shut_down(fault_world *world) {
    wsm_hub_shutdown(world->hub.hub, NULL);
    world_run(&world->hub, 20000);
}

static fault_world *world_of(const saga *told) {
    fault_world *world = fault_world_new();
    world->keeper.is_harsh = true;
    if (told->tune) told->tune(&world->hub.config);
    return world;
}

/* Another hub folds the same records in peace: what it keeps of them is the same, to the byte. */
static void fold_anew(telling *t) {
    const keeper *log = &t->world->keeper;
    fault_world *other = world_of(t->told);
    other->keeper = *log;
    other->keeper.saved = 0;
    other->hub.wall = hub_of(t)->wall;
    if (fault_world_start(other, 1)) blame(t, "another hub does not load the log", NULL);
    world_run(&other->hub, 40);
    shut_down(other);
    const keeper *folded = &other->keeper;
    if (folded->saved != log->saved || folded->snapshot_len != log->snapshot_len ||
        memcmp(folded->snapshot, log->snapshot, log->snapshot_len) != 0) {
        snprintf(in_peace, sizeof in_peace, "%.*s", (int)folded->snapshot_len, folded->snapshot);
        snprintf(here, sizeof here, "%.*s", (int)log->snapshot_len, log->snapshot);
        blame_for(t, "its state is not what its log says", in_peace, here);
    }
    fault_world_free(other);
}

/* All that there is to see at the end: the state, and who got what. */
static void see(telling *t, char *out) {
    saga_text to;
    shut_down(t->world);
    saga_text_begin(&to, out);
    saga_text_add(&to, t->world->keeper.snapshot, t->world->keeper.snapshot_len);
    for (int who = 0; who < CAST_MAX && t->told->cast[who]; who++) {
        saga_text_add(&to, t->told->cast[who], strlen(t->told->cast[who]));
        const char *wrong = saga_text_heard(&to, hub_of(t), t->told->cast[who], t->world->names);
        if (wrong) blame(t, wrong, t->told->cast[who]);
    }
}

/* ---- telling --------------------------------------------------------------------------------------------------------
 */

static void begin(telling *t) {
    t->world = world_of(t->told);
    if (fault_world_start(t->world, 1)) abort();
    world_run(hub_of(t), 10);
    for (int who = 0; who < CAST_MAX; who++) t->peer[who] = -1;
    for (size_t who = 0; who < t->told->present; who++)
        if (join(t, (int)who, false, 0)) abort();
    world_run(hub_of(t), 10);
}

/* Whether an allocation failed. */
static bool tell_line(telling *t, size_t n) {
    const line *l = &t->told->lines[t->at];
    size_t blamed = t->n;
    t->before = wsm_hub_position(hub_of(t)->hub, NULL);
    t->n = n;
    if (n) fault_arm(n, t->mode);
    int err = act(t, l);
    bool failed = fault_disarm();
    if (n && !failed) t->n = 0;
    mend(t, l, err);
    if (!n) t->n = blamed;
    return failed;
}

/* False: the line has fewer allocations than n. */
static bool tell_once(const saga *told, size_t at, size_t n, fault_mode mode) {
    telling t = {.told = told, .mode = mode, .fault_at = at, .fault_n = n};
    size_t live = fault_live();
    bool failed = false;
    begin(&t);
    for (t.at = 0; t.at < told->count; t.at++) failed |= tell_line(&t, t.at == at ? n : 0);
    see(&t, here);
    t.at = at;
    t.n = n;
    if (n == 0)
        memcpy(in_peace, here, sizeof here);
    else if (strcmp(in_peace, here) != 0)
        blame_for(&t, "it ended differently", in_peace, here);
    fold_anew(&t);
    fault_world_free(t.world);
    if (fault_live() != live) blame(&t, "blocks are left", NULL);
    return failed;
}

void saga_tell(const saga *told) {
    size_t points = fault_points();
    for (int i = 0; i < 2; i++) tell_once(told, 0, 0, FAULT_ONCE); /* twice: libraries keep what they make first */
    if (getenv("STORY_SHOW")) printf("%s\n", in_peace);
    for (size_t at = 0; at < told->count; at++)
        for (int mode = 0; mode < 2; mode++)
            for (size_t n = 1; tell_once(told, at, n, (fault_mode)mode); n++) assert_true(n < N_MAX);
    printf("%s: %zu lines, %zu allocations failed\n", told->name, told->count, fault_points() - points);
}
