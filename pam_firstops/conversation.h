/*
 * Talking to the client through the service's conversation function.
 */
#ifndef FO_PAM_CONVERSATION_H
#define FO_PAM_CONVERSATION_H

#include <security/pam_modules.h>

#include <firstops/error.h>

/*
 * Ask one question without echo. The caller wipes *ret_answer with
 * fo_wipe_string. FO_ERR_NO_PROOF: the conversation failed or gave nothing.
 */
FO_MUST_CHECK fo_err fo_pam_ask(pam_handle_t *pamh, const char *prompt,
    char **ret_answer);

/* Show one error text. Some services refuse that: nothing depends on it. */
void fo_pam_tell(pam_handle_t *pamh, const char *text);

#endif
