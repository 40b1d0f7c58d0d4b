/*
 * A PAM module that lets everybody in and notes in FILE, a line each, which
 * phase was asked for, and of auth how many bytes the answer to a prompt had
 * that arrived.
 *
 *   auth required /path/pam_witness.so FILE
 */
#include <stdio.h>
#include <string.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

/* Called by libpam, which finds them by name. */
#define PHASE(name, word)						\
	int								\
	name(pam_handle_t *pamh, int flags, int argc, const char **argv) \
	{								\
		(void)pamh;						\
		(void)flags;						\
		return note(argc, argv, word);				\
	}

static int
note(int argc, const char **argv, const char *text)
{
	FILE *file;

	if (argc != 1 || (file = fopen(argv[0], "ae")) == NULL)
		return PAM_SYSTEM_ERR;
	(void)fprintf(file, "%s\n", text);
	return fclose(file) == 0 ? PAM_SUCCESS : PAM_SYSTEM_ERR;
}

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc,
    const char **argv)
{
	const char *answer = NULL;
	char text[64];

	(void)flags;
	if (pam_get_authtok(pamh, PAM_AUTHTOK, &answer, NULL) != PAM_SUCCESS ||
	    answer == NULL)
		return PAM_AUTH_ERR;
	(void)snprintf(text, sizeof(text), "auth %zu", strlen(answer));
	return note(argc, argv, text);
}

PHASE(pam_sm_setcred, "setcred")
PHASE(pam_sm_acct_mgmt, "account")
PHASE(pam_sm_open_session, "session")
PHASE(pam_sm_close_session, "session")
