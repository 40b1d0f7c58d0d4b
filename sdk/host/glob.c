/*
 * Byte-wise patterns with '*' and '?' only, no locale.
 */
#include "glob.h"

#include <stddef.h>

/*
 * Literals are matched as far to the left as they go. When one fails, only
 * the last '*' takes one byte more: an earlier '*' need never give way, since
 * whatever follows it has been matched at the leftmost place already. So each
 * byte of the text is where a try begins at most once for each '*', and a try
 * is no longer than the part of the pattern up to the next '*'.
 */
bool
fo_glob_match(const char *pattern, const char *text)
{
	const char *star = NULL;	/* the last '*' passed */
	const char *retry = NULL;	/* where its match ends for now */

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			retry = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;

	return *pattern == '\0';
}
