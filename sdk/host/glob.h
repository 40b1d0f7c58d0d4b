/*
 * Byte-wise patterns with '*' and '?' only, no locale.
 *
 * No recursion, and never a way back over an earlier '*': at most
 * strlen(pattern) * (strlen(text) + 1) steps, so with patterns of bounded
 * length (FO_PATTERN_MAX) time is linear in the text.
 */
#ifndef FO_HOST_GLOB_H
#define FO_HOST_GLOB_H

#include <stdbool.h>

/* '*' is any run of bytes, '/' too; '?' is one byte; no escapes. */
bool fo_glob_match(const char *pattern, const char *text);

#endif
