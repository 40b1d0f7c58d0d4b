/*
 * The command line of a verb.
 */
#ifndef FO_TOOL_OPTIONS_H
#define FO_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <firstops/error.h>

#include "verb.h"

/*
 * Read a verb's options and operands. argv[0] is the verb's last word and is
 * not looked at. Returns FO_EXIT_DONE with *ret_call filled, or reports what
 * is wrong and returns FO_EXIT_USAGE. *ret_help: --help was among them.
 */
int options_parse(const struct verb *verb, int argc, char **argv,
    struct call *ret_call, bool *ret_help);

/* A whole decimal number from min to max, and nothing else. */
bool number_parse(const char *text, int64_t min, int64_t max, int64_t *ret);

/*
 * Split "a,b,c" into a NULL-terminated array for list_free; NULL is an
 * empty list. FO_ERR_FORMAT: a part is empty. FO_ERR_NOMEM.
 */
FO_MUST_CHECK fo_err list_parse(const char *text, char ***ret_list);
void list_free(char ***list);
bool list_has(char *const *list, const char *text);

#endif
