/*
 * A PAM module for tests, before and after ours: what other modules could
 * have done to the handle, and what they would find in it.
 *
 *   give     auth: PROBE_GIVE of the PAM environment becomes PAM_AUTHTOK
 *   show     auth: PAM_AUTHTOK becomes PROBE_LEFT of the PAM environment
 *   hostile  session: if PROBE_HOSTILE is set, overwrites our variables
 *   unknown  returns PAM_MODULE_UNKNOWN; every other word PAM_IGNORE
 */
#include <security/pam_modules.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
put(pam_handle_t *pamh, const char *name, const char *value)
{
	char *text = NULL;
	int r;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		return PAM_BUF_ERR;
	r = pam_putenv(pamh, text);
	free(text);
	return r;
}

static int
give(pam_handle_t *pamh)
{
	const char *token = pam_getenv(pamh, "PROBE_GIVE");
	int r;

	if (token == NULL)
		return PAM_IGNORE;
	if ((r = pam_set_item(pamh, PAM_AUTHTOK, token)) != PAM_SUCCESS)
		return r;
	r = pam_putenv(pamh, "PROBE_GIVE");
	return r == PAM_SUCCESS ? PAM_IGNORE : r;
}

static int
show(pam_handle_t *pamh)
{
	const void *token = NULL;
	int r;

	if (pam_getenv(pamh, "PROBE_LEFT") != NULL &&
	    (r = pam_putenv(pamh, "PROBE_LEFT")) != PAM_SUCCESS)
		return r;
	r = pam_get_item(pamh, PAM_AUTHTOK, &token);
	if (r != PAM_SUCCESS || token == NULL)
		return r == PAM_SUCCESS ? PAM_IGNORE : r;
	r = put(pamh, "PROBE_LEFT", token);
	return r == PAM_SUCCESS ? PAM_IGNORE : r;
}

static int
hostile(pam_handle_t *pamh)
{
	static const char *const names[] = { "FIRSTOPS_ID", "FIRSTOPS_NAME",
		"FIRSTOPS_OWNER", "FIRSTOPS_SID" };

	if (pam_getenv(pamh, "PROBE_HOSTILE") == NULL)
		return PAM_IGNORE;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (put(pamh, names[i], "somebody-else") != PAM_SUCCESS)
			return PAM_BUF_ERR;
	return PAM_IGNORE;
}

static int
probe(pam_handle_t *pamh, int argc, const char **argv)
{
	if (argc == 1 && strcmp(argv[0], "give") == 0)
		return give(pamh);
	if (argc == 1 && strcmp(argv[0], "show") == 0)
		return show(pamh);
	if (argc == 1 && strcmp(argv[0], "hostile") == 0)
		return hostile(pamh);
	return PAM_MODULE_UNKNOWN;
}

#define EXPORT __attribute__((visibility("default")))

EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return probe(pamh, argc, argv);
}

EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}

EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return probe(pamh, argc, argv);
}

EXPORT int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return probe(pamh, argc, argv);
}

EXPORT int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc,
    const char **argv)
{
	(void)flags;
	if (argc == 1 && strcmp(argv[0], "hostile") == 0)
		return PAM_IGNORE;
	return probe(pamh, argc, argv);
}
