/* How an application tests that it comes back: its client code runs against a hub in virtual time, while connections
 * break and the server dies. The application is the first half, the test the second; it takes milliseconds and always
 * the same.
 *
 *     cc sim_reconnect.c $(pkg-config --cflags --libs wsm-sim wsm) */
#include <stdio.h>
#include <string.h>

#include <wsm/client.h>
#include <wsm/sim.h>

/* ---- the application: it shows what others store, and comes back after one second, two, four ... --------------------
 */

typedef struct app {
    wsm_sim *sim; /* its network and clock in this test */
    wsm_sim_hub *server;
    wsm_sim_stream *stream;
    wsm_client *client;
    char epoch[17];
    uint64_t position, newest;
    unsigned attempts, updates;
} app;

static void app_connect(void *user);

static uint64_t app_clock(void *user) {
    return wsm_sim_now(((app *)user)->sim);
}

static int app_random(void *user, void *bytes, size_t len) {
    memset(bytes, (int)((app *)user)->attempts, len); /* masks need not be secret in a test */
    return 0;
}

static void app_write(void *user, wsm_client *client) {
    app *self = user;
    wsm_vec vec;
    while (wsm_client_pending(client, &vec, 1) > 0) {
        wsm_sim_stream_write(self->stream, vec.base, vec.len);
        wsm_client_sent(client, vec.len);
    }
}

static void app_message(void *user, wsm_client *client, const wsm_client_message *message) {
    app *self = user;
    (void)client;
    self->attempts = 0;
    if (message->offset <= self->newest) return; /* no record, or one seen before the cut: after the last position */
    self->newest = message->offset;
    self->updates++;
}

static void app_bytes(void *user, wsm_sim_stream *stream, const void *bytes, size_t len) {
    app *self = user;
    (void)stream;
    wsm_client_recv(self->client, bytes, len);
    app_write(self, self->client);
}

static void app_lost(void *user, wsm_sim_stream *stream) {
    app *self = user;
    (void)stream;
    self->position = wsm_client_position(self->client, self->epoch);
    wsm_client_free(self->client);
    self->client = NULL;
    wsm_sim_after(self->sim, 1000u << (self->attempts < 5 ? self->attempts : 5), app_connect, self);
    self->attempts++;
}

static void app_close(void *user, wsm_client *client) {
    app *self = user;
    (void)client;
    wsm_sim_stream_close(self->stream);
    wsm_sim_after(self->sim, 0, app_connect, self);
}

static void app_connect(void *user) {
    app *self = user;
    wsm_client_config config;
    wsm_client_host host;
    wsm_sim_stream_calls calls;
    wsm_client_config_init(&config, sizeof config);
    wsm_client_host_init(&host, sizeof host);
    wsm_sim_stream_calls_init(&calls, sizeof calls);
    config.host = "memory.example";
    config.token = wsm_sim_token(self->sim, "ada", WSM_PERMISSION_ACTIVE);
    config.epoch = self->epoch[0] ? self->epoch : NULL;
    config.after = self->position;
    host.clock_mono = app_clock, host.random = app_random;
    host.bytes_waiting = app_write, host.close_transport = app_close, host.on_message = app_message;
    calls.on_bytes = app_bytes, calls.on_closed = app_lost;
    if (wsm_client_new(&self->client, &config, &host, self)) return;
    wsm_sim_stream_open(&self->stream, self->server, &calls, self);
    app_write(self, self->client); /* the request */
}

/* ---- the test -------------------------------------------------------------------------------------------------------
 */

static int has_ten(void *user) {
    return ((app *)user)->updates == 10;
}

static int has_thirty(void *user) {
    return ((app *)user)->updates == 30;
}

static void publish_ten(wsm_sim_client *bob) {
    for (int i = 0; i < 10; i++) wsm_sim_client_publish(bob, WSM_PRIORITY_NORMAL);
}

int main(void) {
    app ada = {0};
    wsm_sim_client *bob;
    wsm_sim_new(&ada.sim, 7, WSM_SIM_ROUGH);
    wsm_sim_hub_add(ada.sim, &ada.server, NULL, NULL, NULL);
    wsm_sim_client_add(ada.sim, &bob, ada.server, "bob", WSM_PERMISSION_ACTIVE, 1);
    wsm_sim_run(ada.sim, 1000, NULL, NULL);
    app_connect(&ada);
    wsm_sim_run(ada.sim, 1000, NULL, NULL);
    publish_ten(bob);
    int before = wsm_sim_run(ada.sim, 10000, has_ten, &ada);

    wsm_sim_cut_all(ada.server); /* given a network that fails while bob goes on */
    publish_ten(bob);
    wsm_sim_run(ada.sim, 5, NULL, NULL);
    wsm_sim_crash(ada.server); /* and a server that dies */
    wsm_sim_run(ada.sim, 5000, NULL, NULL);
    wsm_sim_restart(ada.server);
    publish_ten(bob);
    int after = wsm_sim_run(ada.sim, 60000, has_thirty, &ada); /* then ada misses nothing ... */
    wsm_sim_run(ada.sim, 60000, NULL, NULL);                   /* ... and sees nothing twice */

    int good = before == 1 && after == 1 && ada.updates == 30 && !wsm_sim_broken(ada.sim, NULL);
    printf("ada has seen %u updates\n%d passed, %d failed\n", ada.updates, good, !good);
    wsm_client_free(ada.client);
    wsm_sim_free(ada.sim);
    return !good;
}
