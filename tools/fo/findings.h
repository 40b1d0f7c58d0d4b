/*
 * What a check found: each finding ok, a warning or a failure, and how to
 * mend it.
 */
#ifndef FO_TOOL_FINDINGS_H
#define FO_TOOL_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include <firstops/error.h>

#include "verb.h"

typedef enum finding_level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL } finding_level;

struct finding {
	finding_level level;
	size_t place;	/* as it was found */
	char *what;
	char *remedy;	/* NULL for what is fine */
};

struct findings {
	struct finding *list;
	size_t count;
	size_t warnings;
	size_t failures;
	bool short_of_memory;	/* for something to be seen or kept */
};

/*
 * Was it want of memory? What could not be looked at is no finding, and all
 * of them together are not known: findings_print says so.
 */
bool finding_short(struct findings *findings, fo_err r);
/* Add one; fmt says what, remedy (NULL: none) how to mend it. */
void finding(struct findings *findings, finding_level level, const char *remedy,
    const char *fmt, ...) FO_PRINTF(4, 5);

/*
 * Print all, failures first, then warnings, then what is fine too if verbose,
 * and a closing line.
 * FO_EXIT_DONE, FO_EXIT_DENIED if there is a failure, FO_EXIT_TROUBLE.
 */
int findings_print(const struct call *call, struct findings *findings,
    bool verbose);
void findings_clear(struct findings *findings);

#endif
