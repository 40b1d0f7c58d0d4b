/*
 * A small service: pam_client SERVICE USER [RHOST] goes through all phases,
 * as far as they succeed, and prints one line for each: "auth 0".
 *
 * A prompt is printed as "ask TEXT", and the answer is the next line of
 * standard input; nothing to read is a conversation that fails. What the
 * module tells is printed as "tell TEXT". Exit code: 0 if every phase
 * answered PAM_SUCCESS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <security/pam_appl.h>

static char *
answer(const char *prompt)
{
	char *line = NULL;
	size_t size = 0;

	printf("ask %s\n", prompt);
	if (fflush(stdout) != 0 || getline(&line, &size, stdin) < 1) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';

	return line;
}

static int
converse(int count, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	struct pam_response *responses;
	int i;

	(void)arg;
	if ((responses = calloc((size_t)count, sizeof(*responses))) == NULL)
		return PAM_BUF_ERR;
	for (i = 0; i < count; i++) {
		if (messages[i]->msg_style == PAM_ERROR_MSG ||
		    messages[i]->msg_style == PAM_TEXT_INFO) {
			printf("tell %s\n", messages[i]->msg);
			continue;
		}
		responses[i].resp = answer(messages[i]->msg);
		if (responses[i].resp == NULL)
			goto fail;
	}

	*ret_responses = responses;
	return PAM_SUCCESS;
fail:
	while (i-- > 0)
		free(responses[i].resp);
	free(responses);
	return PAM_CONV_ERR;
}

static int
say(const char *phase, int result)
{
	printf("%s %d\n", phase, result);
	return result;
}

static int
phases(pam_handle_t *pamh)
{
	int r;

	if ((r = say("auth", pam_authenticate(pamh, 0))) != PAM_SUCCESS ||
	    (r = say("account", pam_acct_mgmt(pamh, 0))) != PAM_SUCCESS ||
	    (r = say("setcred", pam_setcred(pamh, PAM_ESTABLISH_CRED))) !=
	    PAM_SUCCESS ||
	    (r = say("open", pam_open_session(pamh, 0))) != PAM_SUCCESS)
		return r;

	return say("close", pam_close_session(pamh, 0));
}

int
main(int argc, char **argv)
{
	const struct pam_conv conv = { converse, NULL };
	pam_handle_t *pamh = NULL;
	int r;

	if (argc < 3 || argc > 4)
		return 2;
	if (pam_start(argv[1], argv[2], &conv, &pamh) != PAM_SUCCESS)
		return 2;
	if (argc == 4 && pam_set_item(pamh, PAM_RHOST, argv[3]) != PAM_SUCCESS)
		return 2;
	r = phases(pamh);
	if (pam_end(pamh, r) != PAM_SUCCESS || fflush(stdout) != 0)
		return 2;

	return r == PAM_SUCCESS ? 0 : 1;
}
