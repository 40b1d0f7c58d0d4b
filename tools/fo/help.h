/*
 * Finding a verb by its words, and explaining it.
 */
#ifndef FO_TOOL_HELP_H
#define FO_TOOL_HELP_H

#include <stdio.h>

#include "verb.h"

/*
 * The verb that the words begin with; *ret_used is how many words it has.
 * NULL after saying which one was probably meant.
 */
const struct verb *help_find(int argc, char *const *argv, int *ret_used);

/* The exit codes of a verb that says nothing of its own. */
#define HELP_EXITS \
    "  0  done\n" \
    "  2  the command line cannot be understood\n" \
    "  3  trouble: it could not be done\n"

void help_overview(FILE *stream);
void help_verb(const struct verb *verb, FILE *stream);

#endif
