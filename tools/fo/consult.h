/*
 * May whoever runs this do something? Asked by hooks of coding agents and by
 * programs: the answer is of the principal whose key signs here.
 */
#ifndef FO_TOOL_CONSULT_H
#define FO_TOOL_CONSULT_H

#include <stdbool.h>

#include "host/decision.h"

#include "action.h"

/* What is asked. Texts are borrowed; NULL: not known. */
struct question {
	struct action_text action;
	const char *service;	/* who asks: claude, cursor, fo */
	const char *act;	/* command, read, write, fetch, tool, ... */
	const char *what;	/* as it was written; of a file, its path */
				/* with links followed is told instead */
	bool asks;		/* a person can be asked */
	bool past;		/* it was done before this was asked */
	/*
	 * What lets it go on where our own trouble keeps it from being decided,
	 * as "--fail-open"; NULL: nothing does. The key has to have signed all
	 * the same, the question to be one, and its event to be told.
	 */
	const char *instead;
	int limit_ms;		/* for the key to sign in; 0: none */
	char *made;		/* a text made for it, to be freed; or NULL */
	fo_err trouble;		/* the question could not be read, because */
	struct fo_diag reason;	/* of this; else FO_OK */
};

/*
 * Decide, and emit the event. A proof is signed with the key that every client
 * finds and checked on the spot, so that who only names a key is not it; with
 * FO_AGENT_ID in the environment it has to be that agent's.
 *
 * ret_decision->why is FO_OK, FO_ERR_ASK, FO_ERR_POLICY and so on, or what
 * kept it from being decided (res is FO_RES_ERROR). goes_on: as question->
 * instead says.
 */
void consult(const char *config_path,
    const struct question *question, struct fo_decision *ret_decision);

#endif
