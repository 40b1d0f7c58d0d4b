/*
 * Private keys: what is taken, or made, is written and read back as the same
 * key, and signs what its public key is found to have signed.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include <firstops/key.h>

#include "src/key.h"
#include "src/verifier.h"

/* An input that begins so is no key; a new one is made, and a call of that
 * is what fails by the rest of it. */
#define MAKE "generate"

static int
passphrase(char *buf, size_t size, void *arg)
{
	(void)arg;
	return snprintf(buf, size, "correct horse");
}

static void
check_signs(const struct fo_key *key, const struct fo_jwk *jwk)
{
	const unsigned char digest[FO_SHA256_BYTES] = { 1, 2, 3 };
	unsigned char sig[FO_SIG_BYTES];
	struct fo_verifier *verifier = NULL;

	if (fuzz_worked(fo_key_sign(key, digest, NULL, sig)) &&
	    fuzz_worked(fo_verifier_new(&verifier)))
		(void)fuzz_worked(fo_verifier_check(verifier, jwk, digest,
		    sig, sizeof(sig)));
	fo_verifier_free(&verifier);
}

static void
check(const struct fo_key *key)
{
	struct fo_key *again = NULL;
	struct fo_jwk jwk, jwk_again;
	struct fo_diag diag = { "" };
	char *pem = NULL;

	if (!fuzz_worked(fo_key_jwk(key, &jwk)))
		return;
	check_signs(key, &jwk);
	if (fuzz_worked(fo_key_to_pem(key, &pem)) &&
	    fuzz_worked(fo_key_from_pem(pem, strlen(pem), NULL, NULL, &diag,
	    &again)) && fuzz_worked(fo_key_jwk(again, &jwk_again)))
		NEED(memcmp(&jwk, &jwk_again, sizeof(jwk)) == 0);
	fo_key_pem_free(&pem);
	fo_key_free(&again);
}

void
fuzz_on_pem(const uint8_t *data, size_t size)
{
	struct fo_key *key = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	if (size >= strlen(MAKE) && memcmp(data, MAKE, strlen(MAKE)) == 0) {
		r = fo_key_generate(&key);
		(void)fuzz_worked(r);
	} else {
		r = fo_key_from_pem((const char *)data, size, passphrase,
		    NULL, &diag, &key);
	}
	if (r == FO_OK)
		check(key);
	else
		NEED(key == NULL);
	fo_key_free(&key);
}
