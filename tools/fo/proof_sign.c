/*
 * fo proof sign: one fresh proof for one target.
 */
#include <stdio.h>
#include <string.h>

#include <firstops/proof.h>
#include <firstops/target.h>

#include "host/clock.h"

#include "json.h"
#include "key.h"
#include "out.h"
#include "verb.h"

enum { OPT_HTU, OPT_HTM, OPT_NONCE, OPT_TOKEN, OPT_KEY, OPT_LONG };

static const struct verb_option options[] = {
	[OPT_HTU] = { "htu", "URI", "what the proof is for (required)" },
	[OPT_HTM] = { "htm", "METHOD", "the method; PAM for a pam: target,"
	    " else required" },
	[OPT_NONCE] = { "nonce", "NONCE", "the nonce that was asked for" },
	[OPT_TOKEN] = { "access-token", "TOKEN", "bind the proof to this"
	    " access token" },
	[OPT_KEY] = { "key", "FILE", "the private key" },
	[OPT_LONG] = { "allow-long", NULL, "allow 4096 bytes where 511 are"
	    " the limit" },
	{ NULL, NULL, NULL }
};

/* What to sign, out of the options; the exit code. */
static int
read_request(const struct call *call, struct fo_request *ret)
{
	struct fo_now now;

	ret->htu = call->option[OPT_HTU];
	ret->htm = call->option[OPT_HTM];
	ret->nonce = call->option[OPT_NONCE];
	ret->access_token = call->option[OPT_TOKEN];
	if (ret->htu == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--htu is"
		    " missing: say what the proof is for, as"
		    " --htu pam://HOST/SERVICE/USER");
	if (ret->htm == NULL && strncmp(ret->htu, "pam:", 4) == 0)
		ret->htm = FO_HTM_PAM;
	if (ret->htm == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--htm is"
		    " missing: give the request's method, as --htm GET");
	if (call->option[OPT_LONG] != NULL)
		ret->max_bytes = FO_PROOF_MAX_BYTES;
	if (fo_clock_system.now(fo_clock_system.arg, &now) != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "the clock cannot be read");
	ret->iat = now.s;

	return FO_EXIT_DONE;
}

static int
print(const struct call *call, const char *proof)
{
	struct json *json;

	if (call->json) {
		json = json_object_new();
		json_flag(json, "ok", true);
		json_text(json, "proof", proof);
		return json_print(&json);
	}
	if (!out_raw(proof, strlen(proof)) || !out_raw("\n", 1))
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "standard output: the proof could not be written");

	return FO_EXIT_DONE;
}

static int
run(const struct call *call)
{
	struct fo_diag diag = { "" };
	struct fo_request req = { .diag = &diag };
	struct fo_key *key = NULL;
	char *proof = NULL;
	int code;
	fo_err r;

	if ((code = read_request(call, &req)) != FO_EXIT_DONE ||
	    (code = key_load(call, call->option[OPT_KEY], &key)) !=
	    FO_EXIT_DONE)
		return code;
	r = fo_proof_sign(key, &req, &proof);
	if (r == FO_OK)
		code = print(call, proof);
	else if (r == FO_ERR_TOO_LONG && req.max_bytes == 0)
		code = fail(call, FO_EXIT_DENIED, r, "%s: --allow-long",
		    diag.text);
	else
		code = fail_err(call, r, &diag, NULL);
	fo_proof_text_free(&proof);
	fo_key_free(&key);

	return code;
}

const struct verb verb_proof_sign = {
	.name = "proof sign",
	.synopsis = "--htu URI [--htm METHOD] [options]",
	.summary = "Sign a fresh proof for one target",
	.text =
	    "Sign a DPoP proof (RFC 9449) and print it. It is good once, for"
	    " this target, for\nabout a minute; whoever has it meanwhile is"
	    " let in, so hand it over and forget it.\n\n"
	    "The key is --key, else FO_PRIVATE_KEY_PATH, else the signer's"
	    " (fo signer), else\n~/.config/firstops/key.pem.\n\n"
	    "A proof for a pam: target is at most 511 bytes long, what every"
	    " PAM service\ncarries; a longer one is refused.\n",
	.example =
	    "  PGPASSWORD=$(fo proof sign --htu pam://bastion/postgresql/etl)"
	    " psql -U etl db\n",
	.exits =
	    "  0  done\n"
	    "  1  the proof would be too long, or the signer refuses it\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: no key, or it cannot be used\n",
	.options = options,
	.json = true,
	.run = run,
};
