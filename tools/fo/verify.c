/*
 * fo verify: the decision that PAM would make, from the command line.
 */
#include <stdio.h>
#include <string.h>

#include "base/wipe.h"
#include "host/audit.h"
#include "host/decide.h"

#include "admin.h"
#include "file.h"
#include "json.h"
#include "out.h"
#include "verb.h"

enum { OPT_SERVICE, OPT_ACCOUNT, OPT_NONCE, OPT_RHOST, OPT_DRY };

static const struct verb_option options[] = {
	[OPT_SERVICE] = { "service", "SERVICE", "the service, as sshd"
	    " (required)" },
	[OPT_ACCOUNT] = { "account", "ACCOUNT", "the account to become"
	    " (required)" },
	[OPT_NONCE] = { "nonce", "NONCE", "the nonce that was issued" },
	[OPT_RHOST] = { "rhost", "ADDRESS", "where the client comes from" },
	[OPT_DRY] = { "dry-run", NULL, "spend nothing, write no event" },
	{ NULL, NULL, NULL }
};

/* More than any proof; what is longer is not read to its end. */
#define INPUT_MAX_BYTES 65536

static int
print_json(const struct fo_decision *d)
{
	struct json *json = json_object_new();

	json_flag(json, "ok", d->why == FO_OK);
	json_text(json, "why", fo_err_word(d->why));
	json_text(json, "res", fo_res_word(d->res));
	json_text(json, "id", d->id[0] != '\0' ? d->id : NULL);
	json_text(json, "kind", d->kind[0] != '\0' ? d->kind : NULL);
	json_text(json, "name", d->name[0] != '\0' ? d->name : NULL);
	json_text(json, "owner", d->owner[0] != '\0' ? d->owner : NULL);
	json_text(json, "jkt", d->jkt[0] != '\0' ? d->jkt : NULL);
	json_text(json, "sid", d->sid[0] != '\0' ? d->sid : NULL);
	json_text(json, "policy", d->policy[0] != '\0' ? d->policy : NULL);
	json_text(json, "rule", d->rule[0] != '\0' ? d->rule : NULL);
	if (d->why != FO_OK)
		json_text(json, "error", d->diag.text[0] != '\0' ?
		    d->diag.text : fo_err_text(d->why));

	return json_print(&json);
}

static int
print(const struct call *call, const struct fo_decision *d)
{
	const bool dry = call->option[OPT_DRY] != NULL;

	if (call->json && print_json(d) != FO_EXIT_DONE)
		return FO_EXIT_TROUBLE;
	if (!call->json && d->why == FO_OK)
		printf("%s: %s %s of %s to %s as %s (%s/%s)\n",
		    dry ? "would be permitted" : "permitted", d->kind,
		    d->name, d->owner, call->option[OPT_SERVICE],
		    call->option[OPT_ACCOUNT], d->policy, d->rule);
	if (d->why != FO_OK)
		note("fo: refused: %s: %s", fo_err_word(d->why),
		    d->diag.text[0] != '\0' ? d->diag.text :
		    fo_err_text(d->why));

	return exit_of(d->why);
}

static int
decide(const struct admin *admin, const char *proof, size_t len)
{
	const struct call *call = admin->call;
	const struct fo_authority authority = {
		.store = admin->store,
		.config = admin->config,
		.clock = &fo_clock_system,
		.audit_tag = "fo",
		.audit_socket = FO_AUDIT_SOCKET,
	};
	const struct fo_attempt attempt = {
		.proof = proof,
		.proof_len = len,
		.nonce = call->option[OPT_NONCE],
		.service = call->option[OPT_SERVICE],
		.account = call->option[OPT_ACCOUNT],
		.rhost = call->option[OPT_RHOST],
		.rc = exit_of,
	};
	struct fo_decision decision;
	fo_err r;

	r = call->option[OPT_DRY] != NULL ?
	    fo_decide_preview(&authority, &attempt, &decision) :
	    fo_decide(&authority, &attempt, &decision);
	if (r != decision.why)
		return fail_err(call, FO_ERR_INTERNAL, NULL, "verify");

	return print(call, &decision);
}

static int
run(const struct call *call)
{
	struct fo_diag diag = { "" };
	struct admin admin;
	char *proof = NULL;
	size_t len = 0;
	int code;
	fo_err r;

	if (call->option[OPT_SERVICE] == NULL ||
	    call->option[OPT_ACCOUNT] == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--service and"
		    " --account are required: say what the proof is offered"
		    " to, as --service sshd --account deploy");
	r = file_read("-", INPUT_MAX_BYTES, &diag, &proof, &len);
	if (r != FO_OK)
		return fail(call, r == FO_ERR_TOO_LONG ? FO_EXIT_DENIED :
		    FO_EXIT_TROUBLE, FO_ERR_MALFORMED, "%s", diag.text);
	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = decide(&admin, proof, line_len(proof, len));
	admin_close(&admin);
	fo_wipe_free(&proof, len);

	return code;
}

const struct verb verb_verify = {
	.name = "verify",
	.synopsis = "--service S --account A [options]",
	.summary = "Decide on a proof as PAM would",
	.text =
	    "Read a proof from standard input and decide whether its holder is"
	    " let in to the\nservice as the account: the same decision as"
	    " pam_firstops makes, with the same\nevent. The proof is spent."
	    " With --dry-run nothing is spent and no event written.\n",
	.example =
	    "  fo proof sign --htu pam://bastion/postgresql/etl |\n"
	    "      sudo fo verify --service postgresql --account etl"
	    " --dry-run\n",
	.exits =
	    "  0  permitted\n"
	    "  1  refused; the reason is on standard error\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: store, replay folder or audit sink\n",
	.options = options,
	.store = true,
	.json = true,
	.run = run,
};
