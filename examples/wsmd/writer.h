/* Text that grows: bodies of answers, metrics, the page. The first failed allocation sticks, so a writer appends and
 * asks once, at the end. */
#ifndef WSMD_WRITER_H
#define WSMD_WRITER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct writer {
    char *ptr; /* not terminated */
    size_t len;
    size_t cap;
    bool failed;
} writer;

void writer_put(writer *out, const void *bytes, size_t len);
void writer_str(writer *out, const char *string);
void writer_format(writer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void writer_quote(writer *out, const char *string); /* as a JSON string; UTF-8 passes */
void writer_free(writer *out);

#endif
