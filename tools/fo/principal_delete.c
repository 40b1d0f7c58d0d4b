/*
 * fo agent delete, fo human delete: take a principal's file away.
 */
#include "change.h"
#include "out.h"
#include "verb.h"

enum { OPT_REASON, OPT_DRY_RUN };

static const struct verb_option options[] = {
	[OPT_REASON] = { "reason", "TEXT", "why, for the event" },
	[OPT_DRY_RUN] = CHANGE_DRY_RUN,
	{ NULL, NULL, NULL }
};

/* Who can still log in is not what an admin means to forget. */
static int
check_ended(const struct admin *admin, struct change *change,
    const struct fo_principal *before, struct fo_principal *after)
{
	const char *kind = fo_kind_word(before->kind);

	(void)change;
	(void)after;
	if (before->status == FO_STATUS_ACTIVE)
		return fail(admin->call, FO_EXIT_DENIED, FO_ERR_EXISTS,
		    "%s is active; end it first: fo %s revoke %s",
		    before->name, kind, before->name);

	return FO_EXIT_DONE;
}

static int
run(const struct call *call)
{
	struct change change = { .call = call, .ev = FO_EV_DELETE,
		.act = "delete", .done = "deleted", .already = "",
		.dry_run = call->option[OPT_DRY_RUN] != NULL, .removes = true,
		.what = call->option[OPT_REASON], .apply = check_ended };

	return change_run(&change);
}

#define DELETE_TEXT \
	"Take the file of a principal that is revoked or suspended out of" \
	" the store. Its\nkeys stay reserved: none of them can ever be" \
	" registered again. The events that\nname it stay in the log; revoke" \
	" alone keeps its file too, for those who read them.\n"

/* What both say alike. */
#define COMMON \
	CHANGE_VERB, \
	.text = DELETE_TEXT, \
	.exits = \
	    "  0  done\n" \
	    "  1  there is none of that name, or it is active\n" \
	    "  2  the command line cannot be understood\n" \
	    "  3  trouble: the store cannot be read or written; or it is" \
	    " done, but an audit\n     sink did not take the event (it says" \
	    " so)\n", \
	.run = run

const struct verb verb_agent_delete = {
	.name = "agent delete",
	.summary = "Remove an agent that has been revoked",
	.example = "  fo agent delete build-bot\n",
	.kind = FO_KIND_AGENT,
	COMMON
};

const struct verb verb_human_delete = {
	.name = "human delete",
	.summary = "Remove a person who has been revoked",
	.example = "  fo human delete alice\n",
	.kind = FO_KIND_HUMAN,
	COMMON
};
