/*
 * fo key thumbprint: the name under which a key is registered.
 */
#include <stdio.h>

#include <firstops/jwk.h>

#include "json.h"
#include "key.h"
#include "out.h"
#include "verb.h"

static int
run(const struct call *call)
{
	char jkt[FO_JKT_SIZE];
	struct fo_jwk jwk;
	struct json *json;
	int code;
	fo_err r;

	if ((code = key_named(call, &jwk)) != FO_EXIT_DONE)
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
	.synopsis = "[FILE | KEY | -] [--json]",
	.summary = "Print a key's thumbprint",
	.text =
	    "Print the RFC 7638 thumbprint of a key: a private key in PEM, a"
	    " public JWK, or\nan OpenSSH public key of type"
	    " ecdsa-sha2-nistp256. Without FILE: of the key that\nfo signs"
	    " with (FO_PRIVATE_KEY_PATH, the signer's, or"
	    " ~/.config/firstops/key.pem).\n"
	    "handle:0x81000001 and pkcs11:... name a key in a TPM or on a"
	    " token.\n",
	.example = "  fo key thumbprint ~/.ssh/id_ecdsa.pub\n",
	.max_operands = 1,
	.json = true,
	.run = run,
};
