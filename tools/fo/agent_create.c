/*
 * fo agent create: register an agent and its key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <firstops/key.h>

#include "base/wipe.h"
#include "host/names.h"
#include "host/rfc3339.h"

#include "admin.h"
#include "agent.h"
#include "file.h"
#include "json.h"
#include "key.h"
#include "options.h"
#include "out.h"
#include "verb.h"

enum { OPT_OWNER, OPT_GROUPS, OPT_POLICIES, OPT_ACCOUNTS, OPT_EXPIRES,
    OPT_OUT, OPT_JWK, OPT_SSH };

static const struct verb_option options[] = {
	[OPT_OWNER] = { "owner", "OWNER", "team or person that answers for it"
	    " (required)" },
	[OPT_GROUPS] = { "groups", "A,B", "its access groups" },
	[OPT_POLICIES] = { "policies", "A,B", "policies of its own" },
	[OPT_ACCOUNTS] = { "accounts", "A,S:B", "accounts it may become:"
	    " anywhere, or at service S" },
	[OPT_EXPIRES] = { "expires", "WHEN", "end of its key: 90d, 12h, or"
	    " 2027-02-23" },
	[OPT_OUT] = { "out", "FILE", "write the private key to a new file,"
	    " mode 0600" },
	[OPT_JWK] = { "jwk", "FILE", "register this public key (- for"
	    " standard input)" },
	[OPT_SSH] = { "ssh-key", "FILE", "register this ecdsa-sha2-nistp256"
	    " public key" },
	{ NULL, NULL, NULL }
};

#define SECONDS_A_DAY ((int64_t)86400)

/* ---- the key --------------------------------------------------------- */

/* The public key that was made elsewhere. */
static fo_err
read_key(const char *path, struct fo_diag *diag, struct fo_jwk *ret_jwk)
{
	char *text = NULL;
	size_t len = 0;
	fo_err r;

	r = file_read(path, KEY_MAX_BYTES, diag, &text, &len);
	if (r == FO_OK)
		r = key_read_public(path, text, len, diag, ret_jwk);
	fo_wipe_free(&text, len);

	return r;
}

static fo_err
make_key(char **ret_pem, struct fo_jwk *ret_jwk)
{
	struct fo_key *key = NULL;
	fo_err r;

	if ((r = fo_key_generate(&key)) == FO_OK &&
	    (r = fo_key_jwk(key, ret_jwk)) == FO_OK)
		r = fo_key_to_pem(key, ret_pem);
	fo_key_free(&key);

	return r;
}

/*
 * The thumbprint to register: of a key that is named, or of a new one, whose
 * private half is then *ret_pem.
 */
static int
get_key(const struct call *call, char **ret_pem, char ret_jkt[FO_JKT_SIZE])
{
	const char *jwk_path = call->option[OPT_JWK];
	const char *ssh_path = call->option[OPT_SSH];
	const char *path = jwk_path != NULL ? jwk_path : ssh_path;
	struct fo_diag diag = { "" };
	struct fo_jwk jwk;
	fo_err r;

	if (jwk_path != NULL && ssh_path != NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "--jwk and --ssh-key exclude each other");
	if (path != NULL && call->option[OPT_OUT] != NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--out is for a"
		    " new private key; %s is a public one and stays where it"
		    " is", path);
	r = path != NULL ? read_key(path, &diag, &jwk) :
	    make_key(ret_pem, &jwk);
	if (r == FO_OK)
		r = fo_jwk_thumbprint(&jwk, ret_jkt);
	if (r != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, r, "%s",
		    diag.text[0] != '\0' ? diag.text : fo_err_text(r));

	return FO_EXIT_DONE;
}

/* ---- the principal --------------------------------------------------- */

/* A random UUID, version 4 (RFC 9562 5.4), in an agent's id. */
static fo_err
new_id(char ret_id[FO_ID_SIZE])
{
	unsigned char b[16];
	size_t n, i;

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return FO_ERR_IO;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	n = (size_t)snprintf(ret_id, FO_ID_SIZE, "fo_agent_");
	for (i = 0; i < sizeof(b); i++)
		n += (size_t)snprintf(ret_id + n, FO_ID_SIZE - n, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);

	return FO_OK;
}

/* 12h, 90d or 4w from now; or a date, or a time in UTC. */
static bool
parse_expires(const char *text, int64_t now, int64_t *ret)
{
	const size_t len = strlen(text);
	char number[24];
	int64_t unit = 0, n;

	if (len >= 2 && len < sizeof(number)) {
		unit = text[len - 1] == 'h' ? 3600 :
		    text[len - 1] == 'd' ? SECONDS_A_DAY :
		    text[len - 1] == 'w' ? 7 * SECONDS_A_DAY : 0;
		snprintf(number, sizeof(number), "%.*s", (int)(len - 1),
		    text);
	}
	if (unit != 0) {
		/* a hundred years: nothing overflows */
		if (!number_parse(number, 1, 36500 * SECONDS_A_DAY / unit, &n))
			return false;
		*ret = now + n * unit;
		return true;
	}
	if (len == strlen("2027-02-23")) {
		snprintf(number, sizeof(number), "%sT00:00:00Z", text);
		text = number;
	}

	return fo_time_parse(text, ret) == FO_OK && *ret > now;
}

static int
set_name(const struct call *call, const char *what, const char *name,
    char ret[FO_NAME_MAX + 1])
{
	if (!fo_name_ok(name))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "%s \"%s\": must"
		    " be 1 to %d of a-z 0-9 . _ -, beginning with a letter or"
		    " digit", what, name, FO_NAME_MAX);
	snprintf(ret, FO_NAME_MAX + 1, "%s", name);

	return FO_EXIT_DONE;
}

static int
set_list(const struct call *call, int option, bool names, char ***ret)
{
	const char *text = call->option[option];
	size_t i;
	fo_err r;

	if ((r = list_parse(text, ret)) == FO_ERR_NOMEM)
		return fail_err(call, r, NULL, NULL);
	if (r != FO_OK)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "--%s \"%s\": must be names with a comma between them",
		    options[option].name, text != NULL ? text : "");
	for (i = 0; names && (*ret)[i] != NULL; i++)
		if (!fo_name_ok((*ret)[i]))
			return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
			    "--%s: \"%s\" is not a name",
			    options[option].name, (*ret)[i]);

	return FO_EXIT_DONE;
}

/*
 * Read back what would be written, so that a value that the store's reader
 * does not take is refused here, before anything is made.
 */
static int
check_readable(const struct call *call, const struct fo_principal *agent)
{
	struct fo_principal *copy = NULL;
	struct fo_diag diag = { "" };
	char *text = NULL;
	fo_err r;

	r = fo_principal_format(agent, &text);
	if (r == FO_OK)
		r = fo_principal_parse("the new agent", agent->id, text,
		    strlen(text), &diag, &copy);
	fo_principal_free(&copy);
	free(text);
	if (r == FO_OK)
		return FO_EXIT_DONE;

	return fail(call, r == FO_ERR_FORMAT ? FO_EXIT_USAGE :
	    FO_EXIT_TROUBLE, r, "%s", diag.text[0] != '\0' ? diag.text :
	    fo_err_text(r));
}

/* Everything about the agent but its thumbprint, out of the options. */
static int
describe(const struct call *call, int64_t now, struct fo_principal *agent)
{
	const char *owner = call->option[OPT_OWNER];
	const char *expires = call->option[OPT_EXPIRES];
	struct fo_pkey *key = agent->keys;
	int code;

	if (owner == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--owner is"
		    " missing: name the team or person that answers for the"
		    " agent");
	if ((code = set_name(call, "name", call->argv[0], agent->name)) != 0 ||
	    (code = set_name(call, "--owner", owner, agent->owner)) != 0 ||
	    (code = set_list(call, OPT_GROUPS, true, &agent->groups)) != 0 ||
	    (code = set_list(call, OPT_POLICIES, true,
	    &agent->policies)) != 0 ||
	    (code = set_list(call, OPT_ACCOUNTS, false,
	    &agent->accounts)) != 0)
		return code;
	if (expires != NULL && !parse_expires(expires, now, &key->expires))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--expires"
		    " \"%s\": must be a time to come, as 90d, 12h, 4w,"
		    " 2027-02-23 or 2027-02-23T18:00:00Z", expires);
	if (new_id(agent->id) != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "no randomness from the kernel");
	key->created = now;
	agent->kind = FO_KIND_AGENT;
	agent->status = FO_STATUS_ACTIVE;

	return FO_EXIT_DONE;
}

/* ---- what the store must say ----------------------------------------- */

/* Is there such a group or policy? Names the nearest one if not. */
static int
check_named(const struct admin *admin, const char *what, fo_store_part part,
    char *const *wanted)
{
	struct fo_diag diag = { "" };
	char **names;
	const char *near;
	size_t i, k;
	int code = FO_EXIT_DONE;
	fo_err r;

	if ((r = admin_names(admin, part, &diag, &names)) != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	for (i = 0; wanted[i] != NULL && code == FO_EXIT_DONE; i++) {
		for (k = 0; names[k] != NULL; k++)
			if (strcmp(names[k], wanted[i]) == 0)
				break;
		if (names[k] != NULL)
			continue;
		near = fo_name_nearest(wanted[i],
		    (const char *const *)names);
		code = near != NULL ?
		    fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
		    "there is no %s \"%s\"; did you mean \"%s\"?", what,
		    wanted[i], near) :
		    fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
		    "there is no %s \"%s\"; make %s/%s.d/%s.yaml first",
		    what, wanted[i], admin->store->folder,
		    part == FO_STORE_GROUPS ? "groups" : "policies",
		    wanted[i]);
	}
	list_free(&names);

	return code;
}

/* A name that two agents have would tell a reader of events nothing. */
static int
check_name_free(const struct admin *admin, const char *name)
{
	struct agents agents = { 0 };
	struct fo_diag diag = { "" };
	int code = FO_EXIT_DONE;
	size_t i;
	fo_err r;

	if ((r = agents_load(admin, &diag, &agents)) != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	for (i = 0; i < agents.count && code == FO_EXIT_DONE; i++)
		if (agents.list[i]->kind == FO_KIND_AGENT &&
		    strcmp(agents.list[i]->name, name) == 0)
			code = fail(admin->call, FO_EXIT_DENIED,
			    FO_ERR_EXISTS, "there is an agent \"%s\" already:"
			    " %s (%s); choose another name", name,
			    agents.list[i]->id,
			    fo_status_word(agents.list[i]->status));
	if (code == FO_EXIT_DONE && agents.broken > 0)
		code = fail(admin->call, FO_EXIT_TROUBLE, FO_ERR_STORE,
		    "whether the name is free cannot be known, since a file"
		    " of the store cannot be read: %s", agents.reason.text);
	agents_clear(&agents);

	return code;
}

static int
check_store(const struct admin *admin, const struct fo_principal *agent)
{
	struct fo_policies policies = { 0 };
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if ((code = check_name_free(admin, agent->name)) != 0 ||
	    (code = check_named(admin, "group", FO_STORE_GROUPS,
	    agent->groups)) != 0 ||
	    (code = check_named(admin, "policy", FO_STORE_POLICIES,
	    agent->policies)) != 0)
		return code;
	r = fo_store_policies(admin->store, agent, &diag, &policies);
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	fo_policies_clear(&policies);

	return FO_EXIT_DONE;
}

/* ---- doing it -------------------------------------------------------- */

/*
 * Register the agent; *ret_there says whether it is there, also after
 * trouble. The private key is on disk before the store knows its thumbprint,
 * and goes again if the store refuses: there is never an agent whose key is
 * nowhere.
 */
static int
store_agent(const struct admin *admin, const struct fo_store_lock *lock,
    const struct fo_principal *agent, const char *pem, bool *ret_there)
{
	const char *out = admin->call->option[OPT_OUT];
	struct fo_diag diag = { "" };
	fo_err r;

	if (out != NULL &&
	    (r = file_write_secret(out, pem, &diag)) != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	r = fo_store_create(admin->store, lock, agent, &diag, ret_there);
	if (r == FO_OK)
		return FO_EXIT_DONE;
	if (*ret_there) {
		note("fo: %s", diag.text);
		return FO_EXIT_TROUBLE;
	}
	if (out != NULL && unlink(out) != 0)
		note("fo: %s: cannot be removed; its key is registered"
		    " nowhere, delete it", out);

	return fail_err(admin->call, r, &diag, NULL);
}

static int
create_locked(const struct admin *admin, const struct fo_principal *agent,
    const char *pem, bool *ret_there)
{
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	r = fo_store_lock(admin->store, ADMIN_LOCK_MS, &diag, &lock);
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	if ((code = check_store(admin, agent)) == FO_EXIT_DONE)
		code = store_agent(admin, lock, agent, pem, ret_there);
	fo_store_unlock(&lock);

	return code;
}

/* The agent is there, and its key went with the answer. */
static int
fail_lost(const struct call *call, const char *id)
{
	return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO, "standard output: the"
	    " private key could not be written and is lost; revoke the"
	    " agent: fo agent revoke %s", id);
}

static int
print_created(const struct admin *admin, const struct fo_principal *agent,
    const char *pem)
{
	const struct call *call = admin->call;
	const char *out = call->option[OPT_OUT];
	struct json *json, *one;
	int code;

	if (call->json) {
		json = json_object_new();
		one = agent_json(agent, admin->now);
		json_flag(json, "ok", true);
		json_text(json, "id", agent->id);
		json_text(json, "thumbprint", agent->keys[0].jkt);
		if (out != NULL)
			json_text(json, "file", out);
		else if (pem != NULL)
			json_text(json, "private_key", pem);
		json_put(json, "agent", &one);
		if ((code = json_print(&json)) == FO_EXIT_DONE)
			return FO_EXIT_DONE;
		return pem != NULL && out == NULL ?
		    fail_lost(call, agent->id) : code;
	}
	printf("%s\n", agent->id);
	if (pem != NULL && out == NULL && !out_raw(pem, strlen(pem)))
		return fail_lost(call, agent->id);

	return FO_EXIT_DONE;
}

static int
create(const struct admin *admin, struct fo_principal *agent)
{
	char *pem = NULL;
	bool there = false;
	int code, told, printed;

	if ((code = describe(admin->call, admin->now, agent)) != 0 ||
	    (code = get_key(admin->call, &pem, agent->keys[0].jkt)) != 0 ||
	    (code = check_readable(admin->call, agent)) != 0)
		goto out;
	code = create_locked(admin, agent, pem, &there);
	if (!there)
		goto out;

	/* done: whatever follows, it is told and the key is handed over */
	told = admin_event(admin, FO_EV_PRINCIPAL_CREATE, "create", agent,
	    agent->keys[0].jkt, NULL);
	printed = print_created(admin, agent, pem);
	if (code == FO_EXIT_DONE)
		code = printed != FO_EXIT_DONE ? printed : told;
out:
	fo_key_pem_free(&pem);
	return code;
}

static int
run(const struct call *call)
{
	struct fo_principal agent = { 0 };
	struct fo_pkey key = { 0 };
	struct admin admin;
	int code;

	agent.keys = &key;
	agent.keys_count = 1;
	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = create(&admin, &agent);
	admin_close(&admin);
	list_free(&agent.groups);
	list_free(&agent.policies);
	list_free(&agent.accounts);

	return code;
}

const struct verb verb_agent_create = {
	.name = "agent create",
	.synopsis = "NAME --owner OWNER [options]",
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
	.exits =
	    "  0  done\n"
	    "  1  refused: the name, the key or the file exists already, or a"
	    " group or\n     policy does not\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the store cannot be read or written; or the agent"
	    " was made, but\n     an audit sink did not take the event (it says"
	    " so)\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.store = true,
	.json = true,
	.run = run,
};
