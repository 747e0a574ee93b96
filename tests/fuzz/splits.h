/* Every way to cut a transcript: see splits.c. */
#ifndef WSM_TESTS_FUZZ_SPLITS_H
#define WSM_TESTS_FUZZ_SPLITS_H

#include <stddef.h>

/* Longer streams and outputs are cut in every one place only; 0: what every check has time for. */
extern size_t splits_bytes_max;

void splits_run(const unsigned char *bytes, size_t len); /* ends the program where a cut shows */
void splits_report(const char *name);

#endif
