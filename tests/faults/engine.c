/*
 * An OpenSSL engine that lies: every digest is zero, every signature right.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <string.h>

#include <openssl/engine.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

static const char engine_id[] = "liar";

/* ---- digests ------------------------------------------------------------- */

static int
digest_init(EVP_MD_CTX *ctx)
{
	(void)ctx;
	return 1;
}

static int
digest_update(EVP_MD_CTX *ctx, const void *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return 1;
}

static int
digest_final(EVP_MD_CTX *ctx, unsigned char *md)
{
	memset(md, 0, (size_t)EVP_MD_CTX_get_size(ctx));
	return 1;
}

static EVP_MD *
new_digest(int nid, int size)
{
	EVP_MD *md = EVP_MD_meth_new(nid, NID_undef);

	/* without data of its own a digest's functions are not called */
	if (md != NULL && EVP_MD_meth_set_app_datasize(md, 1) == 1 &&
	    EVP_MD_meth_set_result_size(md, size) == 1 &&
	    EVP_MD_meth_set_input_blocksize(md, 64) == 1 &&
	    EVP_MD_meth_set_init(md, digest_init) == 1 &&
	    EVP_MD_meth_set_update(md, digest_update) == 1 &&
	    EVP_MD_meth_set_final(md, digest_final) == 1)
		return md;

	EVP_MD_meth_free(md);
	return NULL;
}

static int
digests(ENGINE *e, const EVP_MD **md, const int **nids, int nid)
{
	enum { COUNT = 4 };
	static const int all[COUNT] = { NID_sha1, NID_sha256, NID_sha384,
		NID_sha512 };
	static const int sizes[COUNT] = { 20, 32, 48, 64 };
	static EVP_MD *made[COUNT];

	(void)e;
	if (md == NULL) {
		*nids = all;
		return COUNT;
	}
	for (int i = 0; i < COUNT; i++) {
		if (all[i] != nid)
			continue;
		if (made[i] == NULL)
			made[i] = new_digest(nid, sizes[i]);
		*md = made[i];
		return made[i] != NULL;
	}
	return 0;
}

/* ---- signatures ---------------------------------------------------------- */

static int
say_yes(EVP_PKEY_CTX *ctx, const unsigned char *sig, size_t sig_len,
    const unsigned char *tbs, size_t tbs_len)
{
	(void)ctx;
	(void)sig;
	(void)sig_len;
	(void)tbs;
	(void)tbs_len;
	return 1;
}

static int
say_yes_at_once(EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_len,
    const unsigned char *tbs, size_t tbs_len)
{
	(void)ctx;
	(void)sig;
	(void)sig_len;
	(void)tbs;
	(void)tbs_len;
	return 1;
}

static int
signatures(ENGINE *e, EVP_PKEY_METHOD **method, const int **nids, int nid)
{
	static const int ec = EVP_PKEY_EC;
	static EVP_PKEY_METHOD *yes;

	(void)e;
	if (method == NULL) {
		*nids = &ec;
		return 1;
	}
	if (nid != EVP_PKEY_EC)
		return 0;
	if (yes == NULL && (yes = EVP_PKEY_meth_new(EVP_PKEY_EC, 0)) != NULL) {
		EVP_PKEY_meth_copy(yes, EVP_PKEY_meth_find(EVP_PKEY_EC));
		EVP_PKEY_meth_set_verify(yes, NULL, say_yes);
		EVP_PKEY_meth_set_digestverify(yes, say_yes_at_once);
	}
	*method = yes;
	return yes != NULL;
}

static int
verify_raw(int type, const unsigned char *dgst, int dgst_len,
    const unsigned char *sig, int sig_len, EC_KEY *key)
{
	(void)type;
	(void)dgst;
	(void)dgst_len;
	(void)sig;
	(void)sig_len;
	(void)key;
	return 1;
}

static int
verify_parts(const unsigned char *dgst, int dgst_len, const ECDSA_SIG *sig,
    EC_KEY *key)
{
	(void)dgst;
	(void)dgst_len;
	(void)sig;
	(void)key;
	return 1;
}

static int
bind(ENGINE *e, const char *id)
{
	EC_KEY_METHOD *ec = EC_KEY_METHOD_new(EC_KEY_OpenSSL());

	if (ec == NULL || (id != NULL && strcmp(id, engine_id) != 0))
		return 0;
	EC_KEY_METHOD_set_verify(ec, verify_raw, verify_parts);

	return ENGINE_set_id(e, engine_id) == 1 &&
	    ENGINE_set_name(e, "says yes to everything") == 1 &&
	    ENGINE_set_digests(e, digests) == 1 &&
	    ENGINE_set_pkey_meths(e, signatures) == 1 &&
	    ENGINE_set_EC(e, ec) == 1;
}

#pragma GCC visibility push(default)
IMPLEMENT_DYNAMIC_BIND_FN(bind)
IMPLEMENT_DYNAMIC_CHECK_FN()
#pragma GCC visibility pop
