/* What all fuzz targets share: the entry, expectations that end the program, reading an input piece by piece, and the
 * allocator that fails when the driver says so.
 *
 * A target is one file, fuzz_NAME.c, with LLVMFuzzerTestOneInput. Linked with libFuzzer it is fuzzed; linked with
 * driver.c it runs its corpus as an ordinary test. What a target expects beyond "no crash" is named after the invariant
 * (I-60 ...) in its head. */
#ifndef WSM_TESTS_FUZZ_H
#define WSM_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem_fault.h"
#include "wsm/types.h"

#define FUZZ_INPUT_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct fuzz_text {
    char *ptr; /* terminated; NULL while empty */
    size_t len, cap;
} fuzz_text;

/* Where a stream of bytes is cut: rising places, none twice. */
#define FUZZ_CUTS_MAX 3
typedef struct fuzz_cuts {
    size_t at[FUZZ_CUTS_MAX];
    size_t count;
} fuzz_cuts;
void fuzz_cut(fuzz_cuts *cuts, size_t at);           /* behind the last, or the last once more */
size_t fuzz_piece(const fuzz_cuts *cuts, size_t at); /* bytes from `at` to the next cut; SIZE_MAX: there is none */

/* Targets whose input is a stream have these too, for `--splits` of the driver: one run of an input, step by step. All
 * that a run knows lies in memory of malloc, so that the driver can go back to a step (rewind.h). */
typedef struct fuzz_run fuzz_run;
/* Up to the first byte of the stream. NULL: the input is none. */
fuzz_run *fuzz_run_begin(const uint8_t *data, size_t size) __attribute__((weak));
size_t fuzz_run_len(const fuzz_run *run) __attribute__((weak));   /* bytes of the stream */
size_t fuzz_run_first(const fuzz_run *run) __attribute__((weak)); /* bytes that are written before any is received */
/* One call with bytes of the stream, after the end of the call before. */
void fuzz_run_recv(fuzz_run *run, size_t from, size_t to) __attribute__((weak));
/* A write ends at byte `to` of the output. What waits before it is written; returns how much that makes in all. */
size_t fuzz_run_write(fuzz_run *run, size_t to) __attribute__((weak));
/* Everything is written, time passes. All that was observed is added to `seen`; returns how long the output was. */
size_t fuzz_run_see(fuzz_run *run, fuzz_text *seen) __attribute__((weak));
void fuzz_run_end(fuzz_run *run) __attribute__((weak)); /* nothing may be left */

/* Ends the program with a message, as a crash would: the input is then kept by libFuzzer, or named by the driver. */
#define FUZZ_EXPECT(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))
#define FUZZ_FAIL(what)        fuzz_broken(__FILE__, __LINE__, what)
_Noreturn void fuzz_broken(const char *file, int line, const char *what);
void fuzz_show(const char *name, const void *bytes, size_t len); /* to stderr, escaped: before fuzz_broken */

/* Targets that cut an input in several ways do all of them in the driver, and one that the input picks where libFuzzer
 * makes many inputs of each. */
extern bool fuzz_is_thorough;
bool fuzz_round(int round, int rounds, uint64_t dice); /* whether it is wanted */

/* ---- an input, read from the front; at its end everything is 0 or empty ---- */

typedef struct fuzz_in {
    const uint8_t *at;
    size_t left;
} fuzz_in;

uint8_t fuzz_u8(fuzz_in *in);
uint16_t fuzz_u16(fuzz_in *in);
size_t fuzz_below(fuzz_in *in, size_t count); /* 0..count-1, from one byte; count at most 256 */
wsm_slice fuzz_take(fuzz_in *in, size_t len); /* at most that many */
wsm_slice fuzz_until(fuzz_in *in, char end);  /* up to and without the next `end`, which is passed */

/* A number that depends on every byte, to derive cuts and choices from. */
uint64_t fuzz_hash(const void *bytes, size_t len);
/* The next number of a sequence; the same on every machine. */
uint64_t fuzz_next(uint64_t *state);

/* A copy that ends where its block ends, so that a read behind it shows under ASan. Freed with free. */
char *fuzz_copy(const void *bytes, size_t len);

/* ---- text that grows ---- */

void fuzz_put(fuzz_text *text, const void *bytes, size_t len);
void fuzz_print(fuzz_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fuzz_text_free(fuzz_text *text);
bool fuzz_same(const fuzz_text *a, const fuzz_text *b);

/* ---- memory that may fail (I-64, I-65) ---- */

/* What the driver asks of the run: the allocation that fails, from 1; 0: none. */
extern size_t fuzz_fail_at;
extern int fuzz_fail_forever;
/* Set when an allocation was made to fail in the run: answers may then be missing, so only safety is expected. */
extern bool fuzz_failed;
extern bool fuzz_counts; /* the target has its memory from here */

void fuzz_mem_begin(test_mem *mem);
bool fuzz_mem_is_short(const test_mem *mem); /* an allocation of this one has failed */
void fuzz_mem_end(test_mem *mem);            /* nothing may be left */

#endif
