/*
 * fo agent suspend and resume, fo human the same: refuse a principal for a
 * while, and no longer.
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

/* What is revoked stays revoked. */
static int
set_status(const struct admin *admin, struct change *change,
    const struct fo_principal *before, struct fo_principal *after)
{
	if (before->status == FO_STATUS_REVOKED)
		return fail(admin->call, FO_EXIT_DENIED, FO_ERR_REVOKED,
		    "%s is revoked, for good; a new one is made with fo %s"
		    " create", before->name, fo_kind_word(before->kind));
	after->status = *(const fo_status *)change->arg;

	return FO_EXIT_DONE;
}

static int
suspend(const struct call *call)
{
	fo_status status = FO_STATUS_SUSPENDED;
	struct change change = { .call = call, .ev = FO_EV_SUSPEND,
		.act = "suspend", .done = "suspended",
		.already = "already suspended",
		.dry_run = call->option[OPT_DRY_RUN] != NULL,
		.what = call->option[OPT_REASON], .arg = &status,
		.apply = set_status };

	return change_run(&change);
}

static int
resume(const struct call *call)
{
	fo_status status = FO_STATUS_ACTIVE;
	struct change change = { .call = call, .ev = FO_EV_RESUME,
		.act = "resume", .done = "resumed",
		.already = "already active",
		.dry_run = call->option[OPT_DRY_RUN] != NULL,
		.what = call->option[OPT_REASON], .arg = &status,
		.apply = set_status };

	return change_run(&change);
}

#define SUSPEND_TEXT(who) \
	"Refuse " who " everywhere from the next decision on, until it is" \
	" resumed. Its keys\nstay as they are. Sessions that are open go on;" \
	" revoke --end-sessions ends them.\n"
#define RESUME_TEXT(who) \
	"Let " who " in again after it was suspended. Keys that expired" \
	" meanwhile stay\nexpired, and what is revoked stays revoked.\n"

/* What all four say alike. */
#define COMMON \
	CHANGE_VERB, \
	.exits = CHANGE_EXITS

const struct verb verb_agent_suspend = {
	.name = "agent suspend",
	.summary = "Refuse an agent for a while",
	.text = SUSPEND_TEXT("an agent"),
	.example = "  fo agent suspend build-bot --reason \"under"
	    " investigation\"\n",
	.kind = FO_KIND_AGENT,
	.run = suspend,
	COMMON
};

const struct verb verb_agent_resume = {
	.name = "agent resume",
	.summary = "Let a suspended agent in again",
	.text = RESUME_TEXT("an agent"),
	.example = "  fo agent resume build-bot\n",
	.kind = FO_KIND_AGENT,
	.run = resume,
	COMMON
};

const struct verb verb_human_suspend = {
	.name = "human suspend",
	.summary = "Refuse a person for a while",
	.text = SUSPEND_TEXT("a person"),
	.example = "  fo human suspend alice --reason \"on leave\"\n",
	.kind = FO_KIND_HUMAN,
	.run = suspend,
	COMMON
};

const struct verb verb_human_resume = {
	.name = "human resume",
	.summary = "Let a suspended person in again",
	.text = RESUME_TEXT("a person"),
	.example = "  fo human resume alice\n",
	.kind = FO_KIND_HUMAN,
	.run = resume,
	COMMON
};
