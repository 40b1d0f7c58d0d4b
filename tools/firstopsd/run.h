/*
 * Running fo, which knows the store and its rules, for somebody.
 */
#ifndef FO_FIRSTOPSD_RUN_H
#define FO_FIRSTOPSD_RUN_H

#include <stddef.h>

#include <firstops/error.h>

#define RUN_ARGS_MAX 40
#define RUN_OUTPUT_MAX ((size_t)4 * 1024 * 1024)

/*
 * Run argv (NULL at end, RUN_ARGS_MAX at most) as this process's user with an environment that holds
 * who is acting and nothing else, input on its standard input, and take what
 * it prints: the caller wipes and frees *ret_text. Its exit code is not looked
 * at, since with --json what it prints says all. FO_ERR_IO: it could not be
 * run, or was not done after 20 s. FO_ERR_TOO_LONG: it printed more than
 * RUN_OUTPUT_MAX.
 */
FO_MUST_CHECK fo_err run_fo(const char *const *argv, const char *acting,
    const char *input, char **ret_text, size_t *ret_len);

#endif
