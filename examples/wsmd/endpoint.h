/* Where wsmd listens, and the names by which it answers there: the values of Host and Origin that it accepts. */
#ifndef WSMD_ENDPOINT_H
#define WSMD_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct endpoint {
    char address[48]; /* numeric, without brackets */
    uint16_t port;
    bool is_ipv6;
    bool is_loopback;
    int reserved; /* a socket that holds a port which the system chose, or -1 */
} endpoint;

/* Read "ADDR:PORT" or "[ADDR]:PORT", numeric. False with a sentence in `why`. */
bool endpoint_parse(endpoint *end, const char *text, char *why, size_t cap);

/* Port 0: let the system choose one now, and hold it until endpoint_release, because the names below must be known
 * before the hub is made. The held socket does not listen, so the real listener may bind beside it. */
bool endpoint_reserve(endpoint *end, char *why, size_t cap);
void endpoint_release(endpoint *end);

/* "http://127.0.0.1:8002"; an address that stands for all becomes loopback, so that the URL can be opened here. */
void endpoint_url(const endpoint *end, const char *scheme, char *out, size_t cap);

/* A list of texts, each allocated. */
#define NAMES_MAX 64
typedef struct name_list {
    char *list[NAMES_MAX];
    size_t count;
} name_list;

/* The values of Host: the address itself, localhost, both loopbacks, and `more` (comma-separated, or NULL). A port that
 * is the scheme's own may be missing in a Host, so such names stand twice. False: too many, or no memory. */
bool names_add_hosts(name_list *hosts, const endpoint *end, bool tls, const char *more);
/* The values of Origin: those hosts with their scheme, and `more`. */
bool names_add_origins(name_list *origins, const name_list *hosts, bool tls, const char *more);
bool names_has(const name_list *all, const char *text, size_t len);
void names_free(name_list *all);

#endif
