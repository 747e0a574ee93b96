/* A whole story of a sidebar through the public API: four agents meet, a child, pause, resume,
 * tests, waiting, a merge with a conflict and a partial refusal, the archive, and a fork of it. */
#ifndef WSM_TESTS_SIDEBAR_STORY_H
#define WSM_TESTS_SIDEBAR_STORY_H

#include "side_talk.h"

#define STORY_CAST 5

extern const char *const story_names[STORY_CAST];

typedef struct story {
    hub_world *world;
    peer *cast[STORY_CAST]; /* ada leads, bob, cy and dot take part, eve reads main only */
    char side[SIDE_ID], child[SIDE_ID], fork[SIDE_ID];
    char why[16384]; /* the first thing that went wrong */
} story;

void story_begin(story *s); /* all are there, and have forgotten their welcome */
void story_init(story *s);  /* the same in two steps: then change world->config, and: */
void story_start(story *s, const wsm_log *log);
const char *story_play(story *s); /* NULL, or what went wrong */
void story_end(story *s);         /* frees everything; aborts if the hub has not */

#endif
