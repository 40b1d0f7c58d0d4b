/*
 * Agents of the store, as the verbs of `fo agent` see them.
 */
#include "agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/names.h"
#include "host/rfc3339.h"

#include "json.h"
#include "out.h"

/* ---- loading --------------------------------------------------------- */

struct walk {
	const struct admin *admin;
	struct agents *agents;
};

static fo_err
load_one(const char *id, void *arg)
{
	struct walk *walk = arg;
	struct agents *agents = walk->agents;
	struct fo_principal *principal = NULL, **grown;
	struct fo_diag diag = { "" };
	fo_err r;

	r = fo_store_principal(walk->admin->store, id, &diag, &principal);
	if (r == FO_ERR_NOMEM)
		return r;
	if (r == FO_ERR_NOT_FOUND)
		return FO_OK; /* removed since the folder was listed */
	if (r != FO_OK) {
		if (agents->broken++ == 0)
			agents->reason = diag;
		return FO_OK;
	}
	grown = reallocarray(agents->list, agents->count + 1, sizeof(*grown));
	if (grown == NULL) {
		fo_principal_free(&principal);
		return FO_ERR_NOMEM;
	}
	agents->list = grown;
	grown[agents->count++] = principal;

	return FO_OK;
}

fo_err
agents_load(const struct admin *admin, struct fo_diag *diag,
    struct agents *ret_agents)
{
	struct agents agents = { 0 };
	struct walk walk = { admin, &agents };
	fo_err r;

	r = fo_store_each(admin->store, FO_STORE_PRINCIPALS, diag, load_one,
	    &walk);
	if (r != FO_OK) {
		agents_clear(&agents);
		return r;
	}
	*ret_agents = agents;

	return FO_OK;
}

void
agents_clear(struct agents *agents)
{
	size_t i;

	for (i = 0; i < agents->count; i++)
		fo_principal_free(&agents->list[i]);
	free(agents->list);
	memset(agents, 0, sizeof(*agents));
}

/* ---- finding --------------------------------------------------------- */

static int
find_by_id(const struct admin *admin, const char *id,
    struct fo_principal **ret_agent)
{
	struct fo_diag diag = { "" };
	fo_err r;

	if (!fo_id_is_agent(id))
		return fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
		    "%s is not an agent's id", id);
	r = fo_store_principal(admin->store, id, &diag, ret_agent);
	if (r == FO_ERR_NOT_FOUND)
		return fail(admin->call, FO_EXIT_DENIED, r,
		    "there is no agent %s; fo agent list shows all of them",
		    id);
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);

	return FO_EXIT_DONE;
}

/* Say that no agent has this name, or that it cannot be known. */
static int
not_found(const struct admin *admin, const struct agents *agents,
    const char *name)
{
	const char **names = calloc(agents->count + 1, sizeof(*names));
	const char *near = NULL;
	size_t i, n = 0;

	for (i = 0; names != NULL && i < agents->count; i++)
		if (agents->list[i]->kind == FO_KIND_AGENT)
			names[n++] = agents->list[i]->name;
	if (names != NULL)
		near = fo_name_nearest(name, names);
	free(names);
	if (agents->broken > 0)
		return fail(admin->call, FO_EXIT_TROUBLE, FO_ERR_STORE,
		    "no agent \"%s\" in the files that can be read; %zu"
		    " cannot be: %s", name, agents->broken,
		    agents->reason.text);
	if (near != NULL)
		return fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
		    "there is no agent \"%s\"; did you mean \"%s\"?", name,
		    near);

	return fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
	    "there is no agent \"%s\"; fo agent list shows all of them",
	    name);
}

/* Take the one agent of this name out of the list; the exit code. */
static int
take_named(const struct admin *admin, struct agents *agents,
    const char *name, struct fo_principal **ret_agent)
{
	struct fo_principal **found = NULL;
	size_t i;

	for (i = 0; i < agents->count; i++) {
		if (agents->list[i]->kind != FO_KIND_AGENT ||
		    strcmp(agents->list[i]->name, name) != 0)
			continue;
		if (found != NULL)
			return fail(admin->call, FO_EXIT_DENIED,
			    FO_ERR_EXISTS, "two agents are called \"%s\": %s"
			    " and %s; say which by its id", name,
			    (*found)->id, agents->list[i]->id);
		found = &agents->list[i];
	}
	if (found == NULL)
		return not_found(admin, agents, name);
	*ret_agent = *found;
	*found = NULL;

	return FO_EXIT_DONE;
}

int
agent_find(const struct admin *admin, const char *word,
    struct fo_principal **ret_agent)
{
	struct agents agents = { 0 };
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if (fo_id_ok(word))
		return find_by_id(admin, word, ret_agent);
	if ((r = agents_load(admin, &diag, &agents)) != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	code = take_named(admin, &agents, word, ret_agent);
	agents_clear(&agents);

	return code;
}

/* ---- showing --------------------------------------------------------- */

static const char *
key_status(const struct fo_pkey *key, int64_t now)
{
	if (key->revoked != 0)
		return "revoked";
	if (key->expires != 0 && key->expires <= now)
		return "expired";

	return "active";
}

void
agent_expiry(const struct fo_principal *agent, int64_t now,
    char ret_text[AGENT_EXPIRY_SIZE])
{
	int64_t last = -1;
	size_t i;

	for (i = 0; i < agent->keys_count; i++) {
		const struct fo_pkey *key = &agent->keys[i];

		if (strcmp(key_status(key, now), "active") != 0)
			continue;
		if (key->expires == 0) {
			snprintf(ret_text, AGENT_EXPIRY_SIZE, "never");
			return;
		}
		last = key->expires > last ? key->expires : last;
	}
	if (last < 0 || fo_time_format(last, ret_text) != FO_OK)
		snprintf(ret_text, AGENT_EXPIRY_SIZE, "-");
}

static void
json_time(struct json *object, const char *key, int64_t s)
{
	char text[FO_TIME_SIZE];

	json_text(object, key, s != 0 && fo_time_format(s, text) == FO_OK ?
	    text : NULL);
}

static struct json *
key_json(const struct fo_pkey *key, int64_t now)
{
	struct json *json = json_object_new();

	json_text(json, "thumbprint", key->jkt);
	json_text(json, "status", key_status(key, now));
	json_time(json, "created", key->created);
	json_time(json, "expires", key->expires);
	json_time(json, "revoked", key->revoked);
	json_text(json, "reason", key->reason);

	return json;
}

struct json *
agent_json(const struct fo_principal *agent, int64_t now)
{
	struct json *json = json_object_new(), *keys = json_list_new(), *key;
	size_t i;

	for (i = 0; i < agent->keys_count; i++) {
		key = key_json(&agent->keys[i], now);
		json_append(keys, &key);
	}
	json_text(json, "id", agent->id);
	json_text(json, "kind", fo_kind_word(agent->kind));
	json_text(json, "name", agent->name);
	json_text(json, "status", fo_status_word(agent->status));
	json_text(json, "owner", agent->owner);
	json_texts(json, "groups", (const char *const *)agent->groups);
	json_texts(json, "policies", (const char *const *)agent->policies);
	json_texts(json, "accounts", (const char *const *)agent->accounts);
	json_put(json, "keys", &keys);

	return json;
}
