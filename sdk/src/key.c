/*
 * A private ES256 key: made, signed with, its public half read, written as
 * PEM. The library context is its own, and the thread's error queue is left
 * as it was found.
 */
#include "key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/params.h>

#include "base/diag.h"
#include "base/wipe.h"
#include "key_device.h"
#include "p256.h"

/* Group names are short: anything that does not fit is not P-256. */
#define GROUP_MAX 64
#define EC_NAME "EC"

/* ---- is it one of ours? ---------------------------------------------- */

/*
 * RFC 5480 2.1.1: the curve is named. One that is spelt out is refused even
 * if it equals P-256, since whether it does is a question that has been
 * answered wrongly before.
 */
static fo_err
check_group(const EVP_PKEY *pkey, struct fo_diag *diag)
{
	const char *type = EVP_PKEY_get0_type_name(pkey);
	char group[GROUP_MAX];
	size_t len = 0;
	int explicit = 0;

	if (!EVP_PKEY_is_a(pkey, EC_NAME)) {
		/* without memory it is nothing at all */
		if (type == NULL || strcmp(type, EC_NAME) == 0)
			return FO_ERR_CRYPTO;
		fo_diag_set(diag, "it is a key of type %s; only EC P-256 keys "
		    "make proofs: fo key generate", type);
		return FO_ERR_BAD_KEY;
	}
	if (EVP_PKEY_get_int_param(pkey,
	    OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit) != 1 ||
	    (explicit == 0 &&
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1)) {
		fo_diag_set(diag, "its curve cannot be read: no memory, or a "
		    "kind of key that does not tell");
		return FO_ERR_CRYPTO;
	}
	if (explicit != 0) {
		fo_diag_set(diag, "its curve is spelt out instead of named; "
		    "write it anew: openssl ec -param_enc named_curve");
		return FO_ERR_BAD_KEY;
	}
	if (strcmp(group, FO_P256_GROUP) != 0) {
		fo_diag_set(diag, "it is an EC key on the curve %s; only "
		    "P-256 keys make proofs: fo key generate", group);
		return FO_ERR_BAD_KEY;
	}

	return FO_OK;
}

static fo_err
read_coordinate(const EVP_PKEY *pkey, const char *name,
    unsigned char ret[FO_COORD_BYTES])
{
	BIGNUM *n = NULL;
	fo_err r = FO_ERR_CRYPTO;

	if (EVP_PKEY_get_bn_param(pkey, name, &n) == 1 &&
	    BN_bn2binpad(n, ret, FO_COORD_BYTES) == FO_COORD_BYTES)
		r = FO_OK;

	BN_free(n);
	return r;
}

/*
 * The private half as it is, in or out of range. FO_ERR_BAD_KEY only where
 * there is none: that it could not be had says nothing of the key.
 */
static fo_err
read_private(const EVP_PKEY *pkey, BIGNUM **ret_d)
{
	unsigned char bytes[FO_COORD_BYTES];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, bytes,
		    sizeof(bytes)),
		OSSL_PARAM_construct_end()
	};
	fo_err r = FO_ERR_CRYPTO;

	if (EVP_PKEY_get_params(pkey, params) != 1)
		goto out;
	if (!OSSL_PARAM_modified(&params[0]))
		r = FO_ERR_BAD_KEY;
	else if (OSSL_PARAM_get_BN(&params[0], ret_d) == 1)
		r = FO_OK;
out:
	fo_wipe(bytes, sizeof(bytes));
	return r;
}

/* The public half that belongs to the private half d: d times G. */
static fo_err
multiply(EC_GROUP *group, const BIGNUM *d,
    unsigned char point[FO_P256_POINT_BYTES], BN_CTX *scratch)
{
	EC_POINT *p = EC_POINT_new(group);
	fo_err r = FO_ERR_CRYPTO;

	if (p != NULL && EC_POINT_mul(group, p, d, NULL, NULL, scratch) == 1 &&
	    EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, point,
	    FO_P256_POINT_BYTES, scratch) == FO_P256_POINT_BYTES)
		r = FO_OK;

	EC_POINT_free(p);
	return r;
}

/*
 * Both halves are there, in range, and belong together. By arithmetic, as in
 * the verifier: EVP_PKEY_check() fails where the program has an engine.
 */
static fo_err
check_pair(const struct fo_key *key, struct fo_diag *diag)
{
	unsigned char want[FO_P256_POINT_BYTES], have[FO_P256_POINT_BYTES];
	BN_CTX *scratch = BN_CTX_secure_new_ex(key->libctx);
	EC_GROUP *group = EC_GROUP_new_by_curve_name_ex(key->libctx, NULL,
	    NID_X9_62_prime256v1);
	BIGNUM *d = NULL;
	fo_err r = FO_ERR_CRYPTO;

	if (scratch == NULL || group == NULL)
		goto out;
	if ((r = read_private(key->pkey, &d)) != FO_OK)
		goto out;
	r = FO_ERR_BAD_KEY;
	if (BN_is_zero(d) || BN_is_negative(d) ||
	    BN_cmp(d, EC_GROUP_get0_order(group)) >= 0)
		goto out;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if ((r = multiply(group, d, have, scratch)) != FO_OK)
		goto out;
	fo_p256_point(&key->jwk, want);
	r = memcmp(want, have, sizeof(want)) == 0 ? FO_OK : FO_ERR_BAD_KEY;
out:
	if (r == FO_ERR_BAD_KEY)
		fo_diag_set(diag, "it is damaged: its private and public "
		    "halves do not belong together");
	BN_clear_free(d);
	EC_GROUP_free(group);
	BN_CTX_free(scratch);
	return r;
}

static fo_err
read_public(const EVP_PKEY *pkey, struct fo_diag *diag,
    struct fo_jwk *ret_jwk)
{
	fo_err r;

	if ((r = check_group(pkey, diag)) != FO_OK ||
	    (r = read_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X,
	    ret_jwk->x)) != FO_OK)
		return r;
	return read_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, ret_jwk->y);
}

/* Of a device's key, which may tell less: as libcrypto sees its public half. */
static fo_err
read_device(const EVP_PKEY *pkey, struct fo_diag *diag,
    struct fo_jwk *ret_jwk)
{
	OSSL_LIB_CTX *libctx;
	EVP_PKEY *public = NULL;
	fo_err r;

	if ((libctx = OSSL_LIB_CTX_new()) == NULL)
		return FO_ERR_NOMEM;
	if ((r = fo_device_public(pkey, libctx, diag, &public)) == FO_OK)
		r = read_public(public, diag, ret_jwk);
	EVP_PKEY_free(public);
	OSSL_LIB_CTX_free(libctx);
	return r;
}

fo_err
fo_key_take(OSSL_LIB_CTX *libctx, EVP_PKEY *pkey, struct fo_device *device,
    struct fo_diag *diag, struct fo_key **ret_key)
{
	struct fo_key *key;
	fo_err r;

	if ((key = calloc(1, sizeof(*key))) == NULL) {
		EVP_PKEY_free(pkey);
		fo_device_free(&device);
		OSSL_LIB_CTX_free(libctx);
		return FO_ERR_NOMEM;
	}
	key->libctx = libctx;
	key->pkey = pkey;
	key->device = device;
	if (device != NULL)
		r = read_device(pkey, diag, &key->jwk);
	else if ((r = read_public(pkey, diag, &key->jwk)) == FO_OK)
		r = check_pair(key, diag);
	if (r != FO_OK) {
		fo_key_free(&key);
		return r;
	}

	*ret_key = key;
	return FO_OK;
}

fo_err
fo_key_remote(const char *path, const struct fo_jwk *jwk,
    struct fo_key **ret_key)
{
	struct fo_key *key;

	if ((key = calloc(1, sizeof(*key))) == NULL)
		return FO_ERR_NOMEM;
	if ((key->signer = strdup(path)) == NULL) {
		free(key);
		return FO_ERR_NOMEM;
	}
	key->jwk = *jwk;

	*ret_key = key;
	return FO_OK;
}

void
fo_key_free(struct fo_key **key)
{
	if (key == NULL || *key == NULL)
		return;
	EVP_PKEY_free((*key)->pkey); /* wipes the private half */
	fo_device_free(&(*key)->device);
	OSSL_LIB_CTX_free((*key)->libctx);
	free((*key)->signer);
	free(*key);
	*key = NULL;
}

/* ---- making ---------------------------------------------------------- */

fo_err
fo_key_make(OSSL_LIB_CTX *libctx, const char *properties,
    EVP_PKEY **ret_pkey)
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

	if ((ctx = EVP_PKEY_CTX_new_from_name(libctx, FO_EC_OID,
	    properties)) == NULL)
		goto out;
	if (EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
	    EVP_PKEY_generate(ctx, &pkey) != 1)
		goto out;

	*ret_pkey = pkey;
	pkey = NULL; /* now owned by the caller */
	r = FO_OK;
out:
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
	return r;
}

fo_err
fo_key_generate(struct fo_key **ret_key)
{
	OSSL_LIB_CTX *libctx;
	EVP_PKEY *pkey = NULL;
	fo_err r = FO_ERR_NOMEM;

	if (ret_key == NULL)
		return FO_ERR_ARG;

	(void)ERR_set_mark();
	if ((libctx = OSSL_LIB_CTX_new()) == NULL)
		goto out;
	if ((r = fo_key_make(libctx, NULL, &pkey)) != FO_OK)
		goto out;
	r = fo_key_take(libctx, pkey, NULL, NULL, ret_key);
	libctx = NULL; /* taken, whatever came of it */
out:
	OSSL_LIB_CTX_free(libctx);
	(void)ERR_pop_to_mark();
	return r;
}

/* ---- signing --------------------------------------------------------- */

/* libcrypto's DER to the fixed width of JOSE. */
static fo_err
to_raw(const unsigned char *der, size_t len, unsigned char raw[FO_SIG_BYTES])
{
	fo_err r = FO_ERR_CRYPTO;
	ECDSA_SIG *sig;

	if ((sig = d2i_ECDSA_SIG(NULL, &der, (long)len)) == NULL)
		return FO_ERR_CRYPTO;
	if (BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, FO_COORD_BYTES) ==
	    FO_COORD_BYTES &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + FO_COORD_BYTES,
	    FO_COORD_BYTES) == FO_COORD_BYTES)
		r = FO_OK;

	ECDSA_SIG_free(sig);
	return r;
}

fo_err
fo_key_sign_by(const struct fo_key *key, const char *properties,
    const unsigned char digest[FO_SHA256_BYTES],
    unsigned char raw[FO_SIG_BYTES])
{
	unsigned char der[FO_DER_SIG_MAX];
	size_t len = sizeof(der);
	fo_err r = FO_ERR_CRYPTO;
	EVP_PKEY_CTX *ctx;

	if ((ctx = EVP_PKEY_CTX_new_from_pkey(key->libctx, key->pkey,
	    properties)) == NULL)
		goto out;
	if (EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &len, digest, FO_SHA256_BYTES) != 1)
		goto out;
	r = to_raw(der, len, raw);
out:
	EVP_PKEY_CTX_free(ctx);
	return r;
}

fo_err
fo_key_sign(const struct fo_key *key,
    const unsigned char digest[FO_SHA256_BYTES], struct fo_diag *diag,
    unsigned char ret_sig[FO_SIG_BYTES])
{
	unsigned char raw[FO_SIG_BYTES];
	fo_err r;

	if (key->signer != NULL)
		return FO_ERR_ARG; /* it signs no digest of ours */
	(void)ERR_set_mark();
	r = key->device != NULL ? fo_device_sign(key, digest, diag, raw) :
	    fo_key_sign_by(key, NULL, digest, raw);
	if (r == FO_OK)
		memcpy(ret_sig, raw, sizeof(raw));
	(void)ERR_pop_to_mark();
	return r;
}

/* ---- reading and writing --------------------------------------------- */

fo_err
fo_key_jwk(const struct fo_key *key, struct fo_jwk *ret_jwk)
{
	if (key == NULL || ret_jwk == NULL)
		return FO_ERR_ARG;

	*ret_jwk = key->jwk;
	return FO_OK;
}

fo_err
fo_key_thumbprint(const struct fo_key *key, char ret_jkt[FO_JKT_SIZE])
{
	if (key == NULL)
		return FO_ERR_ARG;
	return fo_jwk_thumbprint(&key->jwk, ret_jkt);
}

fo_err
fo_key_to_pem(const struct fo_key *key, char **ret_pem)
{
	OSSL_ENCODER_CTX *ctx = NULL;
	unsigned char *data = NULL;
	size_t len = 0;
	fo_err r = FO_ERR_CRYPTO;
	char *pem;

	if (key == NULL || ret_pem == NULL)
		return FO_ERR_ARG;
	if (key->signer != NULL ||
	    (key->device != NULL && !fo_device_wraps(key->device)))
		return FO_ERR_BAD_KEY;

	(void)ERR_set_mark();
	if ((ctx = OSSL_ENCODER_CTX_new_for_pkey(key->pkey, EVP_PKEY_KEYPAIR,
	    "PEM", "PrivateKeyInfo", NULL)) == NULL)
		goto out;
	if (OSSL_ENCODER_to_data(ctx, &data, &len) != 1)
		goto out;
	if ((pem = malloc(len + 1)) == NULL) {
		r = FO_ERR_NOMEM;
		goto out;
	}
	memcpy(pem, data, len);
	pem[len] = '\0';

	*ret_pem = pem;
	r = FO_OK;
out:
	OPENSSL_clear_free(data, len);
	OSSL_ENCODER_CTX_free(ctx);
	(void)ERR_pop_to_mark();
	return r;
}

void
fo_key_pem_free(char **pem)
{
	fo_wipe_string(pem);
}
