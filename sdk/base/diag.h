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

#endif
