/*
 * Every problem of a store.
 */
#ifndef FO_TOOL_STORE_CHECK_H
#define FO_TOOL_STORE_CHECK_H

#include "admin.h"
#include "findings.h"

/*
 * Read all files of an open store and add what is wrong with any of them,
 * and one line for each part. Progress goes to standard error where that is
 * a terminal. FO_ERR_NOMEM, or FO_ERR_STORE if a folder cannot be listed.
 */
FO_MUST_CHECK fo_err store_check(const struct admin *admin,
    struct findings *findings, struct fo_diag *diag);

/* Can each audit sink be reached, syslog at this socket? */
void audit_check(const struct admin *admin, const char *socket_path,
    struct findings *findings);

#endif
