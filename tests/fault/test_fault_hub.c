/* Every allocation fails, in every call of the life of a hub: from its making to a start from its own log. */
#include "fault_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "malloc_fault.h"

#define STEPS(list) (list), sizeof(list) / sizeof *(list)

static const char secret[] = "0123456789abcdef0123456789abcdef";

static void *start(void) {
    return fault_world_new();
}

/* Hub, peers: most stories begin behind these, without faults. */
static void *start_two(void) {
    fault_world *w = fault_world_new();
    assert_int_equal(fault_world_start(w, 0), 0);
    assert_int_equal(fault_join(w, "ada", WSM_PERMISSION_ACTIVE, NULL, 0), 0);
    assert_int_equal(fault_join(w, "bob", WSM_PERMISSION_OBSERVER, NULL, 0), 0);
    return w;
}

static void *start_hub(void) {
    fault_world *w = fault_world_new();
    assert_int_equal(fault_world_start(w, 0), 0);
    return w;
}

/* ---- steps ----------------------------------------------------------------------------------------------------------
 */

static int hub_new(void *world) {
    return fault_world_start(world, 0);
}

static int hub_new_on_log(void *world) {
    return fault_world_start(world, 1);
}

static int tick(void *user) {
    fault_world *w = user;
    wsm_hub_tick(w->hub.hub);
    return 0;
}

static int second(void *user) {
    fault_world *w = user;
    world_run(&w->hub, 1000);
    return 0;
}

static int grace(void *user) { /* presence goes offline, what is aged is trimmed */
    fault_world *w = user;
    world_run(&w->hub, 20000);
    return 0;
}

static wsm_key key_of(void) {
    wsm_key key;
    wsm_key_init(&key, sizeof key);
    key.kid = "k1";
    key.secret = secret;
    key.secret_len = sizeof secret - 1;
    return key;
}

static int key_add(void *user) {
    wsm_key key = key_of();
    return wsm_hub_key_add(((fault_world *)user)->hub.hub, &key);
}

static int token_mint(void *user) {
    fault_world *w = user;
    wsm_key key = key_of();
    wsm_claims claims;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){"ada", 3};
    claims.iat = w->hub.wall / 1000;
    claims.exp = claims.iat + 3600;
    claims.permission = WSM_PERMISSION_ACTIVE;
    return wsm_token_mint(&claims, &key, w->token, sizeof w->token, &w->token_len);
}

static int token_check(void *user) {
    fault_world *w = user;
    wsm_claims claims;
    wsm_claims_init(&claims, sizeof claims);
    int err = wsm_hub_token_check(w->hub.hub, w->token, w->token_len, &claims);
    return err || (claims.sub.len == 3 && memcmp(claims.sub.ptr, "ada", 3) == 0) ? err : WSM_ERR_INTERNAL;
}

static int broadcast(void *user) {
    fault_world *w = user;
    static const char *const tags[] = {"a", "b"};
    wsm_update update;
    wsm_update_init(&update, sizeof update);
    update.exchange = (wsm_slice){"{\"text\":\"a broadcast\"}", 22};
    update.sender_agent_id = "carl";
    update.topic = "topic";
    update.tags = tags;
    update.tags_count = 2;
    return wsm_broadcast(w->hub.hub, &update, 7);
}

static int submit(void *user) {
    fault_world *w = user;
    static const char text[] = "{\"type\":\"memory_update\",\"exchange\":9}";
    return wsm_submit(w->hub.hub, "dora", text, sizeof text - 1, 8);
}

static int records_read(void *user) {
    return wsm_records_read(((fault_world *)user)->hub.hub, NULL, 0, 0, 9);
}

static int join_ada(void *user) {
    return fault_join(user, "ada", WSM_PERMISSION_ACTIVE, NULL, 0);
}

static int join_bob(void *user) {
    return fault_join(user, "bob", WSM_PERMISSION_OBSERVER, NULL, 0);
}

static int update_1(void *user) {
    return fault_say(user, 0, 1, "memory_update", ",\"exchange\":{\"n\":1}");
}

static int update_2(void *user) {
    return fault_say(user, 0, 2, "memory_update", ",\"topic\":\"t\",\"tags\":[\"x\"],\"exchange\":{\"n\":2}");
}

static int update_3(void *user) {
    return fault_say(user, 0, 3, "memory_update", ",\"priority\":\"critical\",\"exchange\":3");
}

static int repeat_1(void *user) {
    return fault_say(user, 0, 1, "memory_update", ",\"exchange\":{\"n\":1}");
}

static int conflict_1(void *user) {
    return fault_say(user, 0, 1, "memory_update", ",\"exchange\":{\"n\":100}");
}

static int nonsense(void *user) {
    fault_world *w = user;
    w->input = &w->hub.peers[0];
    w->said[0] = '\0';
    return peer_say(w->input, "{\"type\":");
}

static int presence_working(void *user) {
    return fault_say(user, 0, 4, "agent_presence", ",\"status\":\"working\",\"specialties\":[\"c\",\"tests\"]");
}

static int presence_idle(void *user) {
    return fault_say(user, 0, 5, "agent_presence", ",\"status\":\"idle\",\"note\":\"tea\"");
}

static int list(void *user) {
    return fault_say(user, 0, 6, "agent_list", "");
}

static int send(void *user) {
    fault_world *w = user;
    static const char text[] = "{\"type\":\"of_the_host\"}";
    return wsm_conn_send(w->hub.peers[0].conn, WSM_DATA_TEXT, text, sizeof text - 1, WSM_PRIORITY_NORMAL);
}

static int leave_ada(void *user) {
    fault_world *w = user;
    if (w->hub.peers[0].conn) peer_leave(&w->hub.peers[0]);
    return 0;
}

static int note_epoch(void *user) {
    fault_world *w = user;
    wsm_hub_position(w->hub.hub, w->epoch);
    return 0;
}

static int resume_dan(void *user) {
    fault_world *w = user;
    return fault_join(w, "dan", WSM_PERMISSION_ACTIVE, w->epoch, 0);
}

static int stall_bob(void *user) {
    ((fault_world *)user)->hub.peers[1].stalled = 1;
    return 0;
}

static int drain_bob(void *user) {
    fault_world *w = user;
    w->hub.peers[1].stalled = 0;
    peer_drain(&w->hub.peers[1]);
    return 0;
}

static int shut_down(void *user) {
    fault_world *w = user;
    w->expected = w->hub.peers_count; /* all will be closed */
    return wsm_hub_shutdown(w->hub.hub, NULL);
}

static int free_hub(void *user) {
    fault_world *w = user;
    wsm_hub_free(w->hub.hub);
    w->hub.hub = NULL;
    for (int i = 0; i < w->hub.peers_count; i++) w->hub.peers[i].conn = NULL;
    return 0;
}

static int add_updates(void *user) {
    int err = 0;
    for (unsigned i = 0; i < 12 && !err; i++) err = fault_say(user, 0, 32 + i, "memory_update", ",\"exchange\":0");
    return err;
}

/* ---- raw bytes ------------------------------------------------------------------------------------------------------
 */

static int join_raw(void *user) {
    wsm_peer how;
    wsm_peer_init(&how, sizeof how);
    how.address = "192.0.2.1";
    return fault_join_how(user, &how);
}

static int join_plain(void *user) {
    wsm_peer how;
    wsm_peer_init(&how, sizeof how);
    how.plain = 1;
    return fault_join_how(user, &how);
}

static int join_websocket(void *user) {
    fault_world *w = user;
    wsm_peer how;
    wsm_peer_init(&how, sizeof how);
    how.kind = WSM_PEER_WEBSOCKET;
    how.token = (wsm_slice){w->token, w->token_len};
    return fault_join_how(w, &how);
}

static int raw_recv(fault_world *w, const void *bytes, size_t len) {
    w->input = &w->hub.peers[0];
    w->said[0] = '\0';
    if (!w->input->conn) return 0;
    int err = wsm_conn_recv(w->input->conn, bytes, len);
    return err == WSM_ERR_CLOSED ? 0 : err;
}

static int request_line(void *user) {
    static const char text[] = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: webso";
    return raw_recv(user, text, sizeof text - 1);
}

static int request_end(fault_world *w, const char *token) {
    char text[6000];
    int len = snprintf(text, sizeof text,
                       "cket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: wsm.v1\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s\r\n\r\n",
                       token ? "Authorization: Bearer " : "X-Nothing: here", token ? token : "");
    return raw_recv(w, text, (size_t)len);
}

static int request_rest(void *user) {
    fault_world *w = user;
    return request_end(w, w->token);
}

static int request_rest_without_token(void *user) {
    return request_end(user, NULL);
}

static int request_http(void *user) {
    static const char text[] = "POST /store?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello";
    return raw_recv(user, text, sizeof text - 1);
}

static int frame(fault_world *w, unsigned char first, const char *text) {
    unsigned char bytes[5200] = {first, (unsigned char)(0x80 | (strlen(text) > 125 ? 126 : strlen(text)))};
    size_t at = 2, len = strlen(text);
    if (len > 125) {
        bytes[at++] = (unsigned char)(len >> 8);
        bytes[at++] = (unsigned char)len;
    }
    at += 4; /* a mask of zeroes */
    memcpy(bytes + at, text, len);
    return raw_recv(w, bytes, at + len);
}

static int frame_update(void *user) {
    return frame(user, 0x81,
                 "{\"type\":\"memory_update\",\"message_id\":\"00000000-0000-4000-8000-000000000051\",\"exchange\":"
                 "\"in a frame that is longer than 125 bytes, so that it has a length of 16 bits\"}");
}

static int frame_half(void *user) {
    return frame(user, 0x01, "{\"type\":\"agent_list\",\"message_id\":\"00000000-0000-4000-80");
}

static int frame_other_half(void *user) {
    return frame(user, 0x80, "00-000000000052\"}");
}

static int frame_ping(void *user) {
    return frame(user, 0x89, "ping");
}

static int frame_text(void *user) {
    return frame(user, 0x81, "any text");
}

static int frame_close(void *user) {
    ((fault_world *)user)->expected++;
    return frame(user, 0x88, "\x03\xe8");
}

static int plain_send(void *user) {
    fault_world *w = user;
    return wsm_conn_send(w->hub.peers[0].conn, WSM_DATA_BINARY, "\1\2\3", 3, WSM_PRIORITY_NORMAL);
}

static int hello(void *user) {
    fault_world *w = user;
    char text[5000];
    snprintf(text, sizeof text, "{\"type\":\"hello\",\"token\":\"%s\"}", w->token);
    return frame(w, 0x81, text);
}

static void on_data(void *user, wsm_conn *conn, void *conn_user, wsm_data type, const void *bytes, size_t len) {
    (void)user, (void)conn_user; /* an echo without memory stays silent */
    (void)wsm_conn_send(conn, type, bytes, len, WSM_PRIORITY_NORMAL);
}

static void on_request(void *user, wsm_request *request) {
    ((fault_world *)user)->request = request;
}

static void on_request_end(void *user, wsm_request *request) {
    (void)request;
    ((fault_world *)user)->request = NULL;
}

/* Ends the request in any case, as its comment says: there is nothing to repeat. */
static int respond(void *user) {
    fault_world *w = user;
    static const char body[] = "stored\n";
    w->expected++;
    if (!w->request) return 0;
    int err = wsm_request_respond(w->request, 200, "X-Test: 1\r\n", body, sizeof body - 1);
    return w->request ? WSM_ERR_INTERNAL : err;
}

static void *start_with_token(void) {
    fault_world *w = fault_world_new();
    w->hub.config.hello_auth = 1;
    w->hub.host.on_data = on_data;
    w->hub.host.on_request = on_request;
    w->hub.host.on_request_end = on_request_end;
    assert_int_equal(fault_world_start(w, 0), 0);
    assert_int_equal(key_add(w), 0);
    assert_int_equal(token_mint(w), 0);
    return w;
}

/* ---- stories --------------------------------------------------------------------------------------------------------
 */

#define HUB .finish = fault_world_free, .see = fault_see, .settle = fault_settle, .judge = fault_judge

static void a_hub_is_made_asked_and_shut_down(void **state) {
    (void)state;
    static const step steps[] = {
        {"wsm_hub_new", CALL, hub_new},
        {"wsm_hub_key_add", CALL, key_add},
        {"wsm_token_mint", CALL, token_mint},
        {"wsm_hub_token_check", CALL, token_check},
        {"wsm_broadcast", CALL, broadcast},
        {"wsm_hub_tick", TICK, tick},
        {"wsm_submit", CALL, submit},
        {"wsm_hub_tick", TICK, tick},
        {"wsm_records_read", CALL, records_read},
        {"wsm_hub_tick", TICK, tick},
        {"grace", TICK, grace},
        {"wsm_hub_shutdown", CALL, shut_down},
        {"wsm_hub_tick", TICK, second},
    };
    static const story told = {"a hub's life", start, HUB, STEPS(steps)};
    story_tell(&told);
}

static void messages_are_taken_answered_and_handed_on(void **state) {
    (void)state;
    static const step steps[] = {
        {"update", INPUT, update_1},
        {"update", INPUT, update_2},
        {"critical", INPUT, update_3},
        {"repeat", INPUT, repeat_1},
        {"conflict", INPUT, conflict_1},
        {"nonsense", INPUT, nonsense},
        {"presence", INPUT, presence_working},
        {"presence", INPUT, presence_idle},
        {"list", INPUT, list},
        {"wsm_conn_send", CALL, send},
        {"tick", TICK, tick},
        {"a second", TICK, second},
        {"leave", TICK, leave_ada},
        {"grace", TICK, grace},
    };
    static const story told = {"messages", start_two, HUB, STEPS(steps)};
    story_tell(&told);
}

static void who_joins_is_welcomed_and_who_comes_back_misses_nothing(void **state) {
    (void)state;
    static const step steps[] = {
        {"wsm_conn_new", CALL, join_ada},
        {"wsm_conn_new", CALL, join_bob},
        {"update", INPUT, update_1},
        {"update", INPUT, update_2},
        {"update", INPUT, update_3},
        {"epoch", CALL, note_epoch},
        {"wsm_conn_new resumes", CALL, resume_dan},
        {"tick", TICK, tick},
        {"a second", TICK, second},
    };
    static const step lagging[] = {
        {"stall", CALL, stall_bob},
        {"updates", INPUT, add_updates},
        {"drain", TICK, drain_bob},
        {"a second", TICK, second},
    };
    static const story told = {"resume", start_hub, HUB, STEPS(steps)};
    static const story slow = {"lag", start_two, HUB, STEPS(lagging)};
    story_tell(&told);
    story_tell(&slow);
}

static void bytes_become_an_upgrade_frames_and_a_close(void **state) {
    (void)state;
    static const step upgraded[] = {
        {"wsm_conn_new", CALL, join_raw},     {"half a request", INPUT, request_line},
        {"the rest", INPUT, request_rest},    {"wsm_conn_new", CALL, join_bob},
        {"update", INPUT, frame_update},      {"a fragment", INPUT, frame_half},
        {"its end", INPUT, frame_other_half}, {"ping", INPUT, frame_ping},
        {"a second", TICK, second},           {"close", INPUT, frame_close},
        {"a second", TICK, second},
    };
    static const step framed[] = {
        {"wsm_conn_new", CALL, join_websocket},
        {"update", INPUT, frame_update},
        {"close", INPUT, frame_close},
    };
    static const story raw = {"raw bytes", start_with_token, HUB, STEPS(upgraded)};
    static const story websocket = {"an upgrade by the host", start_with_token, HUB, STEPS(framed)};
    story_tell(&raw);
    story_tell(&websocket);
}

static void a_first_message_brings_the_token(void **state) {
    (void)state;
    static const step steps[] = {
        {"wsm_conn_new", CALL, join_raw},
        {"half a request", INPUT, request_line},
        {"the rest", INPUT, request_rest_without_token},
        {"hello", INPUT, hello},
        {"update", INPUT, frame_update},
        {"tick", TICK, second},
    };
    static const story told = {"hello", start_with_token, HUB, STEPS(steps)};
    story_tell(&told);
}

static void a_plain_peer_gets_its_echo(void **state) {
    (void)state;
    static const step steps[] = {
        {"wsm_conn_new", CALL, join_plain},
        {"half a request", INPUT, request_line},
        {"the rest", INPUT, request_rest},
        {"text", INPUT, frame_text},
        {"wsm_conn_send", CALL, plain_send},
        {"ping", INPUT, frame_ping},
        {"tick", TICK, second},
        {"close", INPUT, frame_close},
    };
    static const story told = {"plain", start_with_token, HUB, STEPS(steps)};
    story_tell(&told);
}

static void a_request_is_answered(void **state) {
    (void)state;
    static const step steps[] = {
        {"wsm_conn_new", CALL, join_raw},
        {"request", INPUT, request_http},
        {"answer", INPUT, respond},
        {"tick", TICK, second},
    };
    static const story told = {"HTTP", start_with_token, HUB, STEPS(steps)};
    story_tell(&told);
}

static void a_hub_goes_down_with_a_snapshot_and_comes_back_from_its_log(void **state) {
    (void)state;
    static const step steps[] = {
        {"wsm_hub_new", CALL, hub_new_on_log},
        {"loads", TICK, tick},
        {"wsm_conn_new", CALL, join_ada},
        {"update", INPUT, update_1},
        {"update", INPUT, update_2},
        {"repeat", INPUT, repeat_1},
        {"wsm_hub_shutdown", CALL, shut_down},
        {"wsm_hub_tick", TICK, second},
        {"free", CALL, free_hub},
        {"wsm_hub_new", CALL, hub_new_on_log},
        {"loads", TICK, tick},
        {"a second", TICK, second},
        {"epoch", CALL, note_epoch},
        {"wsm_conn_new", CALL, join_bob},
        {"wsm_conn_new resumes", CALL, resume_dan},
        {"a second", TICK, second},
    };
    static const story told = {"a start from the log", start, HUB, STEPS(steps)};
    story_tell(&told);
}

static void a_configuration_is_set(void **state) {
    (void)state;
    for (size_t i = 0; wsm_config_key_at(i); i++) { /* it needs no memory at all */
        wsm_config config;
        wsm_config_init(&config, sizeof config);
        fault_arm(1, FAULT_FOREVER);
        wsm_config_set(&config, wsm_config_key_at(i)->name, "1");
        assert_false(fault_disarm());
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hub_is_made_asked_and_shut_down),
        cmocka_unit_test(messages_are_taken_answered_and_handed_on),
        cmocka_unit_test(who_joins_is_welcomed_and_who_comes_back_misses_nothing),
        cmocka_unit_test(bytes_become_an_upgrade_frames_and_a_close),
        cmocka_unit_test(a_first_message_brings_the_token),
        cmocka_unit_test(a_plain_peer_gets_its_echo),
        cmocka_unit_test(a_request_is_answered),
        cmocka_unit_test(a_hub_goes_down_with_a_snapshot_and_comes_back_from_its_log),
        cmocka_unit_test(a_configuration_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, story_report);
}
