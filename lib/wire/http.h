/* HTTP/1.1 heads (RFC 9112), strictly: requests for the server's side, responses for the client's. Nothing is copied;
 * the slices point into the caller's bytes. */
#ifndef WSM_LIB_WIRE_HTTP_H
#define WSM_LIB_WIRE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

#define WSM__HTTP_HEADERS_MAX 64

typedef struct wsm__http_limits {
    uint32_t line_bytes_max;   /* request line */
    uint32_t header_bytes_max; /* all header lines */
    uint32_t headers_max;      /* at most WSM__HTTP_HEADERS_MAX */
    uint32_t body_bytes_max;
} wsm__http_limits;

typedef struct wsm__http_head {
    wsm_slice method, target, path, query; /* requests; query without `?`, absent if there is none */
    int status;                            /* responses */
    size_t headers_count;
    struct {
        wsm_slice name, value;
    } headers[WSM__HTTP_HEADERS_MAX];
    bool has_length;
    uint64_t content_length;
    bool (*more)(unsigned char); /* for wsm__http_is_more_of_it */
    size_t more_end;
} wsm__http_head;

/* Parse what has come so far. Returns the length of the whole head (> 0), 0 if more is needed, or minus the HTTP status
 * to refuse with: 400 malformed (bare CR or LF, obs-fold, space before the colon, bad characters, two Hosts or none,
 * any Transfer-Encoding, Content-Length twice or not a number), 413 body announced over the limit, 414 request line too
 * long, 431 headers too long or too many, 505 not HTTP/1.1 (1.0 as well). The verdict is the same for every cut: a
 * limit is exceeded as soon as its bytes have come. */
long wsm__http_parse_request(const char *bytes, size_t len, const wsm__http_limits *limits, wsm__http_head *head);
/* After a 0: the bytes from `from` to `len` only prolong what the parser stopped in, a name, a value or a path, and the
 * verdict is still 0. So a head that comes byte by byte is not read from its beginning for every byte. */
bool wsm__http_is_more_of_it(const wsm__http_head *head, const char *bytes, size_t from, size_t len);
/* As wsm__http_parse_request for a response; -502 for anything malformed. */
long wsm__http_parse_response(const char *bytes, size_t len, const wsm__http_limits *limits, wsm__http_head *head);

/* The value of the only header of that name, trimmed. Absent if there is none; `*repeated` (may be NULL) if more. */
wsm_slice wsm__http_header(const wsm__http_head *head, const char *name, bool *repeated);

/* Walk a comma-separated list over all headers of that name (RFC 9110, section 5.6.1); start with zeroes. */
typedef struct wsm__http_list {
    size_t header;
    size_t at;
} wsm__http_list;
bool wsm__http_list_next(const wsm__http_head *head, const char *name, wsm__http_list *walk, wsm_slice *item);

/* One value of a query `a=b&c=d`, as it stands (no percent-decoding); absent if there is none. */
wsm_slice wsm__http_query_get(wsm_slice query, const char *name);

const char *wsm__http_reason(int status); /* "Not Found" */

#endif
