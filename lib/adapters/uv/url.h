/* URLs of WebSockets (RFC 6455, section 3). */
#ifndef WSM_UV_URL_H
#define WSM_UV_URL_H

#define WSM__UV_HOST_MAX 255 /* RFC 1035, section 2.3.4 */
#define WSM__UV_PATH_MAX 2047

typedef struct wsm__uv_url {
    int secure;
    char authority[WSM__UV_HOST_MAX + 9]; /* as in the URL, for the Host header: brackets, and a port if it was given */
    char host[WSM__UV_HOST_MAX + 1];      /* without brackets */
    char port[6];                         /* given, or 80 or 443 */
    char path[WSM__UV_PATH_MAX + 1];      /* with its query; "/" if it was empty */
} wsm__uv_url;

/* WSM_ERR_INVALID: no such URL. User names, passwords and fragments are refused. */
int wsm__uv_url_parse(wsm__uv_url *url, const char *text);

#endif
