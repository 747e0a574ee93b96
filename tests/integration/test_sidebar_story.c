/* A whole story, and what each of those in it was told: four agents in a sidebar, a child, pause, resume, tests,
 * waiting, a merge with a conflict and a partial refusal, the archive, and a fork of it. The transcripts, with ids and
 * offsets renumbered, are compared with sidebar_story.txt; WSM_STORY_WRITE=1 writes that anew, to be read before it is
 * kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sidebar_story.h"

#define STORY "tests/integration/sidebar_story.txt"

/* What all were told, each under his name. */
static char *told(const story *s) {
    char *all = calloc(1, 1);
    for (int i = 0; i < STORY_CAST; i++) {
        char *text = peer_transcript(s->cast[i], "position|agent_presence");
        char *more = malloc(strlen(all) + strlen(text) + 64);
        if (!more) abort();
        sprintf(more, "%s%s-- %s\n%s", all, i > 0 ? "\n" : "", story_names[i], text);
        free(all);
        free(text);
        all = more;
    }
    return all;
}

static char *read_story(void) {
    FILE *file = fopen(STORY, "rb");
    if (!file) return calloc(1, 1);
    char *text = calloc(1, 1u << 20);
    size_t len = text ? fread(text, 1, (1u << 20) - 1, file) : 0;
    fclose(file);
    if (text) text[len] = '\0';
    return text;
}

static void compare(const char *now, const char *before) {
    size_t line = 1, at = 0;
    while (now[at] != '\0' && now[at] == before[at]) line += now[at++] == '\n';
    if (now[at] == before[at]) return;
    while (at > 0 && now[at - 1] != '\n') at--;
    fail_msg("line %zu of " STORY ":\n now: %.*s\n before: %.*s", line, (int)strcspn(now + at, "\n"), now + at,
             (int)strcspn(before + at, "\n"), before + at);
}

static void the_story_is_told_as_it_was(void **state) {
    story s;
    (void)state;
    story_begin(&s);
    const char *why = story_play(&s);
    if (why) fail_msg("%s", why);
    char *now = told(&s);
    if (getenv("WSM_STORY_WRITE")) {
        FILE *file = fopen(STORY, "wb");
        assert_non_null(file);
        fputs(now, file);
        fclose(file);
    }
    char *before = read_story();
    assert_non_null(before);
    compare(now, before);
    free(now);
    free(before);
    story_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_story_is_told_as_it_was),
    };
    return cmocka_run_group_tests_name("sidebar/story", tests, NULL, NULL);
}
