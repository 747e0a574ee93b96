/* Writing JSON: strings with their escapes, and members with their commas, into a buffer with a sticky error. */
#ifndef WSM_LIB_PROTO_JSON_OUT_H
#define WSM_LIB_PROTO_JSON_OUT_H

#include <stdbool.h>

#include "util/buf.h"

void wsm__json_put_string(wsm__buf *buf, wsm_slice text); /* quotes and escapes; the text must be valid UTF-8 */

/* An object under construction. `first` tells whether a comma is due. */
typedef struct wsm__json_out {
    wsm__buf *buf;
    bool first;
} wsm__json_out;

void wsm__json_open(wsm__json_out *out, wsm__buf *buf);    /* { */
void wsm__json_close(wsm__json_out *out);                  /* } */
void wsm__json_name(wsm__json_out *out, const char *name); /* "name": — the value follows by hand */
void wsm__json_str(wsm__json_out *out, const char *name, wsm_slice text);
void wsm__json_raw(wsm__json_out *out, const char *name, wsm_slice json);
void wsm__json_num(wsm__json_out *out, const char *name, uint64_t number);
void wsm__json_bool(wsm__json_out *out, const char *name, bool value);

#endif
