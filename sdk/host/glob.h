/*
 * Byte-wise patterns with '*' and '?' only, linear in time, no locale.
 */
#ifndef FO_HOST_GLOB_H
#define FO_HOST_GLOB_H

#include <stdbool.h>

/* '*' is any run of bytes, '/' too; '?' is one byte; no escapes. */
bool fo_glob_match(const char *pattern, const char *text);

#endif
