/*
 * A private key read from PEM text (RFC 7468): SEC1 or PKCS#8.
 */
#include <firstops/key.h>

#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/diag.h"
#include "base/wipe.h"
#include "key.h"
#include "key_device.h"

/* Longest passphrase that is asked for, with its NUL. */
#define PASSPHRASE_SIZE 1024

#define BEGIN "-----BEGIN "
#define DASHES "-----"
#define TSS2 "TSS2 PRIVATE KEY" /* wrapped by a TPM */
#define TRADITIONAL "\nProc-Type: 4,ENCRYPTED"

/* One PEM block, borrowed from the text: BEGIN line to END line. */
struct block {
	const char *text;
	size_t len;
	const char *label;
	size_t label_len;
};

/* What else people hand us, and what to tell them. */
static const struct {
	const char *label;
	fo_err err;
	const char *reason;
} others[] = {
	{ "RSA PRIVATE KEY", FO_ERR_BAD_KEY, "it is an RSA key; only EC P-256 "
	    "keys make proofs: fo key generate" },
	{ "DSA PRIVATE KEY", FO_ERR_BAD_KEY, "it is a DSA key; only EC P-256 "
	    "keys make proofs: fo key generate" },
	{ "OPENSSH PRIVATE KEY", FO_ERR_FORMAT, "it is in OpenSSH's own form; "
	    "for an ECDSA P-256 key rewrite a copy of it: ssh-keygen -p -m "
	    "PKCS8 -f COPY" },
	{ "PUBLIC KEY", FO_ERR_FORMAT, "it is a public key; the private key "
	    "is needed" },
	{ "CERTIFICATE", FO_ERR_FORMAT, "it is a certificate; the private key "
	    "is needed" },
	{ "EC PARAMETERS", FO_ERR_FORMAT, "it has curve parameters only; the "
	    "private key is needed" },
};

static bool
has_label(const struct block *block, const char *label)
{
	return block->label_len == strlen(label) &&
	    memcmp(block->label, label, block->label_len) == 0;
}

static bool
is_private(const struct block *block)
{
	return has_label(block, "EC PRIVATE KEY") ||
	    has_label(block, "PRIVATE KEY") ||
	    has_label(block, "ENCRYPTED PRIVATE KEY") ||
	    has_label(block, TSS2);
}

/* The next block that begins at the start of a line, from *at on. */
static bool
next_block(const char *pem, size_t len, size_t *at, struct block *ret_block)
{
	const char *const end = pem + len;
	const char *p = pem + *at, *label, *stop;

	while ((p = memmem(p, (size_t)(end - p), BEGIN, strlen(BEGIN))) !=
	    NULL) {
		label = p + strlen(BEGIN);
		stop = memmem(label, (size_t)(end - label), DASHES,
		    strlen(DASHES));
		if (stop != NULL && (p == pem || p[-1] == '\n') &&
		    memchr(label, '\n', (size_t)(stop - label)) == NULL) {
			ret_block->text = p;
			ret_block->label = label;
			ret_block->label_len = (size_t)(stop - label);
			stop += strlen(DASHES);
			p = memmem(stop, (size_t)(end - stop), "\n" BEGIN,
			    strlen("\n" BEGIN));
			p = p != NULL ? p + 1 : end;
			ret_block->len = (size_t)(p - ret_block->text);
			*at = (size_t)(p - pem);
			return true;
		}
		p = label;
	}

	return false;
}

/*
 * The first block that is a private key. Others may come before it: openssl
 * ecparam -genkey writes the curve first.
 */
static fo_err
find_private(const char *pem, size_t len, struct fo_diag *diag,
    struct block *ret_block)
{
	fo_err r = FO_ERR_FORMAT;
	struct block block;
	size_t at = 0;

	fo_diag_set(diag, "there is no private key in it: PEM text is wanted, "
	    "\"-----BEGIN PRIVATE KEY-----\" or \"-----BEGIN EC PRIVATE "
	    "KEY-----\"");
	while (next_block(pem, len, &at, &block)) {
		if (is_private(&block)) {
			fo_diag_set(diag, "%s", "");
			*ret_block = block;
			return FO_OK;
		}
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]);
		    i++) {
			if (has_label(&block, others[i].label)) {
				r = others[i].err;
				fo_diag_set(diag, "%s", others[i].reason);
			}
		}
	}

	return r;
}

static bool
is_encrypted(const struct block *block)
{
	return has_label(block, "ENCRYPTED PRIVATE KEY") ||
	    memmem(block->text, block->len, TRADITIONAL,
	    strlen(TRADITIONAL)) != NULL;
}

/*
 * Asked here and not from inside libcrypto, so that we know who wipes the
 * buffer, and that nothing falls back to a prompt of libcrypto's own.
 */
static fo_err
give_passphrase(OSSL_DECODER_CTX *ctx, fo_passphrase_cb ask, void *arg,
    struct fo_diag *diag)
{
	char passphrase[PASSPHRASE_SIZE];
	fo_err r = FO_ERR_FORMAT;
	int len;

	if (ask == NULL) {
		fo_diag_set(diag, "it is encrypted, and nobody can be asked "
		    "for the passphrase; use an unencrypted key of mode 0600");
		return FO_ERR_FORMAT;
	}

	memset(passphrase, 0, sizeof(passphrase));
	len = ask(passphrase, sizeof(passphrase), arg);
	if (len < 0 || (size_t)len >= sizeof(passphrase)) {
		fo_diag_set(diag, "it is encrypted, and no passphrase was "
		    "given");
		goto out;
	}
	r = OSSL_DECODER_CTX_set_passphrase(ctx,
	    (const unsigned char *)passphrase, (size_t)len) == 1 ? FO_OK :
	    FO_ERR_NOMEM;
out:
	fo_wipe(passphrase, sizeof(passphrase));
	return r;
}

static fo_err
decode(OSSL_LIB_CTX *libctx, const struct block *block, fo_passphrase_cb ask,
    void *arg, struct fo_diag *diag, EVP_PKEY **ret_pkey)
{
	const unsigned char *data = (const unsigned char *)block->text;
	const bool encrypted = is_encrypted(block);
	size_t left = block->len;
	OSSL_DECODER_CTX *ctx;
	EVP_PKEY *pkey = NULL;
	fo_err r = FO_ERR_NOMEM;

	/* Any type of key, so that the reason can say which one it is. */
	if ((ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, "PEM", NULL, NULL,
	    EVP_PKEY_KEYPAIR, libctx, NULL)) == NULL)
		goto out;
	if (encrypted &&
	    (r = give_passphrase(ctx, ask, arg, diag)) != FO_OK)
		goto out;
	if (OSSL_DECODER_from_data(ctx, &data, &left) != 1 || pkey == NULL) {
		/* libcrypto's decoders do not tell the two apart */
		fo_diag_set(diag, "%sthe key is damaged, or there is no "
		    "memory to read it", encrypted ? "the passphrase is "
		    "wrong, or " : "");
		r = FO_ERR_FORMAT;
		goto out;
	}

	*ret_pkey = pkey;
	pkey = NULL; /* now owned by the caller */
	r = FO_OK;
out:
	EVP_PKEY_free(pkey);
	OSSL_DECODER_CTX_free(ctx);
	return r;
}

fo_err
fo_key_from_pem(const char *pem, size_t len, fo_passphrase_cb ask, void *arg,
    struct fo_diag *diag, struct fo_key **ret_key)
{
	OSSL_LIB_CTX *libctx = NULL;
	EVP_PKEY *pkey = NULL;
	struct fo_diag reason = { "" };
	struct block block = { 0 };
	fo_err r;

	if (pem == NULL || ret_key == NULL)
		return FO_ERR_ARG;

	(void)ERR_set_mark();
	if ((r = find_private(pem, len, &reason, &block)) != FO_OK)
		goto out;
	if (has_label(&block, TSS2)) {
		r = fo_device_unwrap(block.text, block.len, ask, arg, &reason,
		    ret_key);
		goto out;
	}
	if ((libctx = OSSL_LIB_CTX_new()) == NULL) {
		r = FO_ERR_NOMEM;
		goto out;
	}
	if ((r = decode(libctx, &block, ask, arg, &reason, &pkey)) != FO_OK)
		goto out;
	r = fo_key_take(libctx, pkey, NULL, &reason, ret_key);
	libctx = NULL; /* taken, whatever came of it */
out:
	OSSL_LIB_CTX_free(libctx);
	(void)ERR_pop_to_mark();
	if (r != FO_OK)
		fo_diag_set(diag, "%s", reason.text[0] != '\0' ? reason.text :
		    fo_err_text(r));
	return r;
}
