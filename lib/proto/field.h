/* One value against its row of the table. */
#ifndef WSM_LIB_PROTO_FIELD_H
#define WSM_LIB_PROTO_FIELD_H

#include "proto/messages.h"
#include "proto/phrase.h"
#include "proto/scan.h"

/* Whether a checked value, not null, is what the row says and a client may send. Strings of the kinds with an alphabet
 * of their own (names, ids, words, times) must be written without escapes, so that readers may compare bytes. */
bool wsm__field_fits(const wsm__field_row *row, wsm__json_value value);

/* The row to blame if it is not: the field's own, or that of the member of its object that is wrong or missing; NULL:
 * it fits. */
const wsm__field_row *wsm__field_fault(const wsm__field_row *row, wsm__json_value value);

/* What the row wants, as in "expected a whole number of at most 7". Depends on the row alone. */
void wsm__field_expected(const wsm__field_row *row, wsm__phrase *phrase);

/* Whether `word` is one of "a|b|c". */
bool wsm__words_have(const char *words, wsm_slice word);

#endif
