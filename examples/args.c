/* See args.h. */
#include "args.h"

#include <string.h>

int args_parse(const arg_row *table, int argc, char **argv, const char **what, const char **at) {
    for (int i = 1; i < argc; i++) {
        const arg_row *row = table;
        while (row->name && strcmp(argv[i], row->name) != 0) row++;
        *at = argv[i];
        *what = row->name ? "a value is missing" : "unknown option";
        if (!row->name || (!row->flag && i + 1 == argc)) return -1;
        if (row->flag)
            *row->flag = 1;
        else
            *row->value = argv[++i];
    }
    return 0;
}
