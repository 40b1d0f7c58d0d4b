/*
 * fo agent revoke, fo human revoke: end a principal, or one key of it, for
 * good.
 */
#include <string.h>

#include "change.h"
#include "host/names.h"
#include "out.h"
#include "principal.h"
#include "sessions.h"
#include "verb.h"

enum { OPT_KEY, OPT_END_SESSIONS, OPT_REASON, OPT_DRY_RUN };

static const struct verb_option options[] = {
	[OPT_KEY] = { "key", "THUMBPRINT", "only this key of it" },
	[OPT_END_SESSIONS] = { "end-sessions", NULL, "end its open sessions,"
	    " too" },
	[OPT_REASON] = CHANGE_REASON,
	[OPT_DRY_RUN] = CHANGE_DRY_RUN,
	{ NULL, NULL, NULL }
};

#define DEFAULT_REASON "revoked"

static int
revoke_one(const struct admin *admin, const char *jkt, const char *reason,
    struct fo_principal *after)
{
	const char *names[FO_PRINCIPAL_MAX_KEYS + 1] = { NULL };
	const char *near;
	size_t i;
	fo_err r;

	for (i = 0; i < after->keys_count; i++) {
		names[i] = after->keys[i].jkt;
		if (strcmp(names[i], jkt) != 0)
			continue;
		r = principal_key_revoke(&after->keys[i], reason, admin->now);
		return r == FO_OK ? FO_EXIT_DONE :
		    fail_err(admin->call, r, NULL, NULL);
	}
	near = fo_name_nearest(jkt, names);

	return fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND, "%s has no"
	    " key %.64s%s%s; fo %s show %s lists them", after->name, jkt,
	    near != NULL ? "; did you mean " : "", near != NULL ? near : "",
	    fo_kind_word(after->kind), after->name);
}

static int
revoke(const struct admin *admin, struct change *change,
    const struct fo_principal *before, struct fo_principal *after)
{
	const char *reason = change->what != NULL ? change->what :
	    DEFAULT_REASON;
	size_t i;
	fo_err r = FO_OK;

	(void)before;
	if (change->jkt != NULL)
		return revoke_one(admin, change->jkt, reason, after);
	after->status = FO_STATUS_REVOKED;
	for (i = 0; i < after->keys_count && r == FO_OK; i++)
		r = principal_key_revoke(&after->keys[i], reason, admin->now);

	return r == FO_OK ? FO_EXIT_DONE :
	    fail_err(admin->call, r, NULL, NULL);
}

/* It is refused from now on: whoever is in goes. */
static int
end_sessions(const struct admin *admin, const struct change *change,
    const struct fo_principal *principal, struct json *json)
{
	return sessions_end(admin, principal, change->jkt, json);
}

static int
run(const struct call *call)
{
	struct change change = { .call = call, .ev = FO_EV_REVOKE,
		.act = "revoke", .done = "revoked",
		.already = "already revoked",
		.dry_run = call->option[OPT_DRY_RUN] != NULL,
		.jkt = call->option[OPT_KEY], .what = call->option[OPT_REASON],
		.apply = revoke };

	if (call->option[OPT_END_SESSIONS] != NULL)
		change.follow = end_sessions;

	return change_run(&change);
}

#define REVOKE_TEXT(who) \
	"Revoke " who " and every key, or with --key one key alone. From" \
	" the next\ndecision on there is no way in with it, at any service." \
	" There is no way back, and a\nrevoked key can never be registered" \
	" again. Revoking once more changes nothing.\n\n" \
	"With --end-sessions the sessions that are open are ended within" \
	" 2 seconds, each\nwith an event, and what cannot be ended is listed" \
	" with the remedy.\n"

/* What both say alike. */
#define COMMON \
	CHANGE_VERB, \
	.exits = \
	    "  0  done, or revoked already\n" \
	    "  1  there is none of that name, or no such key\n" \
	    "  2  the command line cannot be understood\n" \
	    "  3  trouble: the store cannot be read or written; or it was" \
	    " revoked, but a\n     session is still open, or an audit sink" \
	    " did not take the event (it says\n     so)\n", \
	.run = run

const struct verb verb_agent_revoke = {
	.name = "agent revoke",
	.summary = "End an agent, or one key of it, for good",
	.text = REVOKE_TEXT("an agent"),
	.example = "  fo agent revoke build-bot --end-sessions --reason \"key"
	    " was in a public repository\"\n",
	.kind = FO_KIND_AGENT,
	COMMON
};

const struct verb verb_human_revoke = {
	.name = "human revoke",
	.summary = "End a person's access, or one key of it, for good",
	.text = REVOKE_TEXT("a person"),
	.example = "  fo human revoke alice --key"
	    " NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\n",
	.kind = FO_KIND_HUMAN,
	COMMON
};
