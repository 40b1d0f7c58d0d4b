/*
 * The five entry points of pam_firstops.so.
 *
 * Nothing is decided here: a phase gets the call, and its answer goes back.
 */
#include <security/pam_modules.h>

#include "call.h"
#include "phases.h"

static int
run(int (*phase)(struct fo_pam_call *), pam_handle_t *pamh, int flags,
    int argc, const char *const *argv)
{
	struct fo_pam_call call;
	int answer;

	fo_pam_call_open(&call, pamh, flags, argc, argv);
	answer = phase(&call);
	fo_pam_call_close(&call);

	return answer;
}

FO_API int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(fo_pam_auth, pamh, flags, argc, argv);
}

FO_API int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(fo_pam_setcred, pamh, flags, argc, argv);
}

FO_API int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(fo_pam_account, pamh, flags, argc, argv);
}

FO_API int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(fo_pam_session_open, pamh, flags, argc, argv);
}

FO_API int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc,
    const char **argv)
{
	return run(fo_pam_session_close, pamh, flags, argc, argv);
}
