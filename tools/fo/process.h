/*
 * Another program's answer.
 */
#ifndef FO_TOOL_PROCESS_H
#define FO_TOOL_PROCESS_H

#include <stdbool.h>

#include <firstops/error.h>

/*
 * Run argv[0], found in PATH unless it has a slash, and read what it prints;
 * quiet drops what it says on standard error. FO_ERR_IO: it could not be
 * run, or did not exit with 0. The caller frees *ret_text.
 */
FO_MUST_CHECK fo_err process_read(char *const *argv, bool quiet,
    char **ret_text);

#endif
