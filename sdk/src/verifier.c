/*
 * The verifier: a library context of its own, and in it one P-256 key object
 * whose public point is replaced from proof to proof.
 *
 * Nothing here touches the default library context, so no configuration,
 * provider or engine of the program around us has a say in the verdict. The
 * thread's error queue is left as it was found.
 */
#include "verifier.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "p256.h"

struct fo_verifier {
	OSSL_LIB_CTX *libctx;
	EVP_PKEY *pkey;		/* P-256; NULL after a failed import */
	struct fo_jwk jwk;	/* what pkey holds, if has_jwk */
	bool has_jwk;
};

/* The domain parameters alone: what a public point is put into. */
static fo_err
new_pkey(OSSL_LIB_CTX *libctx, EVP_PKEY **ret_pkey)
{
	char group[] = FO_P256_GROUP;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    group, 0),
		OSSL_PARAM_construct_end()
	};
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey = NULL;
	fo_err r = FO_ERR_CRYPTO;

	if ((ctx = EVP_PKEY_CTX_new_from_name(libctx, FO_EC_OID, NULL)) ==
	    NULL)
		goto out;
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEY_PARAMETERS, params) != 1)
		goto out;

	*ret_pkey = pkey;
	pkey = NULL; /* now owned by the caller */
	r = FO_OK;
out:
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
	return r;
}

/*
 * Why did libcrypto refuse a point? Only a reason of its EC code is a
 * verdict on the point; all else, and out of memory, is trouble of our own.
 */
static fo_err
explain_refusal(void)
{
	const unsigned long e = ERR_peek_last_error();

	if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
		return FO_ERR_NOMEM;
	if (ERR_GET_LIB(e) == ERR_LIB_EC && !ERR_FATAL_ERROR(e))
		return FO_ERR_BAD_KEY;

	return FO_ERR_CRYPTO;
}

static fo_err
import(struct fo_verifier *v, const struct fo_jwk *jwk)
{
	unsigned char point[FO_P256_POINT_BYTES];
	fo_err r;

	if (v->has_jwk && memcmp(&v->jwk, jwk, sizeof(*jwk)) == 0)
		return FO_OK;

	v->has_jwk = false;
	if (v->pkey == NULL && (r = new_pkey(v->libctx, &v->pkey)) != FO_OK)
		return r;
	/* The other forms of a point are never offered to libcrypto. */
	fo_p256_point(jwk, point);
	if (EVP_PKEY_set1_encoded_public_key(v->pkey, point,
	    sizeof(point)) != 1) {
		r = explain_refusal();
		/* what it holds now is anybody's guess */
		EVP_PKEY_free(v->pkey);
		v->pkey = NULL;
		return r;
	}

	v->jwk = *jwk;
	v->has_jwk = true;
	return FO_OK;
}

/*
 * Write a positive INTEGER (X.690 8.3): no leading zero bytes but the one
 * that keeps it positive. Returns its length.
 */
static size_t
der_integer(const unsigned char n[FO_COORD_BYTES], unsigned char *out)
{
	size_t skip = 0, pad, len;

	while (skip < FO_COORD_BYTES - 1 && n[skip] == 0)
		skip++;
	pad = n[skip] >> 7;
	len = FO_COORD_BYTES - skip;

	out[0] = 0x02;
	out[1] = (unsigned char)(pad + len);
	out[2] = 0;
	memcpy(out + 2 + pad, n + skip, len);
	return 2 + pad + len;
}

/* SEQUENCE { INTEGER r, INTEGER s } (RFC 3279 2.2.3): what libcrypto takes. */
static size_t
der_signature(const unsigned char sig[FO_SIG_BYTES],
    unsigned char out[FO_DER_SIG_MAX])
{
	size_t len = 0;

	len += der_integer(sig, out + 2);
	len += der_integer(sig + FO_COORD_BYTES, out + 2 + len);
	out[0] = 0x30;
	out[1] = (unsigned char)len;
	return 2 + len;
}

/* libcrypto refuses r and s that are zero or not below the order. */
static fo_err
check(struct fo_verifier *v, const unsigned char digest[FO_SHA256_BYTES],
    const unsigned char sig[FO_SIG_BYTES])
{
	unsigned char der[FO_DER_SIG_MAX];
	const size_t der_len = der_signature(sig, der);
	fo_err r = FO_ERR_CRYPTO;
	EVP_PKEY_CTX *ctx;
	int verdict;

	if ((ctx = EVP_PKEY_CTX_new_from_pkey(v->libctx, v->pkey, NULL)) ==
	    NULL)
		goto out;
	if (EVP_PKEY_verify_init(ctx) != 1)
		goto out;
	verdict = EVP_PKEY_verify(ctx, der, der_len, digest, FO_SHA256_BYTES);
	if (verdict == 0)
		r = FO_ERR_BAD_SIGNATURE;
	if (verdict != 1)
		goto out;

	r = FO_OK;
out:
	EVP_PKEY_CTX_free(ctx);
	return r;
}

fo_err
fo_verifier_import(struct fo_verifier *verifier, const struct fo_jwk *jwk)
{
	fo_err r;

	(void)ERR_set_mark();
	r = import(verifier, jwk);
	(void)ERR_pop_to_mark();
	return r;
}

fo_err
fo_verifier_check(struct fo_verifier *verifier, const struct fo_jwk *jwk,
    const unsigned char digest[FO_SHA256_BYTES], const unsigned char *sig,
    size_t sig_len)
{
	fo_err r;

	if (sig_len != FO_SIG_BYTES)
		return FO_ERR_BAD_SIGNATURE;

	(void)ERR_set_mark();
	if ((r = import(verifier, jwk)) == FO_OK)
		r = check(verifier, digest, sig);
	(void)ERR_pop_to_mark();
	return r;
}

fo_err
fo_verifier_new(struct fo_verifier **ret_verifier)
{
	struct fo_verifier *v;
	fo_err r = FO_ERR_CRYPTO;

	if (ret_verifier == NULL)
		return FO_ERR_ARG;
	if ((v = calloc(1, sizeof(*v))) == NULL)
		return FO_ERR_NOMEM;

	(void)ERR_set_mark();
	if ((v->libctx = OSSL_LIB_CTX_new()) == NULL) {
		r = FO_ERR_NOMEM;
		goto out;
	}
	if ((r = new_pkey(v->libctx, &v->pkey)) != FO_OK)
		goto out;

	*ret_verifier = v;
	v = NULL; /* now owned by the caller */
	r = FO_OK;
out:
	fo_verifier_free(&v);
	(void)ERR_pop_to_mark();
	return r;
}

void
fo_verifier_free(struct fo_verifier **verifier)
{
	if (verifier == NULL || *verifier == NULL)
		return;
	EVP_PKEY_free((*verifier)->pkey);
	OSSL_LIB_CTX_free((*verifier)->libctx);
	free(*verifier);
	*verifier = NULL;
}
