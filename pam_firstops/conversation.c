/*
 * Talking to the client through the service's conversation function.
 */
#include "conversation.h"

#include <stdlib.h>

#include "base/wipe.h"
#include "call.h"

/*
 * One message, and the answer, NULL if there is none. The service allocates
 * the response and its text, and both are ours afterwards.
 */
static char *
converse(pam_handle_t *pamh, int style, const char *text)
{
	const struct pam_conv *conv = fo_pam_item(pamh, PAM_CONV);
	const struct pam_message message = { .msg_style = style, .msg = text };
	const struct pam_message *messages = &message;
	struct pam_response *response = NULL;
	char *answer;

	if (conv == NULL || conv->conv == NULL)
		return NULL;
	/* A conversation that fails has allocated nothing. */
	if (conv->conv(1, &messages, &response, conv->appdata_ptr) !=
	    PAM_SUCCESS || response == NULL)
		return NULL;

	answer = response->resp;
	free(response);
	return answer;
}

fo_err
fo_pam_ask(pam_handle_t *pamh, const char *prompt, char **ret_answer)
{
	char *answer = converse(pamh, PAM_PROMPT_ECHO_OFF, prompt);

	if (answer == NULL)
		return FO_ERR_NO_PROOF;

	*ret_answer = answer;
	return FO_OK;
}

void
fo_pam_tell(pam_handle_t *pamh, const char *text)
{
	char *answer = converse(pamh, PAM_ERROR_MSG, text);

	fo_wipe_string(&answer);
}
