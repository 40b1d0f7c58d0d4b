/*
 * A PAM module of a hostile server: asks whatever FILE says, keeps what it
 * is answered in FILE.answer, and lets nobody in.
 *
 *   auth required /path/pam_ask.so FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

static void
keep(const char *file, const char *answer)
{
	char name[256];
	FILE *stream;

	snprintf(name, sizeof(name), "%s.answer", file);
	if ((stream = fopen(name, "w")) == NULL)
		return;
	fputs(answer != NULL ? answer : "", stream);
	fclose(stream);
}

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	char text[4096] = "";
	char *answer = NULL;
	FILE *stream;
	size_t n;

	(void)flags;
	if (argc != 1 || (stream = fopen(argv[0], "r")) == NULL)
		return PAM_SERVICE_ERR;
	n = fread(text, 1, sizeof(text) - 1, stream);
	text[n] = '\0';
	fclose(stream);
	if (pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &answer, "%s", text) ==
	    PAM_SUCCESS)
		keep(argv[0], answer);
	free(answer);

	return PAM_AUTH_ERR;
}

int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;

	return PAM_SUCCESS;
}
