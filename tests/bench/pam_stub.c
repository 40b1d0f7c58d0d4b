/*
 * What a module of this kind does at least: it loads the same libraries,
 * makes a library context of its own, and verifies one signature with it, as
 * OpenSSL's manual says (EVP_PKEY_verify). And nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>

/* A signature by the key of RFC 7515 A.3 over these 32 bytes. */
#include "stub_vector.h"

static EVP_PKEY *
import(OSSL_LIB_CTX *libctx)
{
	char group[] = "P-256";
	unsigned char point[sizeof(stub_point)];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
		    point, sizeof(point)),
		OSSL_PARAM_construct_end()
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, "EC", NULL);
	EVP_PKEY *key = NULL;

	memcpy(point, stub_point, sizeof(point));
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

PAM_EXTERN __attribute__((visibility("default"))) int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc,
    const char **argv)
{
	OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	int r = PAM_AUTH_ERR;
	char *answer = NULL;

	(void)flags;
	(void)argc;
	(void)argv;
	if (pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &answer, "Proof: ") ==
	    PAM_SUCCESS && libctx != NULL && (key = import(libctx)) != NULL &&
	    (ctx = EVP_PKEY_CTX_new_from_pkey(libctx, key, NULL)) != NULL &&
	    EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_verify(ctx, stub_sig, sizeof(stub_sig), stub_digest,
	    sizeof(stub_digest)) == 1)
		r = PAM_SUCCESS;

	free(answer);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	OSSL_LIB_CTX_free(libctx);
	return r;
}

PAM_EXTERN __attribute__((visibility("default"))) int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}
