/*
 * fo key thumbprint: the name under which a key is registered.
 */
#include <stdio.h>
#include <string.h>

#include <firstops/jwk.h>

#include "base/wipe.h"

#include "file.h"
#include "json.h"
#include "key.h"
#include "out.h"
#include "verb.h"

/* The public key in a file, or of the key that fo signs with. */
static int
read_jwk(const struct call *call, struct fo_jwk *ret_jwk)
{
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;
	char *text = NULL;
	size_t len = 0;
	int code;
	fo_err r;

	if (call->argc == 0) {
		code = key_load(call, NULL, &key);
		if (code != FO_EXIT_DONE)
			return code;
		r = fo_key_jwk(key, ret_jwk);
		fo_key_free(&key);
	} else {
		r = file_read(call->argv[0], KEY_MAX_BYTES, &diag, &text,
		    &len);
		if (r == FO_OK)
			r = key_read_public(call->argv[0], text, len, &diag,
			    ret_jwk);
		fo_wipe_free(&text, len);
	}
	if (r == FO_OK)
		return FO_EXIT_DONE;

	return fail(call, FO_EXIT_TROUBLE, r, "%s",
	    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
}

static int
run(const struct call *call)
{
	char jkt[FO_JKT_SIZE];
	struct fo_jwk jwk;
	struct json *json;
	int code;
	fo_err r;

	if ((code = read_jwk(call, &jwk)) != FO_EXIT_DONE)
		return code;
	if ((r = fo_jwk_thumbprint(&jwk, jkt)) != FO_OK)
		return fail_err(call, r, NULL, "key thumbprint");
	if (!call->json) {
		printf("%s\n", jkt);
		return FO_EXIT_DONE;
	}
	json = json_object_new();
	json_flag(json, "ok", true);
	json_text(json, "thumbprint", jkt);

	return json_print(&json);
}

const struct verb verb_key_thumbprint = {
	.name = "key thumbprint",
	.synopsis = "[FILE | -] [--json]",
	.summary = "Print a key's thumbprint",
	.text =
	    "Print the RFC 7638 thumbprint of a key: a private key in PEM, a"
	    " public JWK, or\nan OpenSSH public key of type"
	    " ecdsa-sha2-nistp256. Without FILE: of the key that\nfo signs"
	    " with (FO_PRIVATE_KEY_PATH, or ~/.config/firstops/key.pem).\n",
	.example = "  fo key thumbprint ~/.ssh/id_ecdsa.pub\n",
	.max_operands = 1,
	.json = true,
	.run = run,
};
