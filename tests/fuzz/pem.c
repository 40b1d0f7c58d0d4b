/*
 * Private keys: what is taken is written and read back as the same key.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include <firstops/key.h>

static int
passphrase(char *buf, size_t size, void *arg)
{
	(void)arg;
	return snprintf(buf, size, "correct horse");
}

void
fuzz_on_pem(const uint8_t *data, size_t size)
{
	struct fo_key *key = NULL, *again = NULL;
	struct fo_jwk jwk, jwk_again;
	struct fo_diag diag = { "" };
	char *pem = NULL;

	if (fo_key_from_pem((const char *)data, size, passphrase, NULL,
	    &diag, &key) != FO_OK) {
		NEED(key == NULL);
		return;
	}
	if (fuzz_worked(fo_key_jwk(key, &jwk)) &&
	    fuzz_worked(fo_key_to_pem(key, &pem)) &&
	    fuzz_worked(fo_key_from_pem(pem, strlen(pem), NULL, NULL, &diag,
	    &again)) && fuzz_worked(fo_key_jwk(again, &jwk_again)))
		NEED(memcmp(&jwk, &jwk_again, sizeof(jwk)) == 0);
	fo_key_pem_free(&pem);
	fo_key_free(&again);
	fo_key_free(&key);
}
