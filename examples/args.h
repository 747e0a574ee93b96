/* Options of a command line, by a table: what wsmcat and echo share. */
#ifndef EXAMPLES_ARGS_H
#define EXAMPLES_ARGS_H

typedef struct arg_row {
    const char *name;   /* with its dashes; NULL ends the table */
    const char **value; /* takes what follows it, or ... */
    int *flag;          /* ... is set to 1 */
} arg_row;

/* 0, or -1: then `*what` is wrong with the option `*at`. */
int args_parse(const arg_row *table, int argc, char **argv, const char **what, const char **at);

#endif
