/*
 * What the module does in each phase. All return a PAM code.
 */
#ifndef FO_PAM_PHASES_H
#define FO_PAM_PHASES_H

#include "call.h"

int fo_pam_auth(struct fo_pam_call *call);
int fo_pam_setcred(struct fo_pam_call *call);
int fo_pam_account(struct fo_pam_call *call);
int fo_pam_session_open(struct fo_pam_call *call);
int fo_pam_session_close(struct fo_pam_call *call);

#endif
