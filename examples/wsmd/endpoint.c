/* Addresses through inet_pton, never through a resolver: what wsmd listens at does not depend on a name service. */
#define _POSIX_C_SOURCE 200809L
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool read_port(const char *text, uint16_t *port) {
    if (text[0] == '\0' || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text)) return false;
    unsigned long number = strtoul(text, NULL, 10);
    *port = (uint16_t)number;
    return number <= 65535;
}

bool endpoint_parse(endpoint *end, const char *text, char *why, size_t cap) {
    *end = (endpoint){.reserved = -1};
    struct in_addr four;
    struct in6_addr six;
    const char *colon = strrchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    end->is_ipv6 = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    const char *from = end->is_ipv6 ? text + 1 : text;
    if (end->is_ipv6) len -= 2;
    if (colon == NULL || len == 0 || len >= sizeof end->address || !read_port(colon + 1, &end->port)) goto fail;
    memcpy(end->address, from, len);
    end->address[len] = '\0';
    if (end->is_ipv6) {
        if (inet_pton(AF_INET6, end->address, &six) != 1) goto fail;
        end->is_loopback = IN6_IS_ADDR_LOOPBACK(&six);
    } else {
        if (inet_pton(AF_INET, end->address, &four) != 1) goto fail;
        end->is_loopback = (ntohl(four.s_addr) >> 24) == 127;
    }
    return true;
fail:
    (void)snprintf(why, cap,
                   "listen: expected ADDRESS:PORT with a numeric address, as in 127.0.0.1:8002 or [::1]:8002");
    return false;
}

static socklen_t to_sockaddr(const endpoint *end, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    if (end->is_ipv6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(end->port);
        (void)inet_pton(AF_INET6, end->address, &six->sin6_addr);
        return sizeof *six;
    }
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    four->sin_family = AF_INET;
    four->sin_port = htons(end->port);
    (void)inet_pton(AF_INET, end->address, &four->sin_addr);
    return sizeof *four;
}

bool endpoint_reserve(endpoint *end, char *why, size_t cap) {
    if (end->port != 0) return true;
    struct sockaddr_storage address;
    socklen_t len = to_sockaddr(end, &address);
    int on = 1;
    int fd = socket(end->is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    /* With SO_REUSEADDR on both, Linux lets a second socket bind as long as neither listens. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        (void)snprintf(why, cap, "no port can be had at %s: %s", end->address, strerror(errno));
        if (fd >= 0) (void)close(fd);
        return false;
    }
    end->port =
        ntohs(end->is_ipv6 ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
    end->reserved = fd;
    return true;
}

void endpoint_release(endpoint *end) {
    if (end->reserved >= 0) (void)close(end->reserved);
    end->reserved = -1;
}

void endpoint_url(const endpoint *end, const char *scheme, char *out, size_t cap) {
    const char *address = end->address;
    if (strcmp(address, "0.0.0.0") == 0) address = "127.0.0.1";
    if (strcmp(address, "::") == 0) address = "::1";
    (void)snprintf(out, cap, end->is_ipv6 ? "%s://[%s]:%u" : "%s://%s:%u", scheme, address, (unsigned)end->port);
}

bool names_has(const name_list *all, const char *text, size_t len) {
    for (size_t i = 0; i < all->count; i++) {
        if (strlen(all->list[i]) == len && memcmp(all->list[i], text, len) == 0) return true;
    }
    return false;
}

static bool names_add(name_list *all, const char *text, size_t len) {
    if (names_has(all, text, len)) return true;
    char *copy = all->count < NAMES_MAX ? malloc(len + 1) : NULL;
    if (copy == NULL) return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    all->list[all->count++] = copy;
    return true;
}

static bool names_add_list(name_list *all, const char *list) {
    for (const char *at = list; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, ",");
        const char *next = at[len] == ',' ? at + len + 1 : at + len;
        while (len > 0 && *at == ' ') at++, len--;
        while (len > 0 && at[len - 1] == ' ') len--;
        if (len > 0 && !names_add(all, at, len)) return false;
        at = next;
    }
    return true;
}

bool names_add_hosts(name_list *hosts, const endpoint *end, bool tls, const char *more) {
    const char *const own[] = {end->address, "localhost", "127.0.0.1", "::1"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        char host[80];
        int bare = snprintf(host, sizeof host, strchr(own[i], ':') != NULL ? "[%s]" : "%s", own[i]);
        if (end->port == (tls ? 443 : 80) && !names_add(hosts, host, (size_t)bare)) return false;
        int len = snprintf(host + bare, sizeof host - (size_t)bare, ":%u", (unsigned)end->port);
        if (!names_add(hosts, host, (size_t)bare + (size_t)len)) return false;
    }
    return names_add_list(hosts, more);
}

bool names_add_origins(name_list *origins, const name_list *hosts, bool tls, const char *more) {
    for (size_t i = 0; i < hosts->count; i++) {
        char origin[512];
        int len = snprintf(origin, sizeof origin, "%s://%s", tls ? "https" : "http", hosts->list[i]);
        if ((size_t)len >= sizeof origin || !names_add(origins, origin, (size_t)len)) return false;
    }
    return names_add_list(origins, more);
}

void names_free(name_list *all) {
    for (size_t i = 0; i < all->count; i++) free(all->list[i]);
    all->count = 0;
}
