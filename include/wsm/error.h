/* Errors. Every function of the library that can fail returns 0 or one of these, which are all negative.
 *
 * Ranges by layer: -1 use of the API, -100 protocol and commands (these have a wire code), -200 transport and wire,
 * -300 tokens, -400 the log, -900 fatal. One table, WSM_ERROR_MAP, yields number, name and sentence. */
#ifndef WSM_ERROR_H
#define WSM_ERROR_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, number, wire code or NULL, sentence) */
#define WSM_ERROR_MAP(X)                                                                                               \
    X(INVALID, -1, NULL, "an argument is not valid")                                                                   \
    X(STATE, -2, NULL, "the object is not in a state that allows this call")                                           \
    X(REENTRANT, -3, NULL, "this call is not allowed inside a callback")                                               \
    X(VERSION, -4, NULL, "a struct is larger than this library knows and its surplus is not zero")                     \
    X(CLOSED, -5, NULL, "the connection is closed")                                                                    \
    X(PENDING, -6, NULL, "the answer comes later")                                                                     \
    X(BAD_JSON, -101, "bad_json", "not strict JSON")                                                                   \
    X(BAD_MESSAGE, -102, "bad_message", "a field is missing, surplus or of the wrong type")                            \
    X(UNKNOWN_TYPE, -103, "unknown_type", "no message has this type")                                                  \
    X(TOO_LARGE, -104, "too_large", "larger than the limit")                                                           \
    X(UNAUTHORIZED, -105, "unauthorized", "not authenticated")                                                         \
    X(TOKEN_EXPIRED, -106, "token_expired", "the token has expired")                                                   \
    X(FORBIDDEN, -107, "forbidden", "not allowed")                                                                     \
    X(NOT_FOUND, -108, "not_found", "there is no such thing")                                                          \
    X(CONFLICT, -109, "conflict", "in conflict with the present state")                                                \
    X(ID_CONFLICT, -110, "id_conflict", "this message_id was used for other content")                                  \
    X(INVALID_TRANSITION, -111, "invalid_transition", "the status does not allow this change")                         \
    X(LIMIT, -112, "limit", "a limit is reached")                                                                      \
    X(RATE_LIMITED, -113, "rate_limited", "too many messages")                                                         \
    X(LOOP_GUARD, -114, "loop_guard", "a chain of messages is too long")                                               \
    X(UNKNOWN_AGENT, -115, "unknown_agent", "no agent has this name")                                                  \
    X(AMBIGUOUS_AGENT, -116, "ambiguous_agent", "several agents have this name")                                       \
    X(MAILBOX_FULL, -117, "mailbox_full", "the agent's mailbox is full")                                               \
    X(RESYNC_REQUIRED, -118, "resync_required", "the position is unknown here")                                        \
    X(STORE_FAILED, -119, "store_failed", "the record could not be kept")                                              \
    X(BUSY, -120, "busy", "not now, try again")                                                                        \
    X(SHUTTING_DOWN, -121, "shutting_down", "the hub is shutting down")                                                \
    X(UNSUPPORTED, -122, "unsupported", "not supported here")                                                          \
    X(INTERNAL, -123, "internal", "an error inside the hub")                                                           \
    X(PROTOCOL, -201, NULL, "the peer broke the WebSocket protocol")                                                   \
    X(UTF8, -202, NULL, "text is not valid UTF-8")                                                                     \
    X(HTTP, -203, NULL, "the peer broke HTTP/1.1")                                                                     \
    X(REFUSED, -204, NULL, "the server refused the upgrade")                                                           \
    X(TOKEN, -301, NULL, "the token is not valid")                                                                     \
    X(TOKEN_ALG, -302, NULL, "the token's algorithm is not HS256")                                                     \
    X(TOKEN_KEY, -303, NULL, "no key fits the token")                                                                  \
    X(TOKEN_SIGNATURE, -304, NULL, "the token's signature is wrong")                                                   \
    X(TOKEN_CLAIM, -305, NULL, "a claim of the token is missing or not acceptable")                                    \
    X(TOKEN_EARLY, -306, NULL, "the token is not valid yet")                                                           \
    X(LOG_CORRUPT, -401, NULL, "a record of the log is corrupt")                                                       \
    X(LOG_FORMAT, -402, NULL, "the log's store is of a format this library does not know")                             \
    X(LOG_LOCKED, -403, NULL, "the log's store is in use by another process")                                          \
    X(LOG_IO, -404, NULL, "the log's store could not be read or written")                                              \
    X(RANDOM, -901, NULL, "the host's random source failed")                                                           \
    X(NOMEM, -902, NULL, "out of memory, or over the hub's budget")

typedef enum wsm_err {
    WSM_OK = 0,
#define WSM_ERROR_ENUM(name, number, code, sentence) WSM_ERR_##name = (number),
    WSM_ERROR_MAP(WSM_ERROR_ENUM)
#undef WSM_ERROR_ENUM
} wsm_err;

/* The sentence of an error, for people. Static; never NULL ("unknown error" for a number that is none). Any thread. */
WSM_API const char *wsm_strerror(int err);

/* The name of an error without its prefix, as in "RATE_LIMITED"; "OK" for 0, "UNKNOWN" for a number that is none.
 * Static; never NULL. Any thread. */
WSM_API const char *wsm_err_name(int err);

/* The code that `error` messages carry for it (wsm-protocol(7)), as in "rate_limited". Static; never NULL. An error
 * that has no code of its own on the wire yields "internal", and so does 0. Any thread. */
WSM_API const char *wsm_err_code(int err);

/* The WebSocket close code (RFC 6455, section 7.4) that fits an error; 1000 for 0, 1011 where none fits better. What
 * the library finds in frames itself (1002, 1003, 1007, 1009) is not for wsm_conn_close. Any thread. */
WSM_API uint16_t wsm_err_close_code(int err);

/* The short ASCII name of a close code, as in "slow_consumer" for 4008; "" for a code the protocol does not use.
 * Static. Any thread. */
WSM_API const char *wsm_close_name(uint16_t code);

#ifdef __cplusplus
}
#endif

#endif
