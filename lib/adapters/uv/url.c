#include "url.h"

#include <stddef.h>
#include <string.h>

#include "wsm/error.h"

static int copy(char *out, size_t cap, const char *from, size_t len) {
    if (len >= cap) return WSM_ERR_INVALID;
    memcpy(out, from, len);
    out[len] = '\0';
    return WSM_OK;
}

/* Letters, digits, '-', '.', '_' of a name; ':' too in an IPv6 address. */
static int is_host(const char *text, size_t len, int brackets) {
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    static const char ipv6[] = "0123456789abcdefABCDEF:.";
    return len > 0 && strspn(text, brackets ? ipv6 : name) >= len;
}

/* 1 to 65535, without sign or leading zero. */
static int is_port(const char *text, size_t len) {
    unsigned long port = 0;
    if (len == 0 || len > 5 || text[0] == '0') return 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') return 0;
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    return port <= 65535;
}

static int parse_authority(wsm__uv_url *url, const char *text, size_t len) {
    const char *end = text + len, *host = text, *host_end;
    int brackets = len > 0 && *text == '[';
    if (brackets) {
        host++;
        host_end = memchr(text, ']', len);
        if (!host_end) return WSM_ERR_INVALID;
    } else {
        host_end = memchr(text, ':', len);
        if (!host_end) host_end = end;
    }
    if (!is_host(host, (size_t)(host_end - host), brackets)) return WSM_ERR_INVALID;
    const char *rest = host_end + brackets;
    if (rest < end && (*rest != ':' || !is_port(rest + 1, (size_t)(end - rest - 1)))) return WSM_ERR_INVALID;
    if (copy(url->authority, sizeof url->authority, text, len)) return WSM_ERR_INVALID;
    if (copy(url->host, sizeof url->host, host, (size_t)(host_end - host))) return WSM_ERR_INVALID;
    if (rest < end) return copy(url->port, sizeof url->port, rest + 1, (size_t)(end - rest - 1));
    return copy(url->port, sizeof url->port, url->secure ? "443" : "80", url->secure ? 3 : 2);
}

/* Visible ASCII without '#': the rest has to be percent-encoded (RFC 3986, section 2). */
static int parse_path(wsm__uv_url *url, const char *text) {
    size_t slash = *text != '/';
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == '#') return WSM_ERR_INVALID;
    url->path[0] = '/';
    return copy(url->path + slash, sizeof url->path - slash, text, strlen(text));
}

int wsm__uv_url_parse(wsm__uv_url *url, const char *text) {
    if (strncmp(text, "ws://", 5) == 0)
        url->secure = 0, text += 5;
    else if (strncmp(text, "wss://", 6) == 0)
        url->secure = 1, text += 6;
    else
        return WSM_ERR_INVALID;
    size_t len = strcspn(text, "/?#");
    int err = parse_authority(url, text, len);
    return err ? err : parse_path(url, text + len);
}
