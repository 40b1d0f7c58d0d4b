/*
 * Principals of the store, as the verbs of `fo agent` and `fo human` see them.
 */
#include "principal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/names.h"
#include "host/rfc3339.h"

#include "json.h"
#include "out.h"

/* ---- loading --------------------------------------------------------- */

static fo_kind
kind_of(const char *id)
{
	return fo_id_is_agent(id) ? FO_KIND_AGENT : FO_KIND_HUMAN;
}

/* What those of these kinds are called: also the group of their verbs. */
static const char *
kinds_word(unsigned int kinds)
{
	if (kinds == PRINCIPALS_ALL)
		return "principal";

	return fo_kind_word(kinds == PRINCIPALS_OF(FO_KIND_AGENT) ?
	    FO_KIND_AGENT : FO_KIND_HUMAN);
}

struct walk {
	const struct admin *admin;
	unsigned int kinds;
	fo_err (*each)(struct fo_principal *principal, void *arg);
	void *arg;
	size_t broken;
	struct fo_diag *reason;	/* of the first that is broken */
};

static fo_err
load_one(const char *id, void *arg)
{
	struct walk *walk = arg;
	struct fo_principal *principal = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	/* the id is the file's name, and says the kind */
	if ((walk->kinds & PRINCIPALS_OF(kind_of(id))) == 0)
		return FO_OK;
	r = fo_store_principal(walk->admin->store, id, &diag, &principal);
	if (r == FO_OK)
		return walk->each(principal, walk->arg);
	if (r == FO_ERR_NOMEM)
		return r;
	if (r != FO_ERR_NOT_FOUND && walk->broken++ == 0)
		*walk->reason = diag;

	return FO_OK; /* or it was removed since the folder was listed */
}

fo_err
principals_each(const struct admin *admin, unsigned int kinds,
    struct fo_diag *diag, fo_err (*each)(struct fo_principal *principal,
    void *arg), void *arg, size_t *ret_broken, struct fo_diag *ret_reason)
{
	struct walk walk = { admin, kinds, each, arg, 0, ret_reason };
	fo_err r;

	r = fo_store_each(admin->store, FO_STORE_PRINCIPALS, diag, load_one,
	    &walk);
	if (r == FO_OK)
		*ret_broken = walk.broken;

	return r;
}

static fo_err
keep(struct fo_principal *principal, void *arg)
{
	struct principals *all = arg;
	struct fo_principal **grown;

	grown = reallocarray(all->list, all->count + 1, sizeof(*grown));
	if (grown == NULL) {
		fo_principal_free(&principal);
		return FO_ERR_NOMEM;
	}
	all->list = grown;
	grown[all->count++] = principal;

	return FO_OK;
}

fo_err
principals_load(const struct admin *admin, unsigned int kinds,
    struct fo_diag *diag, struct principals *ret_principals)
{
	struct principals all = { .kinds = kinds };
	fo_err r;

	r = principals_each(admin, kinds, diag, keep, &all, &all.broken,
	    &all.reason);
	if (r != FO_OK) {
		principals_clear(&all);
		return r;
	}
	*ret_principals = all;

	return FO_OK;
}

void
principals_clear(struct principals *principals)
{
	size_t i;

	for (i = 0; i < principals->count; i++)
		fo_principal_free(&principals->list[i]);
	free(principals->list);
	memset(principals, 0, sizeof(*principals));
}

/* ---- finding --------------------------------------------------------- */

static int
find_by_id(const struct admin *admin, unsigned int kinds, const char *id,
    struct fo_principal **ret_principal)
{
	const char *kind = kinds_word(kinds);
	struct fo_diag diag = { "" };
	fo_err r;

	if ((kinds & PRINCIPALS_OF(kind_of(id))) == 0)
		return fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
		    "%s is no %s's id, but a %s's: use fo %s", id, kind,
		    fo_kind_word(kind_of(id)), fo_kind_word(kind_of(id)));
	r = fo_store_principal(admin->store, id, &diag, ret_principal);
	if (r == FO_ERR_NOT_FOUND)
		return fail(admin->call, FO_EXIT_DENIED, r,
		    "there is no %s %s; fo %s list shows all of them", kind,
		    id, fo_kind_word(kind_of(id)));
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);

	return FO_EXIT_DONE;
}

/* Say that nobody has this name, or that it cannot be known. */
static int
not_found(const struct admin *admin, const struct principals *all,
    const char *name)
{
	const char **names = calloc(all->count + 1, sizeof(*names));
	const char *kind = kinds_word(all->kinds);
	const char *near = NULL;
	size_t i;

	for (i = 0; names != NULL && i < all->count; i++)
		names[i] = all->list[i]->name;
	if (names != NULL)
		near = fo_name_nearest(name, names);
	free(names);
	if (all->broken > 0)
		return fail(admin->call, FO_EXIT_TROUBLE, FO_ERR_STORE,
		    "no %s \"%s\" in the files that can be read; %zu"
		    " cannot be: %s", kind, name, all->broken,
		    all->reason.text);
	if (near != NULL)
		return fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
		    "there is no %s \"%s\"; did you mean \"%s\"?", kind,
		    name, near);

	return fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
	    "there is no %s \"%s\"; fo %s list shows all of them", kind,
	    name, all->kinds == PRINCIPALS_OF(FO_KIND_HUMAN) ? "human" :
	    "agent");
}

/* Take the one of this name out of the list; the exit code. */
static int
take_named(const struct admin *admin, struct principals *all,
    const char *name, struct fo_principal **ret_principal)
{
	struct fo_principal **found = NULL;
	size_t i;

	for (i = 0; i < all->count; i++) {
		if (strcmp(all->list[i]->name, name) != 0)
			continue;
		if (found != NULL)
			return fail(admin->call, FO_EXIT_DENIED,
			    FO_ERR_EXISTS, "two %ss are called \"%s\": %s"
			    " and %s; say which by its id",
			    kinds_word(all->kinds), name, (*found)->id,
			    all->list[i]->id);
		found = &all->list[i];
	}
	if (found == NULL)
		return not_found(admin, all, name);
	*ret_principal = *found;
	*found = NULL;

	return FO_EXIT_DONE;
}

int
principal_find(const struct admin *admin, unsigned int kinds,
    const char *word, struct fo_principal **ret_principal)
{
	struct principals all = { 0 };
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if (fo_id_ok(word))
		return find_by_id(admin, kinds, word, ret_principal);
	if (!fo_name_ok(word))
		return fail(admin->call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "\"%.64s\" is neither an id nor a name; fo agent list and"
		    " fo human list show both", word);
	if ((r = principals_load(admin, kinds, &diag, &all)) != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	code = take_named(admin, &all, word, ret_principal);
	principals_clear(&all);

	return code;
}

/* ---- changing -------------------------------------------------------- */

fo_err
principal_copy(const struct fo_principal *principal, struct fo_diag *diag,
    struct fo_principal **ret_copy)
{
	char *text = NULL;
	fo_err r;

	if ((r = fo_principal_format(principal, &text)) != FO_OK)
		return r;
	r = fo_principal_parse("the principal", principal->id, text,
	    strlen(text), diag, ret_copy);
	free(text);

	return r;
}

bool
principal_key_live(const struct fo_pkey *key, int64_t now)
{
	return key->revoked == 0 && (key->expires == 0 || key->expires > now);
}

bool
principal_ends_by(const struct fo_principal *principal, int64_t now,
    int64_t until)
{
	size_t i, live = 0;

	for (i = 0; i < principal->keys_count; i++) {
		const struct fo_pkey *key = &principal->keys[i];

		if (!principal_key_live(key, now))
			continue;
		if (key->expires == 0 || key->expires > until)
			return false;
		live++;
	}

	return live > 0;
}

fo_err
principal_key_revoke(struct fo_pkey *key, const char *reason, int64_t now)
{
	if (key->revoked != 0)
		return FO_OK;
	if ((key->reason = strdup(reason)) == NULL)
		return FO_ERR_NOMEM;
	/* a key whose making lies ahead of our clock ends with it */
	key->revoked = now > key->created ? now : key->created;

	return FO_OK;
}

/* ---- showing --------------------------------------------------------- */

static const char *
key_status(const struct fo_pkey *key, int64_t now)
{
	if (principal_key_live(key, now))
		return "active";

	return key->revoked != 0 ? "revoked" : "expired";
}

void
principal_expiry(const struct fo_principal *principal, int64_t now,
    char ret_text[PRINCIPAL_EXPIRY_SIZE])
{
	int64_t last = -1;
	size_t i;

	for (i = 0; i < principal->keys_count; i++) {
		const struct fo_pkey *key = &principal->keys[i];

		if (!principal_key_live(key, now))
			continue;
		if (key->expires == 0) {
			snprintf(ret_text, PRINCIPAL_EXPIRY_SIZE, "never");
			return;
		}
		last = key->expires > last ? key->expires : last;
	}
	if (last < 0 || fo_time_format(last, ret_text) != FO_OK)
		snprintf(ret_text, PRINCIPAL_EXPIRY_SIZE, "-");
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
principal_json(const struct fo_principal *principal, int64_t now)
{
	struct json *json = json_object_new(), *keys = json_list_new(), *key;
	size_t i;

	for (i = 0; i < principal->keys_count; i++) {
		key = key_json(&principal->keys[i], now);
		json_append(keys, &key);
	}
	json_text(json, "id", principal->id);
	json_text(json, "kind", fo_kind_word(principal->kind));
	json_text(json, "name", principal->name);
	json_text(json, "status", fo_status_word(principal->status));
	json_text(json, "owner", principal->owner);
	json_texts(json, "groups", (const char *const *)principal->groups);
	json_texts(json, "policies", (const char *const *)principal->policies);
	json_texts(json, "accounts", (const char *const *)principal->accounts);
	json_put(json, "keys", &keys);

	return json;
}
