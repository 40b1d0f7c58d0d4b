/*
 * What somebody who is in does: a command by sudo. fo_act is the only place
 * where such an action is permitted.
 *
 * Its order is part of the security argument:
 *   1 who   2 principal and key in force   3 policy   4 audit   5 permit
 */
#ifndef FO_HOST_ACT_H
#define FO_HOST_ACT_H

#include <stdbool.h>

#include <firstops/error.h>

#include "decision.h"
#include "policy.h"
#include "session.h"

/* Texts are borrowed; NULL: not known. */
struct fo_deed {
	const struct fo_login_record *who; /* NULL: nobody */
	fo_err trouble;		/* why it is refused before it is weighed, as */
				/* always where there is nobody; else FO_OK */
	const struct fo_diag *reason;	/* of that, or NULL */

	/* host and now are filled in here */
	struct fo_action action;

	/* ask is no no here: whoever called puts it to a person, unless no */
	/* sink was told */
	bool asks;
	/*
	 * What lets it go on where our own trouble alone keeps it from being
	 * weighed, as "--fail-open": it stands in the place of a rule in the
	 * event, without which nothing goes on. NULL: nothing does.
	 */
	const char *instead;
	bool past;		/* it was done before this was asked */

	const char *act;	/* the event's: command */
	const char *what;	/* as a person writes it: "rm -rf /" */
	const char *service;	/* sudo */
	const char *user;	/* whose rights it will have */
	const char *ruser;	/* whose account it comes from */
	const char *tty;
};

/*
 * May it be done? Returns ret_decision->why; *ret_decision is always filled,
 * its sid that of the login, so that both are found together. FO_OK means:
 * permitted, and every required sink has the event.
 *
 * authority's config may be NULL where there is trouble.
 */
FO_MUST_CHECK fo_err fo_act(const struct fo_authority *authority,
    const struct fo_deed *deed, struct fo_decision *ret_decision);

#endif
