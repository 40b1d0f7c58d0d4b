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
#include <firstops/proof.h>

#include "audit.h"
#include "clock.h"
#include "config.h"
#include "event.h"
#include "principal.h"
#include "store.h"

/* All that a decision stands on and that is not in the attempt. */
struct fo_authority {
	const struct fo_store *store;
	const struct fo_config *config;
	const struct fo_clock *clock;
	struct fo_verifier *verifier;	/* NULL: one for each decision */
	const char *audit_tag;
	const char *audit_socket;	/* FO_AUDIT_SOCKET */
};

struct fo_decision;

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

/* What came of it. Plain values: copy it, drop it. */
struct fo_decision {
	fo_err why;		/* FO_OK only if permitted */
	fo_res res;
	char sid[FO_SID_SIZE];	/* "" if there was no randomness */
	char jkt[FO_JKT_SIZE];	/* "" before the proof was parsed */
	char hash[FO_HASH_SIZE];
	/* the principal: "" until the signature has been verified */
	char id[FO_ID_SIZE];
	char name[FO_NAME_MAX + 1];
	char owner[FO_NAME_MAX + 1];
	char kind[8];
	char policy[FO_NAME_MAX + 1];
	char rule[FO_NAME_MAX + 1];
	struct fo_now at;
	struct fo_diag diag;	/* the reason, for the admin */
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

/* The kind of a result: permitted, refused, no proof, trouble of our own. */
fo_res fo_decision_res(fo_err why);

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
