/* What a malicious client sends: HTTP, frames and JSON that are wrong in one way each, or bytes without any sense. The
 * hub may answer or close as it likes; it must not crash, leak, or let anybody else feel it. */
#include <string.h>

#include "codec.h"
#include "world.h"

static void noise(wsm__sim_client *client) {
    unsigned char bytes[64];
    size_t len = 1 + wsm__sim_draw(client->sim, WSM__SIM_PEER, sizeof bytes - 1);
    for (size_t i = 0; i < len; i++) bytes[i] = (unsigned char)wsm__sim_draw(client->sim, WSM__SIM_PEER, 256);
    wsm__sim_bytes_add(&client->out, bytes, len);
}

static void bad_frame(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    wsm__sim_frame frame = {.opcode = WSM__SIM_TEXT, .payload = "{\"type\":\"agent_list\"}", .len = 21, .mask = 99};
    switch (wsm__sim_draw(sim, WSM__SIM_PEER, 12)) {
    case 0: frame.rsv = 1 + wsm__sim_draw(sim, WSM__SIM_PEER, 7); break;
    case 1: frame.unmasked = true; break;
    case 2: frame.opcode = 3 + wsm__sim_draw(sim, WSM__SIM_PEER, 5); break;
    case 3: frame.opcode = WSM__SIM_CONTINUATION; break;
    case 4: frame.opcode = WSM__SIM_BINARY; break;
    case 5: frame.len_bytes = wsm__sim_draw(sim, WSM__SIM_PEER, 2) ? 8 : 2; break;
    case 6: frame.lies = true, frame.declared = 1ull << (20 + wsm__sim_draw(sim, WSM__SIM_PEER, 44)); break;
    case 7: frame.payload = "\xff\xfe\xc0\x80", frame.len = 4; break;
    case 8: frame.opcode = WSM__SIM_PING, frame.more = true; break;
    case 9: frame.opcode = WSM__SIM_CLOSE, frame.payload = "\x03", frame.len = 1; break;
    case 10: frame.opcode = WSM__SIM_CLOSE, frame.payload = "\x03\xed", frame.len = 2; break; /* 1005 */
    default: frame.more = true; break;                                                        /* and nothing follows */
    }
    wsm__sim_frame_write(&client->out, &frame);
}

static void bad_text(wsm__sim_client *client) {
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"type\":\"memory_update\"}",
        "{\"type\":\"memory_update\",\"exchange\":1,\"exchange\":2}",
        "{\"type\":\"memory_update\",\"exchange\":1,\"seq\":1}",
        "{\"type\":\"memory_update\",\"exchange\":1,\"offset\":1}",
        "{\"type\":\"memory_update\",\"exchange\":1,\"hop\":1}",
        "{\"type\":\"memory_update\",\"exchange\":1,\"sender_agent_id\":\"hub\"}",
        "{\"type\":\"memory_update\",\"exchange\":\"\\u0000\"}",
        "{\"type\":\"memory_update\",\"exchange\":\"\\ud800\"}",
        "{\"type\":\"memory_update\",\"exchange\":1e999,\"context_id\":\"nowhere\"}",
        "{\"type\":\"hello\",\"token\":\"x\"}",
        "{\"type\":\"welcome\"}",
        "{\"type\":\"ack\",\"original_message_id\":\"00000000-0000-7000-8000-000000000000\"}",
        "{\"type\":\"agent_presence\",\"status\":\"offline\"}",
        "{\"type\":\"agent_list\",\"filter\":{\"status\":{}}}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["};
    const char *text = texts[wsm__sim_draw(client->sim, WSM__SIM_PEER, sizeof texts / sizeof texts[0])];
    wsm__sim_client_raw(client, text, strlen(text));
}

/* More than anybody has patience for, at once. */
static void babble(wsm__sim_client *client) {
    for (int i = 0; i < 40; i++) wsm__sim_client_raw(client, "{", 1);
}

static void bad_http(wsm__sim_client *client) {
    static const char *const heads[] = {"GET /ws HTTP/1.1\r\n\r\n",
                                        "GET /ws HTTP/1.0\r\nHost: x\r\n\r\n",
                                        "POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
                                        "GET /ws?epoch=zz&after=-1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
                                        "GET\r\n\r\n",
                                        "\r\n\r\n",
                                        "GET /ws HTTP/1.1\r\nX: \x01\r\n\r\n",
                                        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"};
    wsm__sim_bytes_clear(&client->out);
    wsm__sim_bytes_text(&client->out, heads[wsm__sim_draw(client->sim, WSM__SIM_PEER, sizeof heads / sizeof heads[0])]);
}

void wsm__sim_client_misbehave(wsm__sim_client *client) {
    wsm_sim *sim = client->sim;
    bool opens = client->phase == WSM__SIM_HTTP;
    if (opens && !wsm__sim_fails_on(client->line, WSM_SIM_BAD_BYTES, WSM__SIM_PEER)) return;
    client->is_tampered = true;
    if (!opens && wsm__sim_draw(sim, WSM__SIM_PEER, 8) == 7) {
        babble(client);
        return;
    }
    if (client->kind == WSM_PEER_MESSAGE) {
        bad_text(client);
        return;
    }
    switch (wsm__sim_draw(sim, WSM__SIM_PEER, opens ? 3 : 5)) {
    case 0: noise(client); break;
    case 1:
        if (opens)
            bad_http(client);
        else
            bad_frame(client);
        break;
    case 2: bad_frame(client); break;
    default: bad_text(client); break;
    }
    wsm__sim_client_bytes_out(client);
}
