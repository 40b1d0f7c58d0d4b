/*
 * setcred: brings the login over from auth, if another process did that.
 */
#include "phases.h"

#include <stdbool.h>

#include "answer.h"
#include "login.h"

/*
 * Delete: forget the login, unless a session of it is open, whose close
 * still has to say whose it was. Every other flag establishes.
 */
static fo_err
change(struct fo_pam_call *call, bool *ret_ours)
{
	const struct fo_pam_login *login;
	fo_err r;

	if ((call->flags & PAM_DELETE_CRED) == 0) {
		r = fo_pam_login_adopt(call);
		*ret_ours = fo_pam_login_get(call->pamh) != NULL;
		return r;
	}
	*ret_ours = fo_pam_login_is_ours(call->pamh);
	login = fo_pam_login_get(call->pamh);
	if (login != NULL && login->open)
		return FO_OK;

	return fo_pam_login_forget(call->pamh);
}

int
fo_pam_setcred(struct fo_pam_call *call)
{
	int answer = PAM_ABORT;
	bool ours = false;
	fo_err r;

	/*
	 * A login that did not come over is no failure here: libpam would
	 * take it for one of the whole stack, people's logins included. The
	 * session refuses it. Only want of memory cannot be put off.
	 */
	if ((r = change(call, &ours)) != FO_OK) {
		answer = fo_pam_answer(FO_PAM_AUTH, r);
		goto out;
	}
	/*
	 * Where libpam has not seen auth (sshd, after a public key or in its
	 * other process), this answer decides whether the modules below set
	 * their credentials: for people it has to be that of auth.
	 */
	if (!ours) {
		answer = fo_pam_answer(FO_PAM_AUTH, FO_ERR_NO_PROOF);
		goto out;
	}

	answer = PAM_SUCCESS;
out:
	return answer;
}
