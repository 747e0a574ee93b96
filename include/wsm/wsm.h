/* All of libwsm's core. The adapters have headers of their own: <wsm/uv.h>, <wsm/sqlite.h>. */
#ifndef WSM_WSM_H
#define WSM_WSM_H

#include "client.h"
#include "conn.h"
#include "error.h"
#include "host.h"
#include "hub.h"
#include "json.h"
#include "log.h"
#include "token.h"
#include "types.h"
#include "version.h"

#endif
