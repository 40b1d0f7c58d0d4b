/*
 * A decision: what it stands on, what came of it, and what all kinds of them
 * have in common. fo_decide (decide.h) lets somebody in; fo_act (act.h) lets
 * whoever is in do something.
 */
#ifndef FO_HOST_DECISION_H
#define FO_HOST_DECISION_H

#include <stdbool.h>

#include <firstops/error.h>
#include <firstops/proof.h>

#include "audit.h"
#include "clock.h"
#include "config.h"
#include "event.h"
#include "policy.h"
#include "principal.h"
#include "replay.h"
#include "store.h"

/*
 * What a program that decides again and again, in one thread, keeps between
 * decisions. What forks off, and who changes the effective user, begins anew.
 * Begin with FO_KEEP_NONE.
 */
struct fo_keep {
	uid_t user;
	struct fo_syslog syslog;
	struct fo_replay_keep replay;
	struct fo_self self;
};

#define FO_KEEP_NONE { .syslog = FO_SYSLOG_NONE, .replay = FO_REPLAY_KEEP_NONE }

void fo_keep_clear(struct fo_keep *keep);

/* All that a decision stands on and that is not in the attempt. */
struct fo_authority {
	const struct fo_store *store;
	const struct fo_config *config;
	const struct fo_clock *clock;
	struct fo_verifier *verifier;	/* NULL: one for each decision */
	const char *audit_tag;
	const char *audit_socket;	/* FO_AUDIT_SOCKET */
	struct fo_keep *keep;		/* NULL: nothing is kept */
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
	fo_effect effect;	/* of that rule; zero is deny */
	bool goes_on;		/* not weighed, and let go on (act.h) */
	struct fo_now at;
	struct fo_diag diag;	/* the reason, for the admin */
};

/* Copy a text that its reader has limited to what fits there. */
void fo_decision_text(const char *from, char *to, size_t size);

/*
 * A decision begins: its sid, and the time. The clock is read now: what is
 * decided on has arrived.
 */
FO_MUST_CHECK fo_err fo_decision_begin(const struct fo_authority *authority,
    struct fo_decision *decision);

/* From here on the decision names this principal. */
void fo_decision_name(struct fo_decision *decision,
    const struct fo_principal *principal);

/* Are principal and key in force? As fo_principal_in_force, with a reason. */
FO_MUST_CHECK fo_err fo_decision_status(const struct fo_principal *principal,
    const char *jkt, int64_t now, struct fo_diag *diag);

/*
 * Weigh the policies of the principal; policy, rule and the reason go into
 * the decision. FO_ERR_POLICY: they do not allow it. ask is a question that
 * nobody here can answer, so it is a no.
 */
FO_MUST_CHECK fo_err fo_decision_weigh(const struct fo_store *store,
    const struct fo_principal *principal, const struct fo_action *action,
    struct fo_decision *decision);

/* Its sinks; without a configuration syslog alone. */
struct fo_audit fo_authority_audit(const struct fo_authority *authority);

/*
 * Tell of a permit: the last thing that can fail, since one that a required
 * sink was not told of is none. event says what the decision does not: ev, rc,
 * user, ruser, svc, act, what, src, tty. rc is its rc for a result; NULL: 0.
 */
FO_MUST_CHECK fo_err fo_decision_permit(const struct fo_authority *authority,
    struct fo_decision *decision, const struct fo_event *event,
    int (*rc)(fo_err why));

/*
 * Make it a refusal, or trouble, and tell of that. It stays what it is
 * whether or not its event finds a reader; that it did not is put into the
 * reason, and false is returned.
 */
bool fo_decision_refuse(const struct fo_authority *authority,
    struct fo_decision *decision, fo_err why, const struct fo_event *event,
    int (*rc)(fo_err why));

#endif
