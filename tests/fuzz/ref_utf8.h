/* A reference for UTF-8: table 3-7 of the Unicode standard, taken literally. */
#ifndef WSM_TESTS_FUZZ_REF_UTF8_H
#define WSM_TESTS_FUZZ_REF_UTF8_H

#include <stddef.h>

/* Bytes of the longest prefix that consists of whole characters. */
size_t ref_utf8_valid_len(const void *bytes, size_t len);
/* Bytes of the longest prefix that some text could begin with: whole characters and perhaps the start of another. */
size_t ref_utf8_possible_len(const void *bytes, size_t len);

#endif
