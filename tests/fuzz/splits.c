/* Every way to receive a transcript in two, three and four pieces, and every way to write what comes out: all must be
 * observed as the same (I-60, I-61).
 *
 * A stream of n bytes has n * n / 2 ways to be cut twice. So a run goes on from where it was cut first, again and again
 * for every second cut, and the hub that it needs is made once for each transcript. Where memory cannot be rewound each
 * run begins anew; then only short streams are cut twice. */
#include "splits.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "rewind.h"

/* The cost of a transcript grows with the square of its length: what says the same in less is a better one. */
#define IN_MAX  800u
#define OUT_MAX 4096u

#define TWO_OF_INPUT_MAX  280u
#define TWO_OF_OUTPUT_MAX 140u
#define TWO_ANEW_MAX      48u
#define THREE_MAX         50u

size_t splits_bytes_max;

/* Of the input, and of the output. */
typedef struct tally {
    unsigned long long ways[FUZZ_CUTS_MAX + 1];
    unsigned transcripts[FUZZ_CUTS_MAX + 1]; /* cut in every so many places */
} tally;

typedef struct transcript {
    const unsigned char *bytes;
    size_t len;
    size_t in, out;
    size_t first; /* bytes of the output that wait before anything is received */
    fuzz_text whole;
} transcript;

/* A run at the last of its cuts. */
typedef struct place {
    const transcript *t;
    fuzz_run *run; /* NULL, where memory is not rewound: has ended */
    size_t at[FUZZ_CUTS_MAX];
    bool of_input;
} place;

static tally inputs, outputs;
static unsigned streams;
static bool rewinds;
static fuzz_text seen; /* its memory is not rewound */

/* ---- one run ---- */

/* From cut number `cut` - 1, or the beginning, to cut number `cut`. */
static void go(place *p, size_t cut) {
    size_t from = cut > 0 ? p->at[cut - 1] : 0, to = p->at[cut];
    if (p->of_input) {
        fuzz_run_recv(p->run, from, to);
        return;
    }
    if (from <= p->t->first && to > p->t->first) fuzz_run_recv(p->run, 0, p->t->in);
    fuzz_run_write(p->run, to);
}

/* Back to where `cuts` cuts have been made. */
static void go_back(place *p, size_t cuts) {
    if (rewinds) {
        rewind_to((int)cuts);
        return;
    }
    if (p->run) return;
    p->run = fuzz_run_begin(p->t->bytes, p->t->len);
    for (size_t i = 0; i < cuts; i++) go(p, i);
}

static void finish(place *p, size_t cuts) {
    const transcript *t = p->t;
    size_t last = p->at[cuts - 1];
    if (p->of_input)
        fuzz_run_recv(p->run, last, t->in);
    else if (last <= t->first)
        fuzz_run_recv(p->run, 0, t->in);
    seen.len = 0;
    fuzz_run_see(p->run, &seen);
    if (cuts == 1 || !rewinds) fuzz_run_end(p->run); /* what was cut more often is left where it is */
    if (!rewinds) p->run = NULL;
    if (fuzz_same(&seen, &t->whole)) return;
    for (size_t i = 0; i < cuts; i++)
        fprintf(stderr, "cut at %zu of the %s\n", p->at[i], p->of_input ? "input" : "output");
    fuzz_show("whole", t->whole.ptr, t->whole.len);
    fuzz_show("cut", seen.ptr, seen.len);
    FUZZ_FAIL("the same for every cut");
}

/* ---- all of them ---- */

/* With `cuts` cuts made, and one more to be made in every place, until there are `most`. */
static void cut_on(place *p, size_t cuts, size_t most) {
    size_t len = p->of_input ? p->t->in : p->t->out;
    tally *sum = p->of_input ? &inputs : &outputs;
    if (rewinds) rewind_save((int)cuts);
    for (size_t at = cuts > 0 ? p->at[cuts - 1] + 1 : 1; at < len; at++) {
        p->at[cuts] = at;
        go_back(p, cuts);
        go(p, cuts);
        if (cuts + 1 < most) cut_on(p, cuts + 1, most);
        if (cuts + 1 < most) go_back(p, cuts + 1);
        finish(p, cuts + 1);
        sum->ways[cuts + 1]++;
    }
}

static void cut(const transcript *t, bool of_input) {
    size_t len = of_input ? t->in : t->out, two_max = of_input ? TWO_OF_INPUT_MAX : TWO_OF_OUTPUT_MAX;
    if (splits_bytes_max > 0) two_max = splits_bytes_max;
    if (!rewinds) two_max = TWO_ANEW_MAX;
    size_t most = len > two_max ? 1 : len > THREE_MAX ? 2 : 3;
    tally *sum = of_input ? &inputs : &outputs;
    place p = {.t = t, .of_input = of_input};
    for (size_t count = 1; count <= most; count++) sum->transcripts[count]++;
    p.run = fuzz_run_begin(t->bytes, t->len);
    cut_on(&p, 0, most);
    if (!rewinds && p.run) fuzz_run_end(p.run);
}

/* A run without cuts. */
static bool measure(transcript *t) {
    fuzz_run *run = fuzz_run_begin(t->bytes, t->len);
    if (!run) return false;
    t->in = fuzz_run_len(run);
    t->first = fuzz_run_first(run);
    if (t->in > 0) fuzz_run_recv(run, 0, t->in);
    t->out = fuzz_run_see(run, &t->whole);
    fuzz_run_end(run);
    if (t->in > IN_MAX || t->out > OUT_MAX) FUZZ_FAIL("a shorter transcript");
    return true;
}

void splits_run(const unsigned char *bytes, size_t len) {
    transcript t = {.bytes = bytes, .len = len};
    if (!measure(&t)) return;
    fuzz_put(&seen, "", 0); /* at home outside of the region, where it then stays */
    streams++;
    rewinds = rewind_begin();
    cut(&t, true);
    if (rewinds) rewind_end();
    rewinds = rewind_begin();
    cut(&t, false);
    if (rewinds) rewind_end();
    fuzz_text_free(&t.whole);
}

static void say(const char *what, const tally *sum) {
    printf("; %s cut once in %llu ways (of %u), twice in %llu (of %u), three times in %llu (of %u)", what, sum->ways[1],
           sum->transcripts[1], sum->ways[2], sum->transcripts[2], sum->ways[3], sum->transcripts[3]);
}

void splits_report(const char *name) {
    printf("report: %s: %u transcripts", name, streams);
    say("input", &inputs);
    say("output", &outputs);
    puts(rewinds ? "" : ", each run anew");
    fuzz_text_free(&seen);
}
