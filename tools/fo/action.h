/*
 * An action that a policy is asked about, out of texts: of a command line or
 * of a file of cases.
 */
#ifndef FO_TOOL_ACTION_H
#define FO_TOOL_ACTION_H

#include "host/policy.h"
#include "host/principal.h"
#include "host/store.h"

/* As it was written; NULL: not known, or not of this channel. */
struct action_text {
	const char *channel;	/* NULL: login */
	const char *service;
	const char *account;
	const char *source;
	const char *at;		/* a time of rfc3339.h; NULL: now */
	const char *shell;	/* a shell text, or */
	const char *const *argv; /* a command's words, NULL at end; or NULL */
	const char *cwd;
	const char *path;
	const char *tool;
	const char *method;
	const char *url;
};

struct action {
	struct fo_action of;	/* texts borrowed, or the following */
	struct fo_command *command;
	char *path;
	char *resolved;
	char *url;
};

/*
 * Read it. FO_ERR_ARG: a text is wrong, or is missing or too much for the
 * channel; the reason says which. now is for at's absence. action_clear in
 * every case.
 */
FO_MUST_CHECK fo_err action_read(const struct action_text *text,
    const char *host, int64_t now, struct fo_diag *diag,
    struct action *ret_action);
void action_clear(struct action *action);

/* What the store says to it. */
struct answer {
	fo_err why;		/* FO_OK: allowed */
	struct fo_verdict verdict;	/* borrowed from policies */
	struct fo_policies policies;	/* all that were weighed */
};

/*
 * Ask for a principal: its status, for a login its accounts, then its
 * policies, as a decision does. Trouble with the store is the result;
 * FO_OK means that ret_answer says something. answer_clear afterwards.
 */
FO_MUST_CHECK fo_err action_ask(const struct fo_store *store,
    const struct fo_principal *principal, const struct fo_action *action,
    struct fo_diag *diag, struct answer *ret_answer);
void answer_clear(struct answer *answer);

/* "allow", "ask" or "deny": what comes of it where somebody can be asked. */
const char *answer_word(const struct answer *answer);

#endif
