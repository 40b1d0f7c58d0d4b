/*
 * fo agent edit, fo human edit: another owner, groups, policies, accounts.
 */
#include "change.h"
#include "describe.h"
#include "out.h"
#include "verb.h"

enum { OPT_OWNER, OPT_GROUPS, OPT_POLICIES, OPT_ACCOUNTS, OPT_DRY_RUN };

static const struct verb_option options[] = {
	[OPT_OWNER] = { "owner", "OWNER", "team or person that answers for"
	    " it" },
	[OPT_GROUPS] = DESCRIBE_GROUPS,
	[OPT_POLICIES] = DESCRIBE_POLICIES,
	[OPT_ACCOUNTS] = DESCRIBE_ACCOUNTS,
	[OPT_DRY_RUN] = CHANGE_DRY_RUN,
	{ NULL, NULL, NULL }
};

static int
edit(const struct admin *admin, struct change *change,
    const struct fo_principal *before, struct fo_principal *after)
{
	const struct call *call = admin->call;
	const char *const *option = call->option;
	int code;

	(void)change;
	if (before->status == FO_STATUS_REVOKED)
		return fail(call, FO_EXIT_DENIED, FO_ERR_REVOKED,
		    "%s is revoked; what its file says is history",
		    before->name);
	if ((option[OPT_OWNER] != NULL && (code = describe_name(call,
	    "--owner", option[OPT_OWNER], after->owner)) != 0) ||
	    (option[OPT_GROUPS] != NULL && (code = describe_names(call,
	    "groups", option[OPT_GROUPS], &after->groups)) != 0) ||
	    (option[OPT_POLICIES] != NULL && (code = describe_names(call,
	    "policies", option[OPT_POLICIES], &after->policies)) != 0) ||
	    (option[OPT_ACCOUNTS] != NULL && (code = describe_accounts(call,
	    "accounts", option[OPT_ACCOUNTS], &after->accounts)) != 0))
		return code;

	return describe_check(admin, after);
}

static int
run(const struct call *call)
{
	struct change change = { .call = call, .ev = FO_EV_PRINCIPAL_EDIT,
		.act = "edit", .done = "edited", .already = "unchanged",
		.dry_run = call->option[OPT_DRY_RUN] != NULL, .apply = edit };
	int i, given = 0;

	for (i = OPT_OWNER; i <= OPT_ACCOUNTS; i++)
		given += call->option[i] != NULL;
	if (given == 0)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "say what is to"
		    " be different: --owner, --groups, --policies or"
		    " --accounts");

	return change_run(&change);
}

#define EDIT_TEXT \
	"Replace the owner, the groups, the policies or the accounts; what" \
	" is not named\nstays as it is, and \"\" is an empty list. The change" \
	" is in force for the next\ndecision.\n"

/* What both say alike. */
#define COMMON \
	CHANGE_VERB, \
	.text = EDIT_TEXT, \
	.exits = CHANGE_EXITS, \
	.run = run

const struct verb verb_agent_edit = {
	.name = "agent edit",
	.summary = "Change an agent's owner, groups, policies, accounts",
	.example = "  fo agent edit build-bot --groups deployers,reporters"
	    " --dry-run\n",
	.kind = FO_KIND_AGENT,
	COMMON
};

const struct verb verb_human_edit = {
	.name = "human edit",
	.summary = "Change a person's owner, groups, policies, accounts",
	.example = "  fo human edit alice --groups developers\n",
	.kind = FO_KIND_HUMAN,
	COMMON
};
