/* What is known of an error, from the one table in wsm/error.h, and the close codes of the protocol. */
#include "wsm/error.h"

typedef struct error_row {
    int number;
    const char *name, *code, *sentence;
} error_row;

static const error_row error_rows[] = {{WSM_OK, "OK", NULL, "success"},
#define ERROR_ROW(name, number, code, sentence) {(number), #name, (code), (sentence)},
                                       WSM_ERROR_MAP(ERROR_ROW)
#undef ERROR_ROW
};

static const error_row unknown_row = {0, "UNKNOWN", NULL, "unknown error"};

static const error_row *row_of(int err) {
    for (size_t i = 0; i < sizeof error_rows / sizeof *error_rows; i++)
        if (error_rows[i].number == err) return &error_rows[i];
    return &unknown_row;
}

const char *wsm_strerror(int err) {
    return row_of(err)->sentence;
}

const char *wsm_err_name(int err) {
    return row_of(err)->name;
}

const char *wsm_err_code(int err) {
    const char *code = row_of(err)->code;
    return code ? code : "internal";
}

uint16_t wsm_err_close_code(int err) {
    switch (err) {
    case WSM_OK: return 1000;
    case WSM_ERR_SHUTTING_DOWN: return 1001;
    case WSM_ERR_PROTOCOL:
    case WSM_ERR_HTTP: return 1002;
    case WSM_ERR_UNSUPPORTED: return 1003;
    case WSM_ERR_UTF8: return 1007;
    case WSM_ERR_BAD_JSON:
    case WSM_ERR_BAD_MESSAGE:
    case WSM_ERR_UNKNOWN_TYPE:
    case WSM_ERR_FORBIDDEN:
    case WSM_ERR_LIMIT:
    case WSM_ERR_LOOP_GUARD: return 1008;
    case WSM_ERR_TOO_LARGE: return 1009;
    case WSM_ERR_BUSY:
    case WSM_ERR_NOMEM: return 1013; /* both pass: the peer may come back */
    case WSM_ERR_UNAUTHORIZED:
    case WSM_ERR_TOKEN:
    case WSM_ERR_TOKEN_ALG:
    case WSM_ERR_TOKEN_KEY:
    case WSM_ERR_TOKEN_SIGNATURE:
    case WSM_ERR_TOKEN_CLAIM:
    case WSM_ERR_TOKEN_EARLY: return 4002;
    case WSM_ERR_TOKEN_EXPIRED: return 4003;
    case WSM_ERR_RATE_LIMITED: return 4013;
    default: return 1011;
    }
}

const char *wsm_close_name(uint16_t code) {
    switch (code) {
    case 1000: return "normal";
    case 1001: return "shutdown";
    case 1002: return "protocol";
    case 1003: return "binary";
    case 1007: return "bad_data";
    case 1008: return "policy";
    case 1009: return "too_big";
    case 1011: return "internal";
    case 1012: return "restart";
    case 1013: return "overload";
    case 4001: return "auth_timeout";
    case 4002: return "auth_failed";
    case 4003: return "token_expired";
    case 4004: return "revoked";
    case 4008: return "slow_consumer";
    case 4009: return "superseded";
    case 4010: return "session_suspect";
    case 4011: return "too_many_violations";
    case 4012: return "heartbeat_timeout";
    case 4013: return "rate_limited";
    case 4014: return "connection_limit";
    default: return "";
    }
}
