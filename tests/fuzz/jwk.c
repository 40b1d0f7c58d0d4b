/*
 * Public keys: what is taken is written and read back as the same key, and
 * its thumbprint is the hash of what is written (RFC 7638 3).
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <firstops/jwk.h>

#include "base/sha256.h"

static void
check(const struct fo_jwk *jwk)
{
	char jkt[FO_JKT_SIZE], hash[FO_SHA256_TEXT_SIZE];
	struct fo_jwk again;
	char *json = NULL;
	fo_err r;

	if (fuzz_worked(fo_jwk_format(jwk, &json)) &&
	    fuzz_worked(fo_jwk_parse(json, strlen(json), NULL, &again)))
		NEED(memcmp(&again, jwk, sizeof(again)) == 0);
	if (json != NULL && fuzz_worked(fo_jwk_thumbprint(jwk, jkt)) &&
	    fuzz_worked(fo_sha256_text(json, strlen(json), hash)))
		NEED(strcmp(jkt, hash) == 0);
	free(json);
	r = fo_jwk_check(jwk);
	NEED(r == FO_OK || r == FO_ERR_BAD_KEY || fuzz_faulted());
}

void
fuzz_on_jwk(const uint8_t *data, size_t size)
{
	const struct fo_jwk untouched = { .x = { 1 }, .y = { 2 } };
	struct fo_jwk jwk = untouched;
	struct fo_diag diag = { "" };

	if (fo_jwk_parse((const char *)data, size, &diag, &jwk) == FO_OK)
		check(&jwk);
	else
		NEED(memcmp(&jwk, &untouched, sizeof(jwk)) == 0);

	jwk = untouched;
	if (fo_jwk_from_ssh((const char *)data, size, &diag, &jwk) == FO_OK)
		check(&jwk);
	else
		NEED(memcmp(&jwk, &untouched, sizeof(jwk)) == 0);
}
