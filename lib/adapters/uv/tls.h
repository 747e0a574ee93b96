/* TLS as an end of a stream, with a further end behind it. The only file that includes mbedTLS is tls.c. */
#ifndef WSM_UV_TLS_H
#define WSM_UV_TLS_H

#include "stream.h"

/* Certificates, key, trust and random source, shared by the sessions of a listener or a client. */
typedef struct wsm__uv_tls_config wsm__uv_tls_config;

/* WSM_ERR_INVALID (a file that cannot be used; `why` gets a sentence), WSM_ERR_RANDOM, WSM_ERR_NOMEM. */
int wsm__uv_tls_server(wsm__uv_tls_config **config, const char *cert, const char *key, char *why, size_t why_cap);
int wsm__uv_tls_client(wsm__uv_tls_config **config, const char *ca, char *why, size_t why_cap);
void wsm__uv_tls_config_free(wsm__uv_tls_config *config); /* after all its sessions; NULL does nothing */

/* A session before (ops, end), for `stream`. `hostname` is what a client checks the certificate against. A failure of
 * the session leaves a sentence in `why` (may be NULL), which must outlive it. NULL: no memory. Freed by its `closed`.
 */
typedef struct wsm__uv_tls wsm__uv_tls;
wsm__uv_tls *wsm__uv_tls_new(wsm__uv_tls_config *config, wsm__uv_stream *stream, const char *hostname,
                             const wsm__uv_end *ops, void *end, char *why, size_t why_cap);

extern const wsm__uv_end wsm__uv_tls_end;

#endif
