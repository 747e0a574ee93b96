/* Base64 (RFC 4648): the standard alphabet with padding for the handshake, the URL-safe one without for tokens. */
#ifndef WSM_LIB_UTIL_BASE64_H
#define WSM_LIB_UTIL_BASE64_H

#include <stddef.h>

#define WSM__BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* Write the text of `len` bytes to `out` (room WSM__BASE64_LEN), not terminated; returns its length. */
size_t wsm__base64_encode(char *out, const void *bytes, size_t len);
size_t wsm__base64url_encode(char *out, const void *bytes, size_t len);

/* Strict: canonical length and alphabet, unused bits zero; padding exactly right, or none for the URL form. Writes at
 * most len / 4 * 3 + 2 bytes, returns their number, or -1. */
long wsm__base64_decode(unsigned char *out, const char *text, size_t len);
long wsm__base64url_decode(unsigned char *out, const char *text, size_t len);

#endif
