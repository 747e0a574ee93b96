/* F16: bytes of a server, to wsm_client. The same for every cut (I-60) and every pattern of writes (I-61); what the
 * client writes is its request and masked frames, a close at most once and last; its host hears open, messages and the
 * end in order, the end once; memory follows what was received.
 *
 * {A} in an input stands for the right Sec-WebSocket-Accept. The first byte picks the settings: plain mode, an answer
 * to the upgrade put in front, small limits, time that passes, a close by the host. Or it says that the rest is a
 * configuration, a line for each text: what could not stand in a request is refused, and all else makes a request that
 * holds it. */
#include <stdlib.h>
#include <string.h>

#include "util/base64.h"
#include "util/crypto.h"
#include "wire_check.h"
#include "wsm/client.h"
#include "wsm/error.h"

#define EACH_BYTE 2000u

enum { PLAIN = 1, UPGRADED = 2, SMALL = 4, WAITS = 8, RESUMES = 16, CLOSES = 32, CONFIGURES = 64 };

typedef struct end_of_wire {
    test_mem mem;
    uint64_t mono, random;
    wsm_client *client;
    size_t live, peak, sent_max;
    fuzz_cuts out_cuts;
    bool is_open, is_over, is_cut;
    fuzz_text out, told;
} end_of_wire;

static uint64_t clock_mono(void *user) {
    return ((end_of_wire *)user)->mono;
}

static int64_t clock_wall(void *user) {
    return (int64_t)((end_of_wire *)user)->mono + 1767323045678;
}

static int fill_random(void *user, void *bytes, size_t len) {
    end_of_wire *e = user;
    for (size_t i = 0; i < len; i++) ((unsigned char *)bytes)[i] = (unsigned char)fuzz_next(&e->random);
    return 0;
}

static void *wire_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    return test_alloc(&((end_of_wire *)user)->mem, ptr, old_size, new_size);
}

static void bytes_waiting(void *user, wsm_client *client) {
    (void)user, (void)client;
}

static void close_transport(void *user, wsm_client *client) {
    end_of_wire *e = user;
    (void)client;
    FUZZ_EXPECT(!e->is_cut);
    e->is_cut = true;
}

static void on_open(void *user, wsm_client *client) {
    end_of_wire *e = user;
    (void)client;
    FUZZ_EXPECT(!e->is_open && !e->is_over);
    e->is_open = true;
    fuzz_print(&e->told, "open\n");
}

static void on_message(void *user, wsm_client *client, const wsm_client_message *message) {
    end_of_wire *e = user;
    (void)client;
    FUZZ_EXPECT(!e->is_over && message->type.ptr && message->json.ptr);
    fuzz_print(&e->told, "message %.*s %llu %016llx\n", (int)message->type.len, message->type.ptr,
               (unsigned long long)message->offset,
               (unsigned long long)fuzz_hash(message->json.ptr, message->json.len));
}

static void on_data(void *user, wsm_client *client, wsm_data type, const void *bytes, size_t len) {
    end_of_wire *e = user;
    FUZZ_EXPECT(e->is_open && !e->is_over);
    FUZZ_EXPECT(wsm_client_recv(client, "x", 1) == WSM_ERR_REENTRANT);
    fuzz_print(&e->told, "data %d %zu %016llx\n", (int)type, len, (unsigned long long)fuzz_hash(bytes, len));
}

static void on_close(void *user, wsm_client *client, uint16_t code, wsm_slice reason) {
    end_of_wire *e = user;
    (void)client;
    FUZZ_EXPECT(!e->is_over);
    e->is_over = true;
    FUZZ_EXPECT(code == 1005 || code == 1006 || wire_code_may_be_sent(code));
    fuzz_print(&e->told, "close %u %016llx\n", code, (unsigned long long)fuzz_hash(reason.ptr, reason.len));
}

static void on_refused(void *user, wsm_client *client, int status, wsm_slice body) {
    end_of_wire *e = user;
    (void)client;
    FUZZ_EXPECT(!e->is_open && !e->is_over);
    fuzz_print(&e->told, "refused %d %zu %016llx\n", status, body.len,
               (unsigned long long)fuzz_hash(body.ptr, body.len));
}

/* Writes what waits, at least as far as byte `to`; and not further, if there is a cut. */
static void drain(end_of_wire *e, size_t to) {
    wsm_vec vec[3];
    size_t count;
    while (e->out.len < to && (count = wsm_client_pending(e->client, vec, 3)) > 0) {
        size_t room = e->sent_max ? e->sent_max : SIZE_MAX, sent = 0, to_cut = fuzz_piece(&e->out_cuts, e->out.len);
        if (room > to_cut) room = to_cut;
        for (size_t i = 0; i < count && room > 0; i++) {
            size_t part = vec[i].len < room ? vec[i].len : room;
            fuzz_put(&e->out, vec[i].base, part);
            sent += part;
            room -= part;
        }
        wsm_client_sent(e->client, sent);
    }
}

static void host_of(wsm_client_host *host) {
    wsm_client_host_init(host, sizeof *host);
    host->clock_mono = clock_mono;
    host->clock_wall = clock_wall;
    host->random = fill_random;
    host->alloc = wire_alloc;
    host->bytes_waiting = bytes_waiting;
    host->close_transport = close_transport;
    host->on_open = on_open;
    host->on_message = on_message;
    host->on_data = on_data;
    host->on_close = on_close;
    host->on_refused = on_refused;
}

static bool begin(end_of_wire *e, unsigned mode) {
    wsm_client_config config;
    wsm_client_host host;
    *e = (end_of_wire){.mono = 1000, .random = 11};
    fuzz_mem_begin(&e->mem);
    wsm_client_config_init(&config, sizeof config);
    host_of(&host);
    config.host = "hub.test:8002";
    config.plain = (mode & PLAIN) != 0;
    if (mode & SMALL) {
        config.message_bytes_max = 100;
        config.fragments_max = 3;
    }
    if (mode & RESUMES) {
        config.epoch = "0123456789abcdef";
        config.after = 7;
    }
    int err = wsm_client_new(&e->client, &config, &host, e);
    FUZZ_EXPECT(err == 0 || fuzz_mem_is_short(&e->mem));
    e->live = e->mem.live;
    return err == 0;
}

/* The right value for the key of the request that waits to be written, made by hand. */
static void accept_value(const end_of_wire *e, char accept[32]) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    wsm_vec request;
    FUZZ_EXPECT(wsm_client_pending(e->client, &request, 1) == 1);
    const char *key = memmem(request.base, request.len, "Sec-WebSocket-Key: ", 19);
    char seed[64];
    unsigned char digest[WSM__SHA1_LEN];
    FUZZ_EXPECT(key);
    memcpy(seed, key + 19, 24);
    memcpy(seed + 24, guid, sizeof guid - 1);
    FUZZ_EXPECT(wsm__sha1(seed, 24 + sizeof guid - 1, digest) == 0);
    accept[wsm__base64_encode(accept, digest, sizeof digest)] = '\0';
}

/* The input, {A} in it filled in with that value. */
static void expand(const end_of_wire *e, fuzz_in in, fuzz_text *text) {
    char accept[32];
    accept_value(e, accept);
    while (in.left > 0) {
        bool is_mark = in.left >= 3 && memcmp(in.at, "{A}", 3) == 0;
        wsm_slice part = fuzz_take(&in, is_mark ? 3 : 1);
        if (is_mark)
            fuzz_print(text, "%s", accept);
        else
            fuzz_put(text, part.ptr, part.len);
    }
}

/* The right answer to the request. */
static void answer_upgrade(const end_of_wire *e, unsigned mode, fuzz_text *text) {
    char accept[32];
    accept_value(e, accept);
    fuzz_print(text,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
               "Upgrade\r\n%sSec-WebSocket-Accept: %s\r\n\r\n",
               mode & PLAIN ? "" : "Sec-WebSocket-Protocol: wsm.v1\r\n", accept);
}

static void feed(end_of_wire *e, const char *bytes, size_t len) {
    char *copy = fuzz_copy(bytes, len);
    int err = wsm_client_recv(e->client, copy, len);
    FUZZ_EXPECT(err == 0 || err == WSM_ERR_CLOSED || (err == WSM_ERR_NOMEM && fuzz_mem_is_short(&e->mem)));
    free(copy);
    size_t now = e->mem.live > e->live ? e->mem.live - e->live : 0;
    if (now > e->peak) e->peak = now;
}

/* A close has room for 123 bytes of it, which end within the last character. */
static const char long_reason[] = "a reason of more than one hundred and twenty-three bytes, which is all that a close "
                                  "frame has room for: this one ends here\u00e9\u00e9\u00e9\u00e9";

static void settle(end_of_wire *e, unsigned mode, size_t sent_max) {
    e->sent_max = sent_max;
    if (mode & CLOSES) wsm_client_close(e->client, 1000, mode & SMALL ? long_reason : "bye");
    drain(e, SIZE_MAX);
    for (int i = 0; mode & WAITS && i < 40; i++) {
        int64_t next = wsm_client_tick(e->client);
        if (next < 0) break;
        FUZZ_EXPECT(next > 0 || i < 30);
        e->mono += next > 0 ? (uint64_t)next : 1;
        drain(e, SIZE_MAX);
    }
    char epoch[17];
    uint64_t position = wsm_client_position(e->client, epoch);
    fuzz_print(&e->told, "at %llu of %s, seen:", (unsigned long long)position, epoch);
    for (uint64_t i = 1; i < 40; i++) fuzz_print(&e->told, " %d", wsm_client_has_seen(e->client, i));
    wsm_client_closed(e->client);
    FUZZ_EXPECT(e->is_over); /* on_close comes, at the latest now */
}

static void leave(end_of_wire *e) {
    wsm_client_free(e->client);
    fuzz_mem_end(&e->mem);
}

static void finish(end_of_wire *e, unsigned mode, size_t sent_max) {
    settle(e, mode, sent_max);
    leave(e);
}

static void check_output(const end_of_wire *e, unsigned mode) {
    const char *frames = e->out.ptr ? memmem(e->out.ptr, e->out.len, "\r\n\r\n", 4) : NULL;
    if (!frames) return;
    frames += 4;
    wire_checks checks = {.masked = true, .json = !(mode & PLAIN)};
    wire_check_frames(frames, e->out.len - (size_t)(frames - e->out.ptr), &checks);
}

static void expect_same(const fuzz_text *a, const fuzz_text *b) {
    if (fuzz_same(a, b)) return;
    fuzz_show("one", a->ptr, a->len);
    fuzz_show("other", b->ptr, b->len);
    FUZZ_FAIL("the same for every cut");
}

static void forget(end_of_wire *e) {
    fuzz_text_free(&e->out);
    fuzz_text_free(&e->told);
}

/* ---- step by step ---- */

struct fuzz_run {
    end_of_wire e;
    unsigned mode;
    fuzz_text text;
    size_t before; /* bytes of a right answer that need no cuts: all but its last */
};

fuzz_run *fuzz_run_begin(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    fuzz_run *run = malloc(sizeof *run);
    FUZZ_EXPECT(run);
    run->mode = fuzz_u8(&in);
    run->text = (fuzz_text){0};
    if (run->mode & CONFIGURES) {
        free(run);
        return NULL;
    }
    FUZZ_EXPECT(begin(&run->e, run->mode));
    if (run->mode & UPGRADED) answer_upgrade(&run->e, run->mode, &run->text);
    run->before = run->text.len > 0 ? run->text.len - 1 : 0;
    expand(&run->e, in, &run->text);
    return run;
}

size_t fuzz_run_len(const fuzz_run *run) {
    return run->text.len - run->before;
}

size_t fuzz_run_first(const fuzz_run *run) { /* the request */
    wsm_vec request;
    return wsm_client_pending(run->e.client, &request, 1) ? request.len : 0;
}

void fuzz_run_recv(fuzz_run *run, size_t from, size_t to) {
    if (from == 0) drain(&run->e, SIZE_MAX); /* the request */
    if (from == 0 && run->before) feed(&run->e, run->text.ptr, run->before);
    feed(&run->e, run->text.ptr + run->before + from, to - from);
}

size_t fuzz_run_write(fuzz_run *run, size_t to) {
    fuzz_cut(&run->e.out_cuts, to);
    drain(&run->e, to);
    return run->e.out.len;
}

size_t fuzz_run_see(fuzz_run *run, fuzz_text *seen) {
    settle(&run->e, run->mode, 0);
    fuzz_put(seen, run->e.out.ptr, run->e.out.len);
    fuzz_put(seen, run->e.told.ptr, run->e.told.len);
    return run->e.out.len;
}

void fuzz_run_end(fuzz_run *run) {
    leave(&run->e);
    forget(&run->e);
    fuzz_text_free(&run->text);
    free(run);
}

/* ---- configurations -------------------------------------------------------------------------------------------------
 */

static bool is_visible(const char *text) {
    for (; *text; text++)
        if (*text < '!' || *text > '~') return false;
    return true;
}

static bool is_epoch_text(const char *text) {
    return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
}

/* A line of the input, terminated. To be freed. */
static char *line_of(fuzz_in *in) {
    wsm_slice line = fuzz_until(in, '\n');
    char *text = malloc(line.len + 1);
    if (!text) abort();
    if (line.len) memcpy(text, line.ptr, line.len);
    text[line.len] = '\0';
    return text;
}

static void configure(unsigned mode, fuzz_in in) {
    enum { HOST, PATH, ORIGIN, TOKEN, EPOCH, TEXTS };
    char *text[TEXTS];
    end_of_wire e = {.mono = 1000, .random = 11};
    wsm_client_config config;
    wsm_client_host host;
    for (int i = 0; i < TEXTS; i++) text[i] = line_of(&in);
    fuzz_mem_begin(&e.mem);
    wsm_client_config_init(&config, sizeof config);
    host_of(&host);
    config.plain = (mode & PLAIN) != 0;
    config.host = text[HOST];
    config.path = mode & SMALL ? NULL : text[PATH];
    config.origin = mode & WAITS ? NULL : text[ORIGIN];
    config.token = text[TOKEN];
    config.epoch = mode & RESUMES ? text[EPOCH] : NULL;
    config.after = mode & CLOSES ? UINT64_MAX : 7;
    bool is_good = *text[HOST] && is_visible(text[HOST]) && is_visible(text[TOKEN]);
    if (config.origin) is_good = is_good && is_visible(text[ORIGIN]);
    if (config.path) is_good = is_good && text[PATH][0] == '/' && is_visible(text[PATH]) && !strchr(text[PATH], '#');
    if (config.epoch && *text[EPOCH] && !config.plain)
        is_good = is_good && is_epoch_text(text[EPOCH]) && config.after == 7;
    bool is_long = strlen(text[HOST]) + strlen(text[PATH]) + strlen(text[ORIGIN]) + strlen(text[TOKEN]) > 4000;
    int err = wsm_client_new(&e.client, &config, &host, &e);
    if (!fuzz_mem_is_short(&e.mem)) FUZZ_EXPECT(is_good ? err == 0 || is_long : err == WSM_ERR_INVALID);
    if (err == 0) {
        FUZZ_EXPECT(is_good);
        drain(&e, SIZE_MAX);
        FUZZ_EXPECT(e.out.len > 4 && memcmp(e.out.ptr, "GET /", 5) == 0 && strstr(e.out.ptr, "\r\n\r\n"));
        FUZZ_EXPECT(strstr(e.out.ptr, text[HOST]) && (!config.path || strstr(e.out.ptr, text[PATH])));
        FUZZ_EXPECT(memmem(e.out.ptr, e.out.len, "\r\n\r\n", 4) == (void *)(e.out.ptr + e.out.len - 4)); /* one head */
        wsm_client_closed(e.client);
        wsm_client_free(e.client);
    }
    fuzz_mem_end(&e.mem);
    fuzz_text_free(&e.out);
    fuzz_text_free(&e.told);
    for (int i = 0; i < TEXTS; i++) free(text[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    unsigned mode = fuzz_u8(&in);
    if (mode & CONFIGURES) {
        configure(mode, in);
        return 0;
    }
    uint64_t dice = fuzz_hash(data, size), picks = dice >> 32;
    fuzz_text text = {0};
    end_of_wire whole;
    if (!begin(&whole, mode)) {
        fuzz_mem_end(&whole.mem);
        forget(&whole);
        return 0;
    }
    if (mode & UPGRADED) answer_upgrade(&whole, mode, &text);
    expand(&whole, in, &text);
    drain(&whole, SIZE_MAX); /* the request */
    if (text.len) feed(&whole, text.ptr, text.len);
    finish(&whole, mode, 0);
    check_output(&whole, mode);
    if (fuzz_fail_at == 0) FUZZ_EXPECT(whole.peak <= 4 * text.len + 32768);
    for (int round = 0; round < 3 && fuzz_fail_at == 0; round++) {
        end_of_wire cut;
        if (!fuzz_round(round, 3, picks) || (round == 0 && text.len > EACH_BYTE)) continue;
        FUZZ_EXPECT(begin(&cut, mode));
        drain(&cut, SIZE_MAX);
        for (size_t at = 0, part; at < text.len; at += part) {
            part = round == 0 ? 1 : 1 + (size_t)(fuzz_next(&dice) % (round == 1 ? 16 : text.len));
            if (part > text.len - at) part = text.len - at;
            feed(&cut, text.ptr + at, part);
        }
        finish(&cut, mode, round == 0 ? 1 : 1 + (size_t)(fuzz_next(&dice) % 40));
        expect_same(&whole.out, &cut.out);
        expect_same(&whole.told, &cut.told);
        forget(&cut);
    }
    forget(&whole);
    fuzz_text_free(&text);
    return 0;
}
