/* TLS 1.2 and later, by mbedTLS 2.28, or 3.1 and later. What a read brought lies in front of the session while it is
 * taken apart
 * (`in`); what the session wants written is collected in `out`, which exists only while something waits. Records are
 * made only as long as one fits into `out` as a whole, so mbedTLS never has to be asked again for the same one. */
#define _POSIX_C_SOURCE 200809L /* libuv needs pthread_rwlock_t */

#include "tls.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wsm/error.h"

#define RECORD_BYTES ((size_t)16 << 10)    /* of plain text in one record (RFC 8446, section 5.1) */
#define RECORD_ROOM  (RECORD_BYTES + 1024) /* with header, padding and tag, and a little for an alert */
#define VECS         64
#define OUT_BYTES    ((size_t)64 << 10) /* also holds any flight of a handshake that we send */

struct wsm__uv_tls_config {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_x509_crt certs; /* our chain, or the anchors of our trust */
    mbedtls_pk_context key;
    mbedtls_ssl_config ssl;
};

typedef enum tls_state {
    TLS_HANDSHAKE = 0,
    TLS_OPEN,
    TLS_ENDED /* no more records in either direction; what is in `out` still goes */
} tls_state;

struct wsm__uv_tls {
    mbedtls_ssl_context ssl;
    wsm__uv_stream *stream;
    const wsm__uv_end *ops; /* NULL: told that it is over */
    void *end;
    const unsigned char *in;
    size_t in_len;
    unsigned char *out; /* OUT_BYTES, or NULL while nothing waits; may be under way, so it is never moved */
    size_t out_from, out_to;
    tls_state state;
    int ended; /* the other side will send no more */
    int busy;  /* inside one of our calls: freed when that returns */
    char *why;
    size_t why_cap;
};

/* ---- configuration ----------------------------------------------------------------------------------------------- */

static void explain(char *why, size_t cap, const char *what, int err) {
    char text[128];
    bool is_file = err == MBEDTLS_ERR_PK_FILE_IO_ERROR || err == MBEDTLS_ERR_X509_FILE_IO_ERROR;
    mbedtls_strerror(err, text, sizeof text);
    if (cap > 0) snprintf(why, cap, "%s: %s", what, is_file && errno ? strerror(errno) : text);
}

void wsm__uv_tls_config_free(wsm__uv_tls_config *config) {
    if (!config) return;
    mbedtls_ssl_config_free(&config->ssl);
    mbedtls_pk_free(&config->key);
    mbedtls_x509_crt_free(&config->certs);
    mbedtls_ctr_drbg_free(&config->random);
    mbedtls_entropy_free(&config->entropy);
    free(config);
}

static void set_versions(mbedtls_ssl_config *ssl) {
#if MBEDTLS_VERSION_NUMBER >= 0x03020000
    mbedtls_ssl_conf_min_tls_version(ssl, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    mbedtls_ssl_conf_min_version(ssl, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
    mbedtls_ssl_conf_renegotiation(ssl, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
}

/* Everything but certificates. */
static int config_new(wsm__uv_tls_config **made, int endpoint) {
    wsm__uv_tls_config *config = calloc(1, sizeof *config);
    if (!config) return WSM_ERR_NOMEM;
    mbedtls_entropy_init(&config->entropy);
    mbedtls_ctr_drbg_init(&config->random);
    mbedtls_x509_crt_init(&config->certs);
    mbedtls_pk_init(&config->key);
    mbedtls_ssl_config_init(&config->ssl);
    *made = config;
#if MBEDTLS_VERSION_MAJOR >= 3
    if (psa_crypto_init() != PSA_SUCCESS) return WSM_ERR_RANDOM; /* TLS 1.3 rests on it */
#endif
    if (mbedtls_ctr_drbg_seed(&config->random, mbedtls_entropy_func, &config->entropy, NULL, 0)) return WSM_ERR_RANDOM;
    if (mbedtls_ssl_config_defaults(&config->ssl, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT))
        return WSM_ERR_NOMEM;
    mbedtls_ssl_conf_rng(&config->ssl, mbedtls_ctr_drbg_random, &config->random);
    set_versions(&config->ssl);
    return WSM_OK;
}

static int parse_key(wsm__uv_tls_config *config, const char *path) {
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_pk_parse_keyfile(&config->key, path, NULL, mbedtls_ctr_drbg_random, &config->random);
#else
    return mbedtls_pk_parse_keyfile(&config->key, path, NULL);
#endif
}

static int key_fits(wsm__uv_tls_config *config) {
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_pk_check_pair(&config->certs.pk, &config->key, mbedtls_ctr_drbg_random, &config->random);
#else
    return mbedtls_pk_check_pair(&config->certs.pk, &config->key);
#endif
}

/* Lack of memory has many codes in mbedTLS, and some that say something else: a file that could not be opened, a name
 * that is malformed. The C library is plain about it. */
static int error_of_file(void) {
    return errno == ENOMEM ? WSM_ERR_NOMEM : WSM_ERR_INVALID;
}

/* A positive result of the parser counts certificates that it could not read beside others that it could: nothing
 * unusual among the world's trust anchors, but an error in our own chain. */
static int load(wsm__uv_tls_config *config, const char *certs, const char *key, char *why, size_t why_cap) {
    errno = 0;
    int err = mbedtls_x509_crt_parse_file(&config->certs, certs);
    if (err < 0 || (err > 0 && (key || errno == ENOMEM))) {
        explain(why, why_cap, certs, err < 0 ? err : MBEDTLS_ERR_X509_INVALID_FORMAT);
        return error_of_file();
    }
    if (!key) return WSM_OK;
    errno = 0;
    err = parse_key(config, key);
    if (!err) err = key_fits(config);
    if (!err) err = mbedtls_ssl_conf_own_cert(&config->ssl, &config->certs, &config->key);
    if (!err) return WSM_OK;
    explain(why, why_cap, key, err);
    return error_of_file();
}

int wsm__uv_tls_server(wsm__uv_tls_config **config, const char *cert, const char *key, char *why, size_t why_cap) {
    wsm__uv_tls_config *made = NULL;
    int err = config_new(&made, MBEDTLS_SSL_IS_SERVER);
    if (!err) err = load(made, cert, key, why, why_cap);
    if (err) {
        wsm__uv_tls_config_free(made);
        return err;
    }
    mbedtls_ssl_conf_authmode(&made->ssl, MBEDTLS_SSL_VERIFY_NONE);
    *config = made;
    return WSM_OK;
}

int wsm__uv_tls_client(wsm__uv_tls_config **config, const char *ca, char *why, size_t why_cap) {
    wsm__uv_tls_config *made = NULL;
    int err = config_new(&made, MBEDTLS_SSL_IS_CLIENT);
    if (!err) err = load(made, ca, NULL, why, why_cap);
    if (err) {
        wsm__uv_tls_config_free(made);
        return err;
    }
    mbedtls_ssl_conf_authmode(&made->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&made->ssl, &made->certs, NULL);
    *config = made;
    return WSM_OK;
}

/* ---- a session --------------------------------------------------------------------------------------------------- */

static int bio_send(void *user, const unsigned char *bytes, size_t len) {
    wsm__uv_tls *tls = user;
    if (!tls->out) {
        tls->out = malloc(OUT_BYTES);
        if (!tls->out) return MBEDTLS_ERR_SSL_ALLOC_FAILED;
        tls->out_from = tls->out_to = 0;
    }
    size_t room = OUT_BYTES - tls->out_to;
    if (room == 0) return MBEDTLS_ERR_SSL_WANT_WRITE;
    if (len > room) len = room;
    memcpy(tls->out + tls->out_to, bytes, len);
    tls->out_to += len;
    return (int)len;
}

static int bio_recv(void *user, unsigned char *bytes, size_t len) {
    wsm__uv_tls *tls = user;
    if (tls->in_len == 0) return MBEDTLS_ERR_SSL_WANT_READ;
    if (len > tls->in_len) len = tls->in_len;
    memcpy(bytes, tls->in, len);
    tls->in += len;
    tls->in_len -= len;
    return (int)len;
}

wsm__uv_tls *wsm__uv_tls_new(wsm__uv_tls_config *config, wsm__uv_stream *stream, const char *hostname,
                             const wsm__uv_end *ops, void *end, char *why, size_t why_cap) {
    wsm__uv_tls *tls = calloc(1, sizeof *tls);
    if (!tls) return NULL;
    mbedtls_ssl_init(&tls->ssl);
    if (mbedtls_ssl_setup(&tls->ssl, &config->ssl) || (hostname && mbedtls_ssl_set_hostname(&tls->ssl, hostname))) {
        mbedtls_ssl_free(&tls->ssl);
        free(tls);
        return NULL;
    }
    mbedtls_ssl_set_bio(&tls->ssl, tls, bio_send, bio_recv, NULL);
    tls->stream = stream;
    tls->ops = ops;
    tls->end = end;
    tls->why = why;
    tls->why_cap = why ? why_cap : 0;
    return tls;
}

static void destroy(wsm__uv_tls *tls) {
    mbedtls_ssl_free(&tls->ssl);
    free(tls->out);
    free(tls);
}

/* mbedTLS has left the alert that fits in `out`; it still goes. */
static void fail(wsm__uv_tls *tls, int err) {
    if (err == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && tls->why_cap > 0) {
        mbedtls_x509_crt_verify_info(tls->why, tls->why_cap, "", mbedtls_ssl_get_verify_result(&tls->ssl));
        tls->why[strcspn(tls->why, "\n")] = '\0';
    } else {
        explain(tls->why, tls->why_cap, "TLS", err);
    }
    tls->state = TLS_ENDED;
    wsm__uv_stream_close(tls->stream);
}

static void handshake(wsm__uv_tls *tls) {
    int ret = mbedtls_ssl_handshake(&tls->ssl);
    if (ret == 0)
        tls->state = TLS_OPEN;
    else if (ret != MBEDTLS_ERR_SSL_WANT_READ)
        fail(tls, ret);
}

static void end_of_input(wsm__uv_tls *tls) {
    if (tls->ended || !tls->ops) return;
    tls->ended = 1;
    tls->ops->eof(tls->end);
}

static int is_notice(int ret) {
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
    if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) return 1;
#endif
    (void)ret;
    return 0;
}

/* Take apart all of `in`. */
static void read_records(wsm__uv_tls *tls) {
    unsigned char plain[RECORD_BYTES];
    if (tls->state == TLS_HANDSHAKE) handshake(tls);
    while (tls->state == TLS_OPEN && tls->ops && !tls->ended) {
        int ret = mbedtls_ssl_read(&tls->ssl, plain, sizeof plain);
        if (ret > 0)
            tls->ops->recv(tls->end, plain, (size_t)ret);
        else if (ret == MBEDTLS_ERR_SSL_WANT_READ)
            return;
        else if (ret == 0 || ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
            end_of_input(tls);
        else if (!is_notice(ret))
            fail(tls, ret);
    }
}

/* Up to a record's worth of what is behind us, in one piece: many small frames become one record. */
static size_t collect(wsm__uv_tls *tls, unsigned char plain[RECORD_BYTES]) {
    wsm_vec vecs[VECS];
    size_t len = 0, count = tls->ops->pending(tls->end, vecs, VECS);
    for (size_t i = 0; i < count && len < RECORD_BYTES; i++) {
        size_t n = vecs[i].len < RECORD_BYTES - len ? vecs[i].len : RECORD_BYTES - len;
        memcpy(plain + len, vecs[i].base, n);
        len += n;
    }
    return len;
}

static void write_records(wsm__uv_tls *tls) {
    unsigned char plain[RECORD_BYTES];
    while (tls->state == TLS_OPEN && tls->ops && OUT_BYTES - tls->out_to >= RECORD_ROOM) {
        size_t len = collect(tls, plain);
        if (len == 0) return;
        int ret = mbedtls_ssl_write(&tls->ssl, plain, len);
        if (ret < 0)
            fail(tls, ret);
        else
            tls->ops->sent(tls->end, (size_t)ret); /* encrypted counts as written: less than OUT_BYTES run ahead */
    }
}

/* ---- as an end --------------------------------------------------------------------------------------------------- */

/* Any call to the end behind us may close the stream, and with it us: then the outermost call frees. */
static int leave(wsm__uv_tls *tls) {
    tls->busy = 0;
    if (tls->ops) return 0;
    destroy(tls);
    return 1;
}

static void tls_recv(void *end, const void *bytes, size_t len) {
    wsm__uv_tls *tls = end;
    tls->in = bytes;
    tls->in_len = len;
    tls->busy = 1;
    read_records(tls);
    /* The handshake may have gone on, or ended and let through what waits behind it. */
    if (!leave(tls)) wsm__uv_stream_mark(tls->stream);
}

static size_t tls_pending(void *end, wsm_vec *vec, size_t cap) {
    wsm__uv_tls *tls = end;
    tls->busy = 1;
    if (tls->state == TLS_HANDSHAKE) handshake(tls);
    write_records(tls);
    if (leave(tls) || tls->out_from == tls->out_to || cap == 0) return 0;
    vec[0].base = tls->out + tls->out_from;
    vec[0].len = tls->out_to - tls->out_from;
    return 1;
}

static void tls_sent(void *end, size_t len) {
    wsm__uv_tls *tls = end;
    tls->out_from += len;
    if (tls->out_from < tls->out_to) return;
    free(tls->out);
    tls->out = NULL;
    tls->out_from = tls->out_to = 0;
}

static void tls_eof(void *end) {
    wsm__uv_tls *tls = end;
    tls->busy = 1;
    end_of_input(tls);
    leave(tls);
}

static void tls_finish(void *end) {
    wsm__uv_tls *tls = end;
    if (tls->state == TLS_OPEN) mbedtls_ssl_close_notify(&tls->ssl);
    tls->state = TLS_ENDED;
}

static void tls_closed(void *end) {
    wsm__uv_tls *tls = end;
    const wsm__uv_end *ops = tls->ops;
    tls->ops = NULL;
    ops->closed(tls->end);
    if (!tls->busy) destroy(tls);
}

const wsm__uv_end wsm__uv_tls_end = {.recv = tls_recv,
                                     .pending = tls_pending,
                                     .sent = tls_sent,
                                     .eof = tls_eof,
                                     .finish = tls_finish,
                                     .closed = tls_closed};
