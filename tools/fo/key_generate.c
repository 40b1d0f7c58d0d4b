/*
 * fo key generate: a new key pair for an agent.
 */
#include <stdio.h>
#include <string.h>

#include <firstops/key.h>

#include "file.h"
#include "json.h"
#include "out.h"
#include "verb.h"

enum { OPT_OUT, OPT_TPM };

static const struct verb_option options[] = {
	[OPT_OUT] = { "out", "FILE", "write the private key to a new file,"
	    " mode 0600" },
	[OPT_TPM] = { "tpm", NULL, "make it in this machine's TPM 2.0, which"
	    " it cannot leave" },
	{ NULL, NULL, NULL }
};

static int
print(const struct call *call, const char *file, const char *pem,
    const char *jkt)
{
	struct json *json;

	if (call->json) {
		json = json_object_new();
		json_flag(json, "ok", true);
		json_text(json, "thumbprint", jkt);
		if (file != NULL)
			json_text(json, "file", file);
		else
			json_text(json, "private_key", pem);
		return json_print(&json);
	}
	if (file != NULL) {
		printf("%s\n", jkt);
		return FO_EXIT_DONE;
	}
	note("thumbprint: %s", jkt);
	if (!out_raw(pem, strlen(pem)))
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "standard output: the key could not be written");

	return FO_EXIT_DONE;
}

static int
run(const struct call *call)
{
	const char *file = call->option[OPT_OUT];
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;
	char jkt[FO_JKT_SIZE], *pem = NULL;
	int code;
	fo_err r;

	r = call->option[OPT_TPM] != NULL ?
	    fo_key_generate_tpm(&diag, &key) : fo_key_generate(&key);
	if (r == FO_OK &&
	    (r = fo_key_thumbprint(key, jkt)) == FO_OK &&
	    (r = fo_key_to_pem(key, &pem)) == FO_OK && file != NULL)
		r = file_write_secret(file, pem, &diag);
	if (r == FO_OK)
		code = print(call, file, pem, jkt);
	else
		code = fail_err(call, r, &diag, "key generate");
	fo_key_pem_free(&pem);
	fo_key_free(&key);

	return code;
}

const struct verb verb_key_generate = {
	.name = "key generate",
	.synopsis = "[--out FILE] [--tpm] [--json]",
	.summary = "Make a new key pair",
	.text =
	    "Make an ES256 (P-256) key pair. Without --out the private key"
	    " goes to standard\noutput as PEM and its thumbprint to standard"
	    " error; with --out the thumbprint\ngoes to standard output. An"
	    " existing file is never overwritten.\n\n"
	    "With --tpm the TPM makes the key and signs with it. What is"
	    " written then is of use\nto this TPM alone; it needs Debian's"
	    " tpm2-openssl.\n\n"
	    "The public half is what an administrator registers: fo key jwk,"
	    " and then\nfo agent create --jwk.\n",
	.example =
	    "  fo key generate --out ~/.config/firstops/key.pem\n"
	    "  fo key generate --tpm --out ~/.config/firstops/key.pem\n"
	    "  fo key jwk >agent.jwk\n",
	.exits =
	    "  0  done\n"
	    "  1  the file exists already\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the key could not be made or written\n",
	.options = options,
	.json = true,
	.run = run,
};
