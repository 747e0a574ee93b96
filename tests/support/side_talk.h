/* Short words for tests about sidebars and mentions: asking and reading the answer, members of a line of JSON by their
 * path, and lines with what may differ between two runs renumbered. */
#ifndef WSM_TESTS_SIDE_TALK_H
#define WSM_TESTS_SIDE_TALK_H

#include "hub_world.h"

#define SIDE_ID 144 /* room for a context's id */

/* Sends {"type":…,"message_id":…, fields} under an id of its own and returns the answer to it (ack, duplicate_ack or
 * error), "" if there is none. `fields` is a format. The text is valid until the next call. */
const char *peer_ask(peer *p, const char *type, const char *fields, ...) __attribute__((format(printf, 3, 4)));

/* The same for the host, in nobody's name or in an agent's. Returns 0 or what on_result said. */
int host_ask(hub_world *world, const char *as_agent, const char *json, ...) __attribute__((format(printf, 3, 4)));

/* The member at a path such as "result.sidebar_id" or "cycle.0": a string without its quotes, anything else as written,
 * "" if it is not there. The text is valid until the eighth next call. */
const char *line_get(const char *line, const char *path);
int line_is(const char *line, const char *path, const char *value);

/* The code of an error, or the type of any other line. */
const char *answer_of(const char *line);

/* Spawns a sidebar under main and puts its id into `id`; `more` is "" or `,"name":value…`. */
void side_spawn(peer *by, const char *participants, const char *more, char id[SIDE_ID]);

/* What somebody was sent since the last peer_forget, one message a line, with ids and offsets renumbered in the order
 * in which they appear. The caller frees it. Messages of the types in `but` ("a|b", or NULL) are left out. */
char *peer_transcript(const peer *p, const char *but);

#endif
