/* The HTTP side of wsmd: which path does what, and how answers look. Errors are JSON,
 * {"error":{"code":...,"message":...,"field":...}}, and repeat nothing of the request but the name of a field. */
#ifndef WSMD_HTTP_H
#define WSMD_HTTP_H

#include "server.h"
#include "writer.h"

/* A request that is no upgrade (wsm_host.on_request). */
void http_take(server *all, wsm_request *request);

#define HTTP_JSON NULL /* the type of an answer that says nothing else */

/* Answer with `body`, which is freed. `headers` are more lines, or NULL. */
void http_reply(wsm_request *request, int status, const char *type, const char *headers, writer *body);
/* Answer with an error of the library. `message` NULL: its sentence; `field` NULL: none; retry_after_ms 0: a second
 * where the error says "later". */
void http_fail(wsm_request *request, int err, const char *message, const char *field, uint64_t retry_after_ms);

/* http_store.c */
void store_take(server *all, wsm_request *request);
void store_result(server *all, const wsm_result *result);

/* http_read.c */
void read_take(server *all, wsm_request *request);
void read_page(server *all, const wsm_page *page);

/* http_wait.c: a request has ended, and the hub has gone. */
void http_request_end(wsm_request *request);
void http_free(server *all);

/* http_info.c: what needs no token. */
void info_health(server *all, wsm_request *request);
void info_ready(server *all, wsm_request *request);
void info_metrics(server *all, wsm_request *request);
void info_page(server *all, wsm_request *request);

#endif
