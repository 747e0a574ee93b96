/* Calling the host. Each callback has one wrapper; after each the client may be a shell (freed), over, or both, so
 * nothing read before a call is trusted after it. */
#include "client/client.h"

void wsm__client_call_open(wsm_client *client) {
    if (client->freed || !client->host.on_open) return;
    client->host.on_open(client->user, client);
}

void wsm__client_call_message(wsm_client *client, const wsm_client_message *message) {
    if (client->freed || !client->host.on_message) return;
    client->host.on_message(client->user, client, message);
}

void wsm__client_call_data(wsm_client *client, wsm_data type, wsm_slice bytes) {
    if (client->freed || !client->host.on_data) return;
    client->host.on_data(client->user, client, type, bytes.ptr, bytes.len);
}

static void call_refused(wsm_client *client) {
    if (!client->answered || !client->host.on_refused) return;
    wsm_slice body = client->answer.len ? wsm__slice(client->answer.ptr, client->answer.len) : wsm__slice(NULL, 0);
    client->host.on_refused(client->user, client, client->status, body);
}

static void call_cut(wsm_client *client) {
    if (!client->gone) client->host.close_transport(client->user, client);
}

static void call_close(wsm_client *client) {
    if (!client->host.on_close) return;
    client->host.on_close(client->user, client, client->code, wsm__slice(client->reason, client->reason_len));
}

/* The next thing to tell after the end. The step is counted before the call, so that each is told once. */
static void end_tell(wsm_client *client) {
    switch (client->news++) {
    case WSM__NEWS_REFUSED: call_refused(client); break;
    case WSM__NEWS_CUT: call_cut(client); break;
    case WSM__NEWS_CLOSE: call_close(client); break;
    case WSM__NEWS_TOLD: client->news = WSM__NEWS_TOLD; break;
    }
}

void wsm__client_call_news(wsm_client *client) {
    while (!client->freed) {
        bool upgraded = client->state == WSM__CLIENT_GREETING || client->state == WSM__CLIENT_OPEN;
        if (upgraded && client->link.state == WSM__LINK_DEAD) wsm__client_end(client, 1006);
        if (client->fresh && !client->gone) {
            client->fresh = false;
            client->host.bytes_waiting(client->user, client);
        } else if (client->state == WSM__CLIENT_OVER && client->news != WSM__NEWS_TOLD) {
            end_tell(client);
        } else {
            return;
        }
    }
}
