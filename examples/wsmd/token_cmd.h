/* `wsmd token`: mint a token with the server's secret. */
#ifndef WSMD_TOKEN_CMD_H
#define WSMD_TOKEN_CMD_H

#include "secrets.h"

#define TOKEN_CAP 4097 /* 4 KiB, the longest that a server takes, and a NUL */

/* Sign `claims` with the first key, after filling in iat (now), exp (iat + ttl_s) and jti (random). False with a
 * sentence. */
bool token_sign(const secrets *keys, wsm_claims *claims, int64_t ttl_s, char token[TOKEN_CAP], char *why, size_t cap);

/* The subcommand; `args` are the flags after `token`. Returns the exit status. */
int token_cmd(const char *const *args, int count, const char *const *environment);

#endif
