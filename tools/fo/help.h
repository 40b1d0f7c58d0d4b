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

void help_overview(FILE *stream);
void help_verb(const struct verb *verb, FILE *stream);

#endif
