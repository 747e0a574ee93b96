/* The types that every other public header needs: handles, vectors, slices, and the enumerations of the protocol. */
#ifndef WSM_TYPES_H
#define WSM_TYPES_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define WSM_API __attribute__((visibility("default")))
#else
#define WSM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Every struct that host and library exchange begins with `size_t size` and is made by the function of its name that
 * ends with _init, which is told sizeof the struct as the caller knows it: it fills in the defaults and the size, and
 * does nothing for NULL or a size too small to hold itself. Such a struct only ever grows at its end. One that is
 * larger than this library knows is taken if what is surplus is zero, else it is WSM_ERR_VERSION; one without a size is
 * WSM_ERR_INVALID. The library copies what it is given, and keeps no pointer to it. */

/* Opaque handles. A hub and everything that hangs on it belongs to the one thread that ticks it; only the functions
 * that say "any thread" may be called from elsewhere. */
typedef struct wsm_hub wsm_hub;
typedef struct wsm_conn wsm_conn;
typedef struct wsm_client wsm_client;
typedef struct wsm_request wsm_request;

/* A run of bytes to be written. Laid out as POSIX `struct iovec`, so an array of them can be handed to writev(). */
typedef struct wsm_vec {
    const void *base;
    size_t len;
} wsm_vec;

/* Borrowed text: `len` bytes at `ptr`, not terminated. An absent text has ptr == NULL. */
typedef struct wsm_slice {
    const char *ptr;
    size_t len;
} wsm_slice;

/* What a connection may do (claim `permission`). */
typedef enum wsm_permission { WSM_PERMISSION_OBSERVER = 0, WSM_PERMISSION_ACTIVE = 1 } wsm_permission;

/* Who stands behind an agent id (claim `kind`). Decides the default length of its queue. */
typedef enum wsm_kind { WSM_KIND_AGENT = 0, WSM_KIND_HUMAN = 1, WSM_KIND_SERVICE = 2 } wsm_kind;

/* What a connection is for (claim `purpose`). */
typedef enum wsm_purpose { WSM_PURPOSE_PRIMARY = 0, WSM_PURPOSE_OBSERVER = 1, WSM_PURPOSE_BACKUP = 2 } wsm_purpose;

/* Priority of a message. 0 means "the default", which is normal. `urgent` is `high` that interrupts: mentions have it,
 * and wsm_conn_send; a memory update has not. */
typedef enum wsm_priority {
    WSM_PRIORITY_DEFAULT = 0,
    WSM_PRIORITY_BACKGROUND = 1,
    WSM_PRIORITY_LOW = 2,
    WSM_PRIORITY_NORMAL = 3,
    WSM_PRIORITY_HIGH = 4,
    WSM_PRIORITY_URGENT = 5,
    WSM_PRIORITY_CRITICAL = 6
} wsm_priority;

/* The two data opcodes of RFC 6455, section 5.6, for peers in plain mode. */
typedef enum wsm_data { WSM_DATA_TEXT = 1, WSM_DATA_BINARY = 2 } wsm_data;

#ifdef __cplusplus
}
#endif

#endif
