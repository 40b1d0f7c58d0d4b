/*
 * Talking to the client through the service's conversation function.
 */
#include "conversation.h"

#include <stdlib.h>

#include "base/wipe.h"

/*
 * One message, and the answer if there is one. The service allocates the
 * response and its text, and both are ours afterwards.
 */
static fo_err
converse(pam_handle_t *pamh, int style, const char *text, char **ret_answer)
{
	const struct pam_message message = { .msg_style = style, .msg = text };
	const struct pam_message *messages = &message;
	struct pam_response *response = NULL;
	const struct pam_conv *conv;
	const void *item = NULL;

	if (pam_get_item(pamh, PAM_CONV, &item) != PAM_SUCCESS || item == NULL)
		return FO_ERR_NO_PROOF;
	conv = item;
	if (conv->conv == NULL)
		return FO_ERR_NO_PROOF;
	/* A conversation that fails has allocated nothing. */
	if (conv->conv(1, &messages, &response, conv->appdata_ptr) !=
	    PAM_SUCCESS || response == NULL)
		return FO_ERR_NO_PROOF;

	*ret_answer = response->resp;
	free(response);
	return FO_OK;
}

fo_err
fo_pam_ask(pam_handle_t *pamh, const char *prompt, char **ret_answer)
{
	char *answer = NULL;
	fo_err r;

	r = converse(pamh, PAM_PROMPT_ECHO_OFF, prompt, &answer);
	if (r != FO_OK)
		return r;
	if (answer == NULL)
		return FO_ERR_NO_PROOF;

	*ret_answer = answer;
	return FO_OK;
}

void
fo_pam_tell(pam_handle_t *pamh, const char *text)
{
	char *answer = NULL;

	if (converse(pamh, PAM_ERROR_MSG, text, &answer) == FO_OK)
		fo_wipe_string(&answer);
}
