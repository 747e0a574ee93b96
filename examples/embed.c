/* The smallest complete host, on plain poll(), one thread, one file: embed [PORT] [--seconds N]
 *
 * Listens on 127.0.0.1 (port 0, or none: any), prints a token, and stores a memory update every second, as a memory
 * service would do from its store handler. Everything a host owes the library is here: bytes in, bytes out, time in,
 * callbacks. */
#define _DEFAULT_SOURCE /* struct iovec, sockets */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <wsm/wsm.h>

#define PEERS_MAX     64
#define STORE_EVERY_S 1

typedef struct peer {
    int fd;
    wsm_conn *conn; /* NULL: this place is free */
} peer;

static void peer_gone(peer *p) {
    wsm_conn *conn = p->conn;
    p->conn = NULL;
    close(p->fd);
    wsm_conn_closed(conn);
}

/* Write what waits. A socket that is full keeps the rest in the library; poll() tells when to go on. */
static void peer_flush(peer *p) {
    wsm_vec vec[16];
    size_t count;
    while (p->conn && (count = wsm_conn_pending(p->conn, vec, 16)) > 0) {
        ssize_t n = writev(p->fd, (const struct iovec *)vec, (int)count);
        if (n < 0) return;
        wsm_conn_sent(p->conn, (size_t)n); /* may call close_transport, when it was the last word */
    }
}

static void peer_read(peer *p) {
    char bytes[16384];
    ssize_t n = read(p->fd, bytes, sizeof bytes);
    if (n > 0)
        wsm_conn_recv(p->conn, bytes, (size_t)n);
    else
        peer_gone(p);
}

static void bytes_waiting(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user; /* the loop flushes every peer before it sleeps */
}

static void close_transport(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn;
    peer_flush(conn_user);
    if (((peer *)conn_user)->conn) peer_gone(conn_user);
}

static void on_result(void *user, const wsm_result *result) {
    (void)user;
    if (result->err)
        printf("update %llu %s\n", (unsigned long long)result->tag, wsm_strerror(result->err));
    else
        printf("update %llu is record %llu\n", (unsigned long long)result->tag, (unsigned long long)result->offset);
}

static void on_accept(int listener, wsm_hub *hub, peer *peers) {
    peer *p = peers;
    wsm_peer how;
    wsm_peer_init(&how, sizeof how); /* RAW: the library speaks HTTP, upgrades, frames */
    while (p < peers + PEERS_MAX - 1 && p->conn) p++;
    int fd = accept(listener, NULL, NULL);
    int is_good = !p->conn && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
    if (is_good) p->fd = fd; /* callbacks may want it before wsm_conn_new returns */
    if (!is_good || wsm_conn_new(&p->conn, hub, &how, p) < 0) close(fd);
}

static void store(wsm_hub *hub, uint64_t number) {
    char text[64];
    wsm_update update;
    wsm_update_init(&update, sizeof update);
    update.exchange.ptr = text;
    update.exchange.len = (size_t)snprintf(text, sizeof text, "{\"text\":\"update %llu\"}", (unsigned long long)number);
    wsm_broadcast(hub, &update, number); /* from any thread; the outcome comes to on_result */
}

static wsm_hub *hub_make(char token[4096]) {
    const char *secret = getenv("WSM_SECRET") ? getenv("WSM_SECRET") : "a secret of thirty-two bytes, or more";
    wsm_host host;
    wsm_hub *hub;
    wsm_key key;
    wsm_claims ada;
    size_t len;
    wsm_host_init(&host, sizeof host);
    host.bytes_waiting = bytes_waiting, host.close_transport = close_transport, host.on_result = on_result;
    wsm_key_init(&key, sizeof key);
    key.secret = secret, key.secret_len = strlen(secret);
    wsm_claims_init(&ada, sizeof ada);
    ada.sub = (wsm_slice){"ada", 3}, ada.permission = WSM_PERMISSION_ACTIVE;
    ada.iat = time(NULL), ada.exp = ada.iat + 3600;
    int err = wsm_hub_new(&hub, NULL, &host, NULL, NULL);
    if (!err) err = wsm_hub_key_add(hub, &key);
    if (!err) err = wsm_token_mint(&ada, &key, token, 4096, &len);
    if (err) fprintf(stderr, "embed: %s\n", wsm_strerror(err)), exit(1);
    return hub;
}

int main(int argc, char **argv) {
    long port = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t at_len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    long seconds = argc > 3 && !strcmp(argv[2], "--seconds") ? strtol(argv[3], NULL, 10) : 3600;
    time_t end = time(NULL) + seconds, store_at = 0;
    peer peers[PEERS_MAX] = {{0}};
    char token[4096];
    wsm_hub *hub = hub_make(token);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 64) < 0) return perror("embed"), 1;
    getsockname(listener, (struct sockaddr *)&at, &at_len);
    signal(SIGPIPE, SIG_IGN);
    printf("ws://127.0.0.1:%d/ws\n%s\n", ntohs(at.sin_port), token);

    for (uint64_t number = 1; time(NULL) < end;) {
        struct pollfd polls[PEERS_MAX + 1] = {{.fd = listener, .events = POLLIN}};
        if (time(NULL) >= store_at) store(hub, number++), store_at = time(NULL) + STORE_EVERY_S;
        int64_t wait = wsm_hub_tick(hub);
        for (int i = 0; i < PEERS_MAX; i++) {
            peer_flush(&peers[i]);
            polls[i + 1] = (struct pollfd){.fd = peers[i].conn ? peers[i].fd : -1, .events = POLLIN};
            if (peers[i].conn && wsm_conn_queued(peers[i].conn)) polls[i + 1].events = POLLIN | POLLOUT;
        }
        (void)fflush(stdout);
        poll(polls, PEERS_MAX + 1, wait < 0 || wait > 1000 ? 1000 : (int)wait);
        for (int i = 0; i < PEERS_MAX; i++)
            if (peers[i].conn && polls[i + 1].revents & (POLLIN | POLLHUP | POLLERR)) peer_read(&peers[i]);
        if (polls[0].revents) on_accept(listener, hub, peers);
    }
    wsm_hub_free(hub);
    return 0;
}
