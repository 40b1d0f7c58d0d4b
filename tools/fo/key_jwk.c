/*
 * fo key jwk: the public half of a key, for fo agent create --jwk.
 */
#include <stdio.h>
#include <stdlib.h>

#include <firstops/jwk.h>

#include "key.h"
#include "out.h"
#include "verb.h"

static int
run(const struct call *call)
{
	struct fo_jwk jwk;
	char *text = NULL;
	int code;
	fo_err r;

	if ((code = key_named(call, &jwk)) != FO_EXIT_DONE)
		return code;
	if ((r = fo_jwk_format(&jwk, &text)) != FO_OK)
		return fail_err(call, r, NULL, "key jwk");
	printf("%s\n", text);
	free(text);

	return FO_EXIT_DONE;
}

const struct verb verb_key_jwk = {
	.name = "key jwk",
	.synopsis = "[FILE | KEY | -]",
	.summary = "Print a key's public half",
	.text =
	    "Print the public JWK of a key (RFC 7517), which an administrator"
	    " registers:\nfo agent create --jwk. For a key that cannot leave"
	    " its device it is all that ever\ncomes out. What names a key is as"
	    " for fo key thumbprint.\n",
	.example =
	    "  fo key jwk agent.pem >agent.jwk\n"
	    "  fo key jwk 'pkcs11:token=agents;object=build-bot' >agent.jwk\n",
	.max_operands = 1,
	.run = run,
};
