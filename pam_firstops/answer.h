/*
 * What a result means in PAM's numbers.
 */
#ifndef FO_PAM_ANSWER_H
#define FO_PAM_ANSWER_H

#include <firstops/error.h>

typedef enum fo_pam_phase {
	FO_PAM_AUTH,
	FO_PAM_ACCOUNT,
	FO_PAM_SESSION
} fo_pam_phase;

/*
 * The PAM code of a refusal. Never PAM_SUCCESS: FO_OK, like a result that is
 * not in the table, is PAM_ABORT. Never PAM_IGNORE or PAM_USER_UNKNOWN.
 */
int fo_pam_answer(fo_pam_phase phase, fo_err why);

/* The code of an auth result as an event carries it: FO_OK is 0. */
int fo_pam_auth_rc(fo_err why);

#endif
