/*
 * One change of one principal: found, copied, changed, checked and written
 * under the store's lock, told in one event, and printed.
 *
 * A verb says what is to be different; everything else is here, so that all
 * changes are atomic, idempotent, tried out and told alike.
 */
#ifndef FO_TOOL_CHANGE_H
#define FO_TOOL_CHANGE_H

#include <stdbool.h>

#include "host/event.h"
#include "host/principal.h"

#include "admin.h"
#include "verb.h"

struct json;

/* Options of verbs that change, by what help says of them. */
#define CHANGE_DRY_RUN { "dry-run", NULL, "show what would be changed, and" \
    " change nothing" }
#define CHANGE_REASON { "reason", "TEXT", "why, for its file and the event" }

/* What the verbs are alike in: options is a verb's own list. */
#define CHANGE_VERB \
	.synopsis = "ID | NAME [options]", \
	.options = options, \
	.min_operands = 1, \
	.max_operands = 1, \
	.store = true, \
	.json = true

#define CHANGE_REASON_MAX 256

#define CHANGE_EXITS \
	"  0  done, or there was nothing to change\n" \
	"  1  refused, or there is none of that name\n" \
	"  2  the command line cannot be understood\n" \
	"  3  trouble: the store cannot be read or written; or it is done," \
	" but an audit\n     sink did not take the event (it says so)\n"

struct change {
	const struct call *call;
	fo_ev ev;
	const char *act;	/* the event's word: "suspend" */
	const char *done;	/* for people: "suspended" */
	const char *already;	/* where nothing is different */
	bool dry_run;
	bool removes;		/* the file goes */
	const char *jkt;	/* of the event, or NULL */
	const char *what;	/* of the event, or NULL */
	const char *lost;	/* if the output is: what then; or NULL */
	void *arg;		/* the verb's own */

	/*
	 * Make after, a copy of before, what it is to be, or report what is
	 * in the way; the exit code.
	 */
	int (*apply)(const struct admin *admin, struct change *change,
	    const struct fo_principal *before, struct fo_principal *after);
	/* What goes on disk before the store's file does, and how it is taken
	 * back; NULL: nothing. */
	int (*prepare)(const struct change *change);
	void (*undo)(const struct change *change);
	/*
	 * What follows when the change has been written and told, also if it
	 * had been made before; NULL: nothing. It puts what it says into json
	 * or, for people, where that is NULL, prints it.
	 */
	int (*follow)(const struct admin *admin, const struct change *change,
	    const struct fo_principal *principal, struct json *json);
};

/* Do it; the verb's exit code. The operand names the principal. */
int change_run(struct change *change);

#endif
