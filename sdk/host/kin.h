/*
 * Whose login a process belongs to: what a login let in, and all that
 * descends from it.
 */
#ifndef FO_HOST_KIN_H
#define FO_HOST_KIN_H

#include <stdint.h>
#include <sys/types.h>

#include <firstops/error.h>

#include "session.h"

/*
 * The login that a process acts for, in this order:
 *   1 a pending one that this very process has just made (sudo's own proof)
 *   2 the session of its nearest ancestor that opened one
 *   3 the session that began its audit session, which a process keeps when
 *     its ancestors are gone
 * Only sessions whose process runs count. euid 0 only.
 *
 * FO_ERR_NOT_FOUND: nobody's, as far as the records say. FO_ERR_SESSION, IO:
 * nobody knows; the reason says why. FO_ERR_NOMEM.
 */
FO_MUST_CHECK fo_err fo_login_of(const char *run_folder, pid_t pid,
    struct fo_diag *diag, struct fo_login_record *ret_record);

/*
 * The audit session of a process that opened a session, if it began with it:
 * whoever opened the session, sshd, had another, and nothing in it is older.
 * FO_AUDIT_NONE otherwise: su and sudo carry the audit session of whoever
 * called them, who is somebody else.
 */
uint32_t fo_audit_own(pid_t leader);

#endif
