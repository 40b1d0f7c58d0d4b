/*
 * Checking a reason for an admin: where, what, and how to mend it.
 */
#ifndef FO_TEST_REFUSAL_H
#define FO_TEST_REFUSAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <firstops/error.h>

/* A text with `from` (once in it) replaced by `to`; the caller frees. */
static inline char *
changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *made = NULL;

	cr_assert_not_null(at, "'%s' is not in the text", from);
	cr_assert_null(strstr(at + 1, from), "'%s' is there twice", from);
	cr_assert_geq(asprintf(&made, "%.*s%s%s", (int)(at - text), text, to,
	    at + strlen(from)), 0);
	return made;
}

/* The reason begins with PATH:LINE: and holds a part. line 0: no line. */
static inline void
expect_reason(const struct fo_diag *diag, const char *path, size_t line,
    const char *part)
{
	char place[256];

	if (line == 0)
		(void)snprintf(place, sizeof(place), "%s", path);
	else
		(void)snprintf(place, sizeof(place), "%s:%zu: ", path, line);
	cr_expect_eq(strncmp(diag->text, place, strlen(place)), 0,
	    "wanted %s in: %s", place, diag->text);
	cr_expect_not_null(strstr(diag->text, part), "wanted '%s' in: %s",
	    part, diag->text);
}

#endif
