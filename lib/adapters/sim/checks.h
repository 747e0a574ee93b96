/* What must hold: each check is named after its invariant (invariants.c). A part of world.h. */
#ifndef WSM_LIB_SIM_CHECKS_H
#define WSM_LIB_SIM_CHECKS_H

#include "world.h"

void wsm__sim_check_applied(wsm__sim_machine *node, const wsm_applied *applied);
void wsm__sim_check_ready(wsm__sim_machine *node);
void wsm__sim_check_step(wsm__sim_machine *node); /* after a call into the hub */
void wsm__sim_check_conn_state(wsm__sim_machine *node, wsm__sim_line *line, const wsm_conn *conn, wsm_conn_state state);
void wsm__sim_check_queue(const wsm__sim_line *line);
void wsm__sim_check_counters(wsm__sim_machine *node, bool is_quiet);
void wsm__sim_check_freed(wsm__sim_machine *node);
void wsm__sim_check_drop(wsm__sim_machine *node, const wsm_drop *drop); /* check_drops.c */
void wsm__sim_check_must_close(wsm__sim_machine *node);
void wsm__sim_read_drops(const wsm_metric *metric, wsm__sim_frames *frames);
void wsm__sim_check_frames(wsm__sim_machine *node, const wsm__sim_frames *frames);
void wsm__sim_check_page(wsm__sim_machine *node, const wsm_page *page);
void wsm__sim_check_result(wsm__sim_machine *node, const wsm_result *result);

/* Of sidebars: sidebar_fold.c, client_sidebar.c, check_sidebar.c. */
void wsm__sim_side_fold(wsm__sim_machine *node, wsm__sim_epoch *epoch, uint64_t offset, wsm__sim_entry *entry);
wsm__sim_op wsm__sim_op_of(const struct wsm__sim_json *json); /* of a record; WSM__SIM_OPS: another type */
const char *wsm__sim_op_type(wsm__sim_op op);
bool wsm__sim_is_in(wsm__sim_agents agents, uint32_t agent);
void wsm__sim_client_side_act(wsm__sim_client *client); /* a step of the workload */
void wsm__sim_client_invited(wsm__sim_client *client, const wsm__sim_side *side);
/* Must the record come, on a connection that is there now. */
bool wsm__sim_is_due(const wsm__sim_client *client, const wsm__sim_epoch *epoch, uint64_t offset);
void wsm__sim_told_begin(wsm__sim_client *client); /* a connection begins */
/* It was told on this connection, by a record after that offset, that it belongs to the sidebar no longer. */
bool wsm__sim_has_left(const wsm__sim_client *client, const wsm__sim_side *side, uint64_t offset);
/* It is back in the sidebar, and the stream has passed what called it there before: that comes as a delivery. */
bool wsm__sim_is_passed(const wsm__sim_client *client, const wsm__sim_side *side, uint64_t offset);
void wsm__sim_told_fini(wsm__sim_client *client);
bool wsm__sim_check_side_record(wsm__sim_client *client, wsm__sim_epoch *epoch, uint64_t offset); /* true: it belongs
                                                                to a history, and is done with */
bool wsm__sim_check_history_gap(wsm__sim_client *client, const wsm__sim_epoch *epoch, uint32_t context, uint64_t from,
                                uint64_t to, const char *reason); /* true: it belongs to a history */
void wsm__sim_history_begins(wsm__sim_client *client, const char *context_id, uint64_t from, uint64_t to);
void wsm__sim_history_ends(wsm__sim_client *client, const char *context_id, uint64_t offset, uint64_t count);
bool wsm__sim_has_history(const wsm__sim_client *client); /* one is being sent to it, or will be in a moment */
void wsm__sim_history_granted(wsm_sim *sim, const wsm__sim_epoch *epoch, uint64_t offset); /* if that record does */
void wsm__sim_check_names(wsm__sim_client *client, const char *text, size_t len);
void wsm__sim_check_reply(wsm__sim_client *client, const wsm__sim_sent *sent, const char *code, const char *reply,
                          size_t len);

void wsm__sim_check_snapshot(wsm__sim_client *client); /* check_told.c: one has come, and was read */
void wsm__sim_check_pull(wsm__sim_client *client);     /* check_records.c: a page has come, and was read */
void wsm__sim_check_sides(wsm_sim *sim);               /* check_told.c: at the end */
void wsm__sim_check_circles(const wsm__sim_client *client);
void wsm__sim_told_circle(wsm__sim_client *client); /* deadlock has come */
void wsm__sim_circle_closed(wsm__sim_machine *node, const wsm__sim_sides *sides, const wsm__sim_side *side);

uint64_t wsm__sim_broken(const wsm__sim_machine *node); /* records that cannot be read */
bool wsm__sim_check_record(wsm__sim_client *client, uint64_t offset, const char *text, size_t len);
void wsm__sim_check_gap(wsm__sim_client *client, uint32_t context, uint64_t from, uint64_t to, const char *reason);
bool wsm__sim_has_all(const wsm__sim_client *client, uint64_t to); /* all that it may see, up to there */
void wsm__sim_check_complete(wsm__sim_client *client, uint64_t to);
void wsm__sim_check_welcome(wsm__sim_client *client, const char *resume);
void wsm__sim_check_replay_end(wsm__sim_client *client, uint64_t offset, uint64_t count);
void wsm__sim_check_pings(wsm__sim_client *client);
void wsm__sim_check_lanes(wsm__sim_client *client, const wsm__sim_epoch *epoch, uint64_t offset); /* of a record */
void wsm__sim_lanes_begin(wsm__sim_client *client);
void wsm__sim_check_silent(wsm_sim *sim);
void wsm__sim_check_expired(const wsm__sim_line *line);  /* at each look for bytes */
void wsm__sim_check_4003(const wsm__sim_client *client); /* it is told that its token has ended */
void wsm__sim_check_4012(const wsm__sim_line *line);     /* it is called silent */
void wsm__sim_check_nonsense(wsm__sim_client *client, const char *code);

void wsm__sim_check_ack(wsm__sim_client *client, wsm__sim_sent *sent, bool is_duplicate, bool has_offset,
                        uint64_t offset, bool is_durable);
void wsm__sim_check_error(wsm__sim_client *client, wsm__sim_sent *sent, const char *code);
void wsm__sim_check_end(wsm_sim *sim); /* quiet again: everything adds up */

/* Of presence: check_presence.c. */
int64_t wsm__sim_time_of(const struct wsm__sim_json *json); /* its timestamp, in ms; only differences matter */
void wsm__sim_check_presence(wsm__sim_client *client);      /* one has come, and was read */
void wsm__sim_presence_begin(wsm__sim_client *client);      /* a connection begins */
void wsm__sim_presence_said(wsm__sim_client *client, uint32_t note);
void wsm__sim_check_roster(wsm__sim_client *client); /* what it was answered last, when it is quiet */

#endif
