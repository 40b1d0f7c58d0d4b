/*
 * The decision. fo_decide is the only place where somebody is let in; PAM
 * and fo verify call it, and none of them repeats a step.
 *
 * Its order is part of the security argument:
 *   1 parse   2 find   3 verify   4 status and policy
 *   5 replay, then clock and floor again   6 prepare   7 audit   8 permit
 */
#ifndef FO_HOST_DECIDE_H
#define FO_HOST_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <firstops/error.h>

#include "decision.h"

/* Somebody offers a proof. Texts are borrowed; NULL: not known. */
struct fo_attempt {
	const char *proof;
	size_t proof_len;
	const char *nonce;	/* issued in this conversation, or NULL */
	const char *service;	/* required */
	const char *account;	/* required: PAM_USER */
	const char *ruser;
	const char *rhost;
	const char *tty;
	/*
	 * Step 6: what the caller needs for success and what can fail. NULL:
	 * nothing. Whatever it did, the caller undoes when fo_decide does not
	 * return FO_OK. FO_OK or the reason to refuse.
	 */
	fo_err (*prepare)(void *arg, const struct fo_decision *decision,
	    struct fo_diag *diag);
	void *arg;
	/* What the caller answers for a result: the event's rc. NULL: 0. */
	int (*rc)(fo_err why);
};

/*
 * Decide. Returns ret_decision->why; *ret_decision is always filled. FO_OK
 * means: permitted, the proof is spent, every required sink has the event.
 */
FO_MUST_CHECK fo_err fo_decide(const struct fo_authority *authority,
    const struct fo_attempt *attempt, struct fo_decision *ret_decision);

/*
 * The same without steps 5 to 8: nothing is spent, written or permitted. The
 * answer is what fo_decide would say now, for fo verify --dry-run.
 */
FO_MUST_CHECK fo_err fo_decide_preview(const struct fo_authority *authority,
    const struct fo_attempt *attempt, struct fo_decision *ret_decision);

/*
 * Is a principal that logged in before still in force (and, where service
 * and account are not NULL, still permitted that login)? For the account and
 * session phases. jkt names the key that it logged in with. Emits nothing.
 * A principal that is gone is FO_ERR_REVOKED.
 */
FO_MUST_CHECK fo_err fo_still_permitted(const struct fo_authority *authority,
    const char *id, const char *jkt, const char *service, const char *account,
    const char *rhost, struct fo_diag *diag);

#endif
