/*
 * fo agent rotate, fo human rotate: a new key, and an end for the old ones.
 */
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "json.h"
#include "newkey.h"
#include "out.h"
#include "principal.h"
#include "verb.h"
#include "when.h"

enum { OPT_OVERLAP, OPT_NOW, OPT_EXPIRES, OPT_OUT, OPT_JWK, OPT_SSH,
    OPT_DRY_RUN };

static const struct verb_option options[] = {
	[OPT_OVERLAP] = { "overlap", "SPAN", "how long the old keys stay valid"
	    " (24h)" },
	[OPT_NOW] = { "now", NULL, "not at all: the old keys are revoked" },
	[OPT_EXPIRES] = { "expires", "WHEN", "end of the new key: 90d, 12h, or"
	    " 2027-02-23" },
	[OPT_OUT] = NEWKEY_OUT,
	[OPT_JWK] = NEWKEY_JWK,
	[OPT_SSH] = NEWKEY_SSH,
	[OPT_DRY_RUN] = CHANGE_DRY_RUN,
	{ NULL, NULL, NULL }
};

#define DEFAULT_OVERLAP_S ((int64_t)24 * 3600)
#define REASON "rotated"

/* What a rotation is to do. */
struct rotation {
	struct newkey key;
	int64_t overlap_s;	/* 0: none */
	const char *expires;	/* of the new key, or NULL */
};

/* Bring a key to its end: at once, or by itself. */
static fo_err
end_key(struct fo_pkey *key, int64_t overlap_s, int64_t now)
{
	if (!principal_key_live(key, now))
		return FO_OK;
	if (overlap_s == 0)
		return principal_key_revoke(key, REASON, now);
	if (key->expires == 0 || key->expires > now + overlap_s)
		key->expires = now + overlap_s;

	return FO_OK;
}

/*
 * Make room for one more key: where there is none, the first that is over
 * goes. Its thumbprint stays reserved, so that nobody gets it back.
 */
static fo_err
add_key(struct fo_principal *principal, const struct fo_pkey *key,
    int64_t now)
{
	struct fo_pkey *grown;
	size_t i, n = principal->keys_count;

	if (n >= FO_PRINCIPAL_MAX_KEYS) {
		for (i = 0; i < n && principal_key_live(&principal->keys[i],
		    now); i++)
			;
		if (i == n)
			return FO_ERR_TOO_LONG;
		free(principal->keys[i].reason);
		memmove(&principal->keys[i], &principal->keys[i + 1],
		    (n - i - 1) * sizeof(*key));
		n = --principal->keys_count;
	}
	grown = reallocarray(principal->keys, n + 1, sizeof(*grown));
	if (grown == NULL)
		return FO_ERR_NOMEM;
	principal->keys = grown;
	grown[n] = *key;
	principal->keys_count = n + 1;

	return FO_OK;
}

static int
rotate(const struct admin *admin, struct change *change,
    const struct fo_principal *before, struct fo_principal *after)
{
	const struct rotation *rotation = change->arg;
	const struct call *call = admin->call;
	struct fo_pkey key = { .created = admin->now };
	size_t i;
	fo_err r = FO_OK;

	if (before->status == FO_STATUS_REVOKED)
		return fail(call, FO_EXIT_DENIED, FO_ERR_REVOKED,
		    "%s is revoked, for good; a new one is made with fo %s"
		    " create", before->name, fo_kind_word(before->kind));
	if (fo_principal_key(before, rotation->key.jkt) != NULL)
		return fail(call, FO_EXIT_DENIED, FO_ERR_EXISTS,
		    "%s has this key already: %s; a rotation wants a new one",
		    before->name, rotation->key.jkt);
	if (rotation->expires != NULL && !when_parse(rotation->expires,
	    admin->now, &key.expires))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, WHEN_BAD,
		    rotation->expires);
	for (i = 0; i < after->keys_count && r == FO_OK; i++)
		r = end_key(&after->keys[i], rotation->overlap_s, admin->now);
	memcpy(key.jkt, rotation->key.jkt, sizeof(key.jkt));
	if (r == FO_OK)
		r = add_key(after, &key, admin->now);
	if (r == FO_ERR_TOO_LONG)
		return fail(call, FO_EXIT_DENIED, r, "%s has %d keys, all in"
		    " force; revoke one: fo %s revoke %s --key THUMBPRINT",
		    before->name, FO_PRINCIPAL_MAX_KEYS,
		    fo_kind_word(before->kind), before->name);

	return r == FO_OK ? FO_EXIT_DONE : fail_err(call, r, NULL, NULL);
}

static int
save(const struct change *change)
{
	const struct rotation *rotation = change->arg;

	return newkey_save(change->call, &rotation->key);
}

static void
unsave(const struct change *change)
{
	const struct rotation *rotation = change->arg;

	newkey_unsave(&rotation->key);
}

/* Hand the new key over. */
static int
hand_over(const struct admin *admin, const struct change *change,
    const struct fo_principal *principal, struct json *json)
{
	const struct rotation *rotation = change->arg;

	(void)principal;
	if (json != NULL)
		newkey_json(&rotation->key, json);
	else if (!newkey_print(&rotation->key))
		return fail(admin->call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "standard output: %s", change->lost);

	return FO_EXIT_DONE;
}

static int
read_options(const struct call *call, struct rotation *ret)
{
	const char *overlap = call->option[OPT_OVERLAP];

	*ret = (struct rotation){ .key = { .out = call->option[OPT_OUT],
		.jwk = call->option[OPT_JWK], .ssh = call->option[OPT_SSH] },
		.overlap_s = DEFAULT_OVERLAP_S,
		.expires = call->option[OPT_EXPIRES] };
	if (call->option[OPT_NOW] != NULL)
		ret->overlap_s = 0;
	if (overlap != NULL && call->option[OPT_NOW] != NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "--overlap and --now exclude each other");
	if (overlap != NULL && !span_parse(overlap, &ret->overlap_s))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--overlap"
		    " \"%s\": must be a span of time, as 24h, 90m or 7d;"
		    " --now is none", overlap);

	return newkey_get(call, &ret->key);
}

static int
run(const struct call *call)
{
	struct rotation rotation = { .overlap_s = 0 };
	struct change change = { .call = call, .ev = FO_EV_KEY_ROTATE,
		.act = "rotate", .done = "rotated", .already = "",
		.dry_run = call->option[OPT_DRY_RUN] != NULL,
		.jkt = rotation.key.jkt, .arg = &rotation, .apply = rotate,
		.prepare = save, .undo = unsave, .follow = hand_over };
	int code;

	if ((code = read_options(call, &rotation)) == FO_EXIT_DONE) {
		if (rotation.overlap_s == 0)
			change.what = "now";
		if (newkey_on_stdout(&rotation.key))
			change.lost = "the private key could not be written"
			    " and is lost; rotate once more";
		code = change_run(&change);
	}
	newkey_clear(&rotation.key);

	return code;
}

#define ROTATE_TEXT \
	"Register a new key. The old ones stay valid for the overlap, so" \
	" that nothing that\nruns with them is refused while the new one is" \
	" being brought there, and then\nexpire by themselves. With --now," \
	" for a key that somebody else may have, they are\nrevoked at once." \
	"\n\nThe new private key is printed once, or goes to a file with" \
	" --out; with --jwk or\n--ssh-key it was made elsewhere and only its" \
	" public half is registered.\n"

/* What both say alike. */
#define COMMON \
	CHANGE_VERB, \
	.text = ROTATE_TEXT, \
	.exits = CHANGE_EXITS, \
	.run = run

const struct verb verb_agent_rotate = {
	.name = "agent rotate",
	.summary = "Give an agent a new key; the old ones end",
	.example = "  fo agent rotate build-bot --overlap 2h --out"
	    " build-bot.pem\n",
	.kind = FO_KIND_AGENT,
	COMMON
};

const struct verb verb_human_rotate = {
	.name = "human rotate",
	.summary = "Give a person a new key; the old ones end",
	.example = "  fo human rotate alice --jwk alice-laptop.jwk\n",
	.kind = FO_KIND_HUMAN,
	COMMON
};
