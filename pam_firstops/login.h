/*
 * Our login: who was let in by the proof of this handle, kept from auth to
 * the end of the session.
 *
 * It lives in the handle's data, which only code of this process can write.
 * A service that goes on in another process (sshd) loses that data but keeps
 * the PAM environment; there the pending record, whose unguessable name
 * FIRSTOPS_PENDING carries, brings the login over. No other variable is ever
 * read back.
 */
#ifndef FO_PAM_LOGIN_H
#define FO_PAM_LOGIN_H

#include <stdbool.h>

#include <security/pam_modules.h>

#include <firstops/error.h>

#include "call.h"
#include "host/decide.h"
#include "host/session.h"

struct fo_pam_login {
	struct fo_login_record record;
	/* Folder of the records; NULL only if lost. */
	char *run_folder;
	/* Name of the pending record that auth left; "" if there is none. */
	char pending[FO_PENDING_NAME_SIZE];
	/* Auth happened in this handle, or in this very process. */
	bool here;
	/*
	 * FO_OK, or why the pending record that was named cannot be had: some
	 * login of ours led here, and nobody knows whose.
	 */
	fo_err lost;
	struct fo_diag lost_diag;
	/* The handle's login, its open session, or both hold it. */
	int holders;
};

/* The login of this handle, or NULL. Borrowed. */
struct fo_pam_login *fo_pam_login_get(const pam_handle_t *pamh);

/*
 * The login whose session is open in this handle, or NULL. Borrowed. It is
 * another than the handle's where a service has asked for a second one.
 */
struct fo_pam_login *fo_pam_login_of_session(const pam_handle_t *pamh);

/* From now on its session is open. Fails only for want of memory. */
FO_MUST_CHECK fo_err fo_pam_login_open(pam_handle_t *pamh,
    struct fo_pam_login *login);

/* No session is open any more. FO_ERR_INTERNAL: libpam would not have it. */
FO_MUST_CHECK fo_err fo_pam_login_close(pam_handle_t *pamh);

/*
 * Step 6 of the decision (struct fo_attempt, prepare); arg is the call.
 * Leaves the login in the handle, its identity in the PAM environment and,
 * for root, a pending record. Whatever the result, fo_pam_login_forget
 * undoes it.
 */
FO_MUST_CHECK fo_err fo_pam_login_begin(void *arg,
    const struct fo_decision *decision, struct fo_diag *diag);

/*
 * In setcred, and before the session: end the pending state. A login made in
 * this handle only drops its record. Otherwise the record that
 * FIRSTOPS_PENDING names is taken and becomes the login of this handle; if it
 * cannot be had, the login is lost, which the session will refuse.
 * FIRSTOPS_PENDING is gone from the PAM environment afterwards. Fails only
 * for want of memory.
 */
FO_MUST_CHECK fo_err fo_pam_login_adopt(struct fo_pam_call *call);

/*
 * Write this process down as the one that keeps the login. FO_ERR_SESSION:
 * the kernel does not say since when it has been running.
 */
FO_MUST_CHECK fo_err fo_pam_login_hold(struct fo_login_record *record,
    struct fo_diag *diag);

/* Export the identity: FIRSTOPS_ID, _NAME, _OWNER, _SID. */
FO_MUST_CHECK fo_err fo_pam_login_export(pam_handle_t *pamh,
    const struct fo_login_record *record);

/*
 * Is this call for the user who logged in, at the service that was logged in
 * to? In sudo the user of the session is the target, and who logged in is
 * PAM_RUSER. The login must not be lost.
 */
bool fo_pam_login_is_users(const struct fo_pam_login *login,
    const struct fo_pam_call *call);

/*
 * Remove login, pending record and all our variables from the handle; a
 * session that is open stays so.
 * FO_ERR_INTERNAL: libpam would not let go of the login.
 */
FO_MUST_CHECK fo_err fo_pam_login_forget(pam_handle_t *pamh);

#endif
