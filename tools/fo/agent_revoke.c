/*
 * fo agent revoke: end an agent and all its keys, for good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "agent.h"
#include "json.h"
#include "out.h"
#include "verb.h"

enum { OPT_REASON };

static const struct verb_option options[] = {
	[OPT_REASON] = { "reason", "TEXT", "why, for its file and the event" },
	{ NULL, NULL, NULL }
};

#define DEFAULT_REASON "revoked"

/* Is there nothing left to revoke? */
static bool
is_over(const struct fo_principal *agent)
{
	size_t i;

	for (i = 0; i < agent->keys_count; i++)
		if (agent->keys[i].revoked == 0)
			return false;

	return agent->status == FO_STATUS_REVOKED;
}

/*
 * The same agent, revoked. Texts are borrowed from agent and reason; keys is
 * room for its keys.
 */
static void
revoked_copy(const struct fo_principal *agent, char *reason, int64_t now,
    struct fo_pkey *keys, struct fo_principal *ret)
{
	size_t i;

	*ret = *agent;
	ret->status = FO_STATUS_REVOKED;
	ret->keys = keys;
	for (i = 0; i < agent->keys_count; i++) {
		keys[i] = agent->keys[i];
		if (keys[i].revoked != 0)
			continue;
		/* a key whose making lies ahead of our clock ends with it */
		keys[i].revoked = now > keys[i].created ? now :
		    keys[i].created;
		keys[i].reason = reason;
	}
}

static int
print(const struct call *call, const struct fo_principal *agent,
    bool changed)
{
	struct json *json;

	if (!call->json) {
		printf("%s %s (%s)\n", changed ? "revoked" :
		    "already revoked:", agent->name, agent->id);
		return FO_EXIT_DONE;
	}
	json = json_object_new();
	json_flag(json, "ok", true);
	json_text(json, "id", agent->id);
	json_text(json, "name", agent->name);
	json_text(json, "status", "revoked");
	json_flag(json, "changed", changed);

	return json_print(&json);
}

/* *ret_there: it is revoked, also after trouble. */
static int
replace(const struct admin *admin, const struct fo_store_lock *lock,
    const struct fo_principal *agent, bool *ret_there)
{
	const char *reason = admin->call->option[OPT_REASON];
	struct fo_diag diag = { "" };
	struct fo_principal after;
	struct fo_pkey *keys;
	char *text;
	fo_err r = FO_ERR_NOMEM;

	text = strdup(reason != NULL ? reason : DEFAULT_REASON);
	keys = calloc(agent->keys_count + 1, sizeof(*keys));
	if (text != NULL && keys != NULL) {
		revoked_copy(agent, text, admin->now, keys, &after);
		r = fo_store_replace(admin->store, lock, agent, &after,
		    &diag, ret_there);
	}
	free(keys);
	free(text);
	if (r == FO_OK)
		return FO_EXIT_DONE;
	if (!*ret_there)
		return fail_err(admin->call, r, &diag, NULL);
	note("fo: %s", diag.text);

	return FO_EXIT_TROUBLE;
}

static int
revoke(const struct admin *admin, struct fo_principal **ret_agent,
    bool *ret_changed)
{
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	r = fo_store_lock(admin->store, ADMIN_LOCK_MS, &diag, &lock);
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	code = agent_find(admin, admin->call->argv[0], ret_agent);
	if (code == FO_EXIT_DONE && !is_over(*ret_agent))
		code = replace(admin, lock, *ret_agent, ret_changed);
	fo_store_unlock(&lock);

	return code;
}

static int
run(const struct call *call)
{
	struct fo_principal *agent = NULL;
	struct admin admin;
	bool changed = false;
	int code, told = FO_EXIT_DONE, printed = FO_EXIT_DONE;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = revoke(&admin, &agent, &changed);
	if (changed)
		told = admin_event(&admin, FO_EV_REVOKE, "revoke", agent,
		    NULL, call->option[OPT_REASON]);
	if (changed || code == FO_EXIT_DONE)
		printed = print(call, agent, changed);
	fo_principal_free(&agent);
	admin_close(&admin);
	if (code != FO_EXIT_DONE)
		return code;

	return printed != FO_EXIT_DONE ? printed : told;
}

const struct verb verb_agent_revoke = {
	.name = "agent revoke",
	.synopsis = "ID | NAME [--reason TEXT] [--json]",
	.summary = "End an agent and all its keys, for good",
	.text =
	    "Revoke an agent and every key of it. From the next decision on"
	    " it is refused\neverywhere; there is no way back, and its keys can"
	    " never be registered again.\nRevoking it once more changes"
	    " nothing.\n",
	.example = "  fo agent revoke build-bot --reason \"key was in a"
	    " public repository\"\n",
	.exits =
	    "  0  done, or revoked already\n"
	    "  1  there is no such agent\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the store cannot be read or written; or it was"
	    " revoked, but an\n     audit sink did not take the event (it says"
	    " so)\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.store = true,
	.json = true,
	.run = run,
};
