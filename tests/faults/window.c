/*
 * A PAM module that calls the one under test, and tells the program exactly
 * when that one is entered and left, and what it answered:
 *
 *   auth required /path/window.so /path/module.so ARGUMENT...
 */
#include "window.h"

#include <dlfcn.h>
#include <string.h>

#include <security/pam_modules.h>

typedef int (*phase_function)(pam_handle_t *, int, int, const char **);

static int
pass(const char *name, pam_handle_t *pamh, int flags, int argc,
    const char **argv)
{
	phase_function phase;
	void *module, *symbol;
	int answer;

	if (argc < 1 || (module = dlopen(argv[0], RTLD_NOW)) == NULL ||
	    (symbol = dlsym(module, name)) == NULL)
		return PAM_OPEN_ERR;
	memcpy(&phase, &symbol, sizeof(phase));
	fault_window(true);
	answer = phase(pamh, flags, argc - 1, argv + 1);
	fault_window(false);
	fault_answer(answer);

	return answer;
}

#pragma GCC visibility push(default)

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return pass("pam_sm_authenticate", pamh, flags, argc, argv);
}

int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return pass("pam_sm_setcred", pamh, flags, argc, argv);
}

int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return pass("pam_sm_acct_mgmt", pamh, flags, argc, argv);
}

int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return pass("pam_sm_open_session", pamh, flags, argc, argv);
}

int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc,
    const char **argv)
{
	return pass("pam_sm_close_session", pamh, flags, argc, argv);
}

#pragma GCC visibility pop
