/*
 * Writing a reason into a caller's fo_diag.
 */
#ifndef FO_BASE_DIAG_H
#define FO_BASE_DIAG_H

#include <firstops/error.h>

/*
 * Write a reason, cut at FO_DIAG_SIZE; control bytes become '?'. diag may be
 * NULL.
 */
void fo_diag_set(struct fo_diag *diag, const char *fmt, ...) FO_PRINTF(2, 3);

/*
 * Put "place: " before the reason that is there already: prefix(diag, "%s",
 * path) makes "/etc/x: reason".
 */
void fo_diag_prefix(struct fo_diag *diag, const char *fmt, ...)
    FO_PRINTF(2, 3);

/*
 * What to do about an errno of the file system: a clause that ends a reason,
 * "%s: %s; %s", path, strerror(e), fo_diag_remedy(e).
 */
const char *fo_diag_remedy(int e);

#define FO_DIAG_WORD_SIZE 201

/*
 * Make one word of a text of somebody else's, to quote it in a reason: cut at
 * its size, spaces become '?'. So the words around it are ours alone, and
 * what is quoted cannot go on with a sentence of its own.
 */
void fo_diag_word(const char *text, char ret_word[FO_DIAG_WORD_SIZE]);

#endif
