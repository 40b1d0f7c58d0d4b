/*
 * fo agent create, fo human create: register a principal and its key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "host/names.h"

#include "admin.h"
#include "change.h"
#include "describe.h"
#include "json.h"
#include "newkey.h"
#include "options.h"
#include "out.h"
#include "principal.h"
#include "verb.h"
#include "when.h"

enum { OPT_OWNER, OPT_GROUPS, OPT_POLICIES, OPT_ACCOUNTS, OPT_EXPIRES,
    OPT_OUT, OPT_JWK, OPT_SSH, OPT_DRY_RUN };

static const struct verb_option options[] = {
	[OPT_OWNER] = { "owner", "OWNER", "team or person that answers for it"
	    " (required)" },
	[OPT_GROUPS] = DESCRIBE_GROUPS,
	[OPT_POLICIES] = DESCRIBE_POLICIES,
	[OPT_ACCOUNTS] = DESCRIBE_ACCOUNTS,
	[OPT_EXPIRES] = { "expires", "WHEN", "end of its key: 90d, 12h, or"
	    " 2027-02-23" },
	[OPT_OUT] = NEWKEY_OUT,
	[OPT_JWK] = NEWKEY_JWK,
	[OPT_SSH] = NEWKEY_SSH,
	[OPT_DRY_RUN] = CHANGE_DRY_RUN,
	{ NULL, NULL, NULL }
};

/* ---- the principal --------------------------------------------------- */

/* A random UUID, version 4 (RFC 9562 5.4), in an id. */
static fo_err
new_id(fo_kind kind, char ret_id[FO_ID_SIZE])
{
	unsigned char b[16];
	size_t n, i;

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return FO_ERR_IO;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	n = (size_t)snprintf(ret_id, FO_ID_SIZE, "%s", kind == FO_KIND_AGENT ?
	    "fo_agent_" : "fo_user_");
	for (i = 0; i < sizeof(b); i++)
		n += (size_t)snprintf(ret_id + n, FO_ID_SIZE - n, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);

	return FO_OK;
}

/* Everything about the principal but its thumbprint, out of the options. */
static int
describe(const struct call *call, int64_t now, struct fo_principal *made)
{
	const char *const *option = call->option;
	const char *expires = option[OPT_EXPIRES];
	struct fo_pkey *key = made->keys;
	int code;

	if (option[OPT_OWNER] == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--owner is"
		    " missing: name the team or person that answers for %s",
		    call->argv[0]);
	if ((code = describe_name(call, "name", call->argv[0],
	    made->name)) != 0 ||
	    (code = describe_name(call, "--owner", option[OPT_OWNER],
	    made->owner)) != 0 ||
	    (code = describe_names(call, "groups", option[OPT_GROUPS],
	    &made->groups)) != 0 ||
	    (code = describe_names(call, "policies", option[OPT_POLICIES],
	    &made->policies)) != 0 ||
	    (code = describe_accounts(call, "accounts", option[OPT_ACCOUNTS],
	    &made->accounts)) != 0)
		return code;
	if (expires != NULL && !when_parse(expires, now, &key->expires))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, WHEN_BAD,
		    expires);
	if (new_id(call->verb->kind, made->id) != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "no randomness from the kernel");
	key->created = now;
	made->kind = call->verb->kind;
	made->status = FO_STATUS_ACTIVE;

	return FO_EXIT_DONE;
}

/* A name that two have would tell a reader of events nothing. */
static int
check_name_free(const struct admin *admin, const char *name)
{
	struct principals all = { 0 };
	struct fo_diag diag = { "" };
	int code = FO_EXIT_DONE;
	size_t i;
	fo_err r;

	r = principals_load(admin, PRINCIPALS_OF(admin->call->verb->kind),
	    &diag, &all);
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	for (i = 0; i < all.count && code == FO_EXIT_DONE; i++)
		if (strcmp(all.list[i]->name, name) == 0)
			code = fail(admin->call, FO_EXIT_DENIED,
			    FO_ERR_EXISTS, "there is %s \"%s\" already: %s"
			    " (%s); choose another name",
			    all.list[i]->kind == FO_KIND_AGENT ? "an agent" :
			    "a human", name, all.list[i]->id,
			    fo_status_word(all.list[i]->status));
	if (code == FO_EXIT_DONE && all.broken > 0)
		code = fail(admin->call, FO_EXIT_TROUBLE, FO_ERR_STORE,
		    "whether the name is free cannot be known, since a file"
		    " of the store cannot be read: %s", all.reason.text);
	principals_clear(&all);

	return code;
}

/* ---- doing it -------------------------------------------------------- */

/*
 * Register the principal; *ret_there says whether it is there, also after
 * trouble.
 */
static int
store_principal(const struct admin *admin, const struct fo_store_lock *lock,
    const struct fo_principal *made, const struct newkey *key,
    bool *ret_there)
{
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if ((code = newkey_save(admin->call, key)) != FO_EXIT_DONE)
		return code;
	r = fo_store_create(admin->store, lock, made, &diag, ret_there);
	if (r == FO_OK)
		return FO_EXIT_DONE;
	if (*ret_there) {
		note("fo: %s", diag.text);
		return FO_EXIT_TROUBLE;
	}
	newkey_unsave(key);

	return fail_err(admin->call, r, &diag, NULL);
}

static int
create_locked(const struct admin *admin, const struct fo_principal *made,
    const struct newkey *key, bool *ret_there)
{
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	r = fo_store_lock(admin->store, ADMIN_LOCK_MS, &diag, &lock);
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	if ((code = check_name_free(admin, made->name)) == FO_EXIT_DONE &&
	    (code = describe_check(admin, made)) == FO_EXIT_DONE &&
	    admin->call->option[OPT_DRY_RUN] == NULL)
		code = store_principal(admin, lock, made, key, ret_there);
	fo_store_unlock(&lock);

	return code;
}

/* It is there, and its key went with the answer. */
static int
fail_lost(const struct call *call, const char *id)
{
	return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO, "standard output: the"
	    " private key could not be written and is lost; revoke the"
	    " %s: fo %s revoke %s", fo_kind_word(call->verb->kind),
	    fo_kind_word(call->verb->kind), id);
}

static int
print_created(const struct admin *admin, const struct fo_principal *made,
    const struct newkey *key)
{
	const struct call *call = admin->call;
	struct json *json, *one;
	int code;

	if (call->json) {
		json = json_object_new();
		one = principal_json(made, admin->now);
		json_flag(json, "ok", true);
		json_text(json, "id", made->id);
		newkey_json(key, json);
		json_put(json, fo_kind_word(made->kind), &one);
		if ((code = json_print(&json)) == FO_EXIT_DONE)
			return FO_EXIT_DONE;
		return newkey_on_stdout(key) ? fail_lost(call, made->id) :
		    code;
	}
	printf("%s\n", made->id);

	return newkey_print(key) ? FO_EXIT_DONE : fail_lost(call, made->id);
}

/* What would be written; with a new pair every time another key. */
static int
print_dry(const struct admin *admin, const struct fo_principal *made)
{
	struct json *json, *one;
	char *text = NULL;
	fo_err r;

	if (admin->call->json) {
		json = json_object_new();
		one = principal_json(made, admin->now);
		json_flag(json, "ok", true);
		json_flag(json, "dry_run", true);
		json_put(json, fo_kind_word(made->kind), &one);
		return json_print(&json);
	}
	if ((r = fo_principal_format(made, &text)) != FO_OK)
		return fail_err(admin->call, r, NULL, NULL);
	printf("%s", text);
	free(text);
	note("fo: nothing was changed; this is what would be written");

	return FO_EXIT_DONE;
}

static int
create(const struct admin *admin, struct fo_principal *made,
    struct newkey *key)
{
	bool there = false;
	int code, told, printed;

	if ((code = describe(admin->call, admin->now, made)) != 0 ||
	    (code = newkey_get(admin->call, key)) != 0)
		return code;
	memcpy(made->keys[0].jkt, key->jkt, sizeof(key->jkt));
	if ((code = describe_readable(admin->call, made)) != FO_EXIT_DONE)
		return code;
	code = create_locked(admin, made, key, &there);
	if (code == FO_EXIT_DONE && !there)
		return print_dry(admin, made);
	if (!there)
		return code;

	/* done: whatever follows, it is told and the key is handed over */
	told = admin_event(admin, FO_EV_PRINCIPAL_CREATE, "create", made,
	    key->jkt, NULL);
	printed = print_created(admin, made, key);
	if (code != FO_EXIT_DONE)
		return code;

	return printed != FO_EXIT_DONE ? printed : told;
}

static int
run(const struct call *call)
{
	struct fo_principal made = { 0 };
	struct fo_pkey pkey = { 0 };
	struct newkey key = { .out = call->option[OPT_OUT],
		.jwk = call->option[OPT_JWK], .ssh = call->option[OPT_SSH] };
	struct admin admin;
	int code;

	made.keys = &pkey;
	made.keys_count = 1;
	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = create(&admin, &made, &key);
	admin_close(&admin);
	newkey_clear(&key);
	list_free(&made.groups);
	list_free(&made.policies);
	list_free(&made.accounts);

	return code;
}

/* What both verbs say and do alike. */
#define CREATE \
	.synopsis = "NAME --owner OWNER [options]", \
	.exits = \
	    "  0  done\n" \
	    "  1  refused: the name, the key or the file exists already, or a" \
	    " group or\n     policy does not\n" \
	    "  2  the command line cannot be understood\n" \
	    "  3  trouble: the store cannot be read or written; or it was" \
	    " made, but an\n     audit sink did not take the event (it says" \
	    " so)\n", \
	.options = options, \
	.min_operands = 1, \
	.max_operands = 1, \
	.store = true, \
	.json = true, \
	.run = run

const struct verb verb_agent_create = {
	.name = "agent create",
	.summary = "Register an agent and its key",
	.text =
	    "Register an agent: a principal of its own, independent of any"
	    " person. Its id and\nits new private key are printed once, or the"
	    " key goes to a file with --out; it is\nstored nowhere else. Better"
	    " still, let the agent make its key where it runs and\nregister the"
	    " public half with --jwk or --ssh-key.\n\n"
	    "What the agent may do is in the policies of its groups, and it"
	    " may become only\nthe accounts named with --accounts. Without any"
	    " of them it may do nothing.\n",
	.example =
	    "  fo agent create build-bot --owner team-platform --groups"
	    " deployers \\\n"
	    "      --accounts deploy,postgresql:etl --expires 90d --out"
	    " build-bot.pem\n",
	.kind = FO_KIND_AGENT,
	CREATE
};

const struct verb verb_human_create = {
	.name = "human create",
	.summary = "Register a person and the key of their machine",
	.text =
	    "Register a person, whose coding agents act as them. The key is"
	    " best made on the\nperson's own machine, which it never leaves:"
	    " register its public half with --jwk\nor --ssh-key. Otherwise a"
	    " new private key is printed once, or goes to a file with\n--out."
	    "\n\nWhat the person may do is in the policies of their groups,"
	    " and they may become\nonly the accounts named with --accounts.\n",
	.example =
	    "  fo human create alice --owner alice --groups developers"
	    " --accounts alice \\\n"
	    "      --jwk alice-laptop.jwk\n",
	.kind = FO_KIND_HUMAN,
	CREATE
};
