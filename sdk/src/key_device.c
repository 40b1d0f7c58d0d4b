/*
 * Keys whose private half cannot leave. OpenSSL reaches them through a
 * provider, which is loaded into the key's own library context, beside the
 * default one; or, for PKCS#11 where no provider is installed, through an
 * engine.
 *
 * The private half cannot be compared with the public one here, as it is for
 * keys in files. Instead no signature is used before it was checked: a device
 * that signs with another key, or wrongly, is found at once.
 */
#include "key_device.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>

#include "base/diag.h"
#include "key.h"
#include "key_engine.h"
#include "p256.h"

/* What there is to know of a kind of device. */
struct kind {
	const char *provider;
	const char *properties;	/* of algorithms: its own first */
	const char *name;	/* for people */
	const char *missing;	/* the provider is not; NULL: another way */
	const char *silent;	/* it is, and does not work */
};

static const struct kind tpm = {
	.provider = "tpm2",
	.properties = "?provider=tpm2",
	.name = "the TPM",
	.missing = "OpenSSL's provider for the TPM is not installed: apt "
	    "install tpm2-openssl",
	.silent = "no TPM answers: look for /dev/tpmrm0, whether you are in "
	    "its group (usually tss), and at TPM2OPENSSL_TCTI",
};
static const struct kind token = {
	.provider = "pkcs11",
	.properties = "?provider=pkcs11",
	.name = "the token",
	.silent = "OpenSSL's provider pkcs11 is installed and does not work; "
	    "look at its module and settings",
};

/* By what a URI begins with. */
static const struct {
	const char *prefix;
	const struct kind *kind;
} schemes[] = {
	{ "handle:", &tpm },	/* a persistent handle */
	{ "pkcs11:", &token },	/* RFC 7512 */
};

enum { OWN, DEFAULT, PROVIDERS };

struct fo_device {
	const struct kind *kind;
	OSSL_PROVIDER *providers[PROVIDERS];
	ENGINE *engine;
	bool wrapped;	/* its private half may be written, for it alone */
	struct fo_verifier *verifier;
	pthread_mutex_t one;	/* of the device and the verifier */
};

static const struct kind *
kind_of(const char *uri)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncmp(uri, schemes[i].prefix,
		    strlen(schemes[i].prefix)) == 0)
			return schemes[i].kind;
	}

	return NULL;
}

bool
fo_device_uri(const char *uri)
{
	return kind_of(uri) != NULL;
}

bool
fo_device_wraps(const struct fo_device *device)
{
	return device->wrapped;
}

/* ---- what OpenSSL says ----------------------------------------------- */

/*
 * Why it failed, as its author put it: what went wrong first tells most, and
 * can be told from what others left in the queue only if that was empty.
 */
static void
add_reason(struct fo_diag *diag, bool was_empty, const char *what)
{
	const char *data = NULL, *reason;
	int flags = 0;
	const unsigned long e = was_empty ?
	    ERR_peek_error_data(&data, &flags) :
	    ERR_peek_last_error_data(&data, &flags);
	const bool has_text = data != NULL && (flags & ERR_TXT_STRING) != 0;

	reason = ERR_reason_error_string(e);
	fo_diag_set(diag, "%s%s%s%s%s", what, reason != NULL ? ": " : "",
	    reason != NULL ? reason : "", has_text ? ": " : "",
	    has_text ? data : "");
}

/* ---- a device -------------------------------------------------------- */

void
fo_device_free(struct fo_device **device)
{
	struct fo_device *d = *device;

	if (d == NULL)
		return;
	for (size_t i = 0; i < PROVIDERS; i++) {
		if (d->providers[i] != NULL)
			(void)OSSL_PROVIDER_unload(d->providers[i]);
	}
	fo_engine_free(d->engine);
	fo_verifier_free(&d->verifier);
	(void)pthread_mutex_destroy(&d->one);
	free(d);
	*device = NULL;
}

static fo_err
new_device(const struct kind *kind, struct fo_device **ret_device)
{
	struct fo_device *device;
	fo_err r;

	if ((device = calloc(1, sizeof(*device))) == NULL)
		return FO_ERR_NOMEM;
	if (pthread_mutex_init(&device->one, NULL) != 0) {
		free(device);
		return FO_ERR_NOMEM;
	}
	device->kind = kind;
	if ((r = fo_verifier_new(&device->verifier)) != FO_OK) {
		fo_device_free(&device);
		return r;
	}

	*ret_device = device;
	return FO_OK;
}

/* FO_ERR_NOT_FOUND: its provider is not installed. */
static fo_err
load_providers(struct fo_device *device, OSSL_LIB_CTX *libctx,
    struct fo_diag *diag)
{
	const struct kind *kind = device->kind;
	fo_err r = FO_OK;

	(void)ERR_set_mark();
	device->providers[OWN] = OSSL_PROVIDER_load(libctx, kind->provider);
	if (device->providers[OWN] != NULL) {
		device->providers[DEFAULT] = OSSL_PROVIDER_load(libctx,
		    "default");
		if (device->providers[DEFAULT] == NULL)
			r = FO_ERR_NOMEM;
	} else if (ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_DSO_LIB) {
		r = FO_ERR_NOT_FOUND;
		if (kind->missing != NULL)
			fo_diag_set(diag, "%s", kind->missing);
	} else {
		r = FO_ERR_IO;
		fo_diag_set(diag, "%s", kind->silent);
	}
	(void)ERR_pop_to_mark();

	return r;
}

/* Whom to ask for a passphrase or a PIN. */
struct asking {
	fo_passphrase_cb ask;
	void *arg;
	bool unanswered;
	bool was_empty;	/* the queue of errors, before */
};

static int
answer(char *buf, int size, int writing, void *arg)
{
	struct asking *asking = arg;

	int len = -1;

	(void)writing;
	if (asking->ask != NULL && size > 0)
		len = asking->ask(buf, (size_t)size, asking->arg);
	asking->unanswered = len < 0;

	return len;
}

/* ---- ways to a key --------------------------------------------------- */

/* What a key is looked for by. */
struct source {
	const struct kind *kind;
	fo_err (*open)(const struct source *source, struct fo_device *device,
	    OSSL_LIB_CTX *libctx, struct fo_diag *diag, EVP_PKEY **ret_pkey);
	const char *text;	/* a URI, or PEM of len bytes */
	size_t len;
	struct asking *asking;
};

/* The first private key that a URI leads to. */
static fo_err
open_store(const struct source *source, OSSL_LIB_CTX *libctx, UI_METHOD *ui,
    EVP_PKEY **ret_pkey)
{
	OSSL_STORE_CTX *ctx;
	OSSL_STORE_INFO *info;
	EVP_PKEY *pkey = NULL;

	if ((ctx = OSSL_STORE_open_ex(source->text, libctx,
	    source->kind->properties, ui, source->asking, NULL, NULL, NULL)) ==
	    NULL)
		return FO_ERR_NOT_FOUND;
	while (pkey == NULL && (info = OSSL_STORE_load(ctx)) != NULL) {
		if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			pkey = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	(void)OSSL_STORE_close(ctx);
	if (pkey == NULL)
		return FO_ERR_NOT_FOUND;

	*ret_pkey = pkey;
	return FO_OK;
}

static fo_err
open_uri(const struct source *source, struct fo_device *device,
    OSSL_LIB_CTX *libctx, struct fo_diag *diag, EVP_PKEY **ret_pkey)
{
	UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(answer, 0);
	fo_err r;

	if (ui == NULL)
		return FO_ERR_NOMEM;
	r = load_providers(device, libctx, diag);
	if (r == FO_OK) {
		r = open_store(source, libctx, ui, ret_pkey);
		if (r != FO_OK)
			add_reason(diag, source->asking->was_empty,
			    "no private key is there");
	} else if (r == FO_ERR_NOT_FOUND && source->kind == &token) {
		fo_diag_set(diag, "%s", "");
		r = fo_engine_load(source->text, source->asking->ask,
		    source->asking->arg, diag, &device->engine, ret_pkey);
		if ((r == FO_ERR_NOT_FOUND || r == FO_ERR_FORMAT) &&
		    diag != NULL && diag->text[0] == '\0')
			add_reason(diag, source->asking->was_empty,
			    "no private key is there");
	}
	UI_destroy_method(ui);

	return r;
}

static fo_err
open_wrapped(const struct source *source, struct fo_device *device,
    OSSL_LIB_CTX *libctx, struct fo_diag *diag, EVP_PKEY **ret_pkey)
{
	const unsigned char *data = (const unsigned char *)source->text;
	size_t left = source->len;
	OSSL_DECODER_CTX *ctx;
	EVP_PKEY *pkey = NULL;
	fo_err r;

	if ((r = load_providers(device, libctx, diag)) != FO_OK)
		return r;
	if ((ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, "PEM", NULL, NULL,
	    EVP_PKEY_KEYPAIR, libctx, source->kind->properties)) == NULL)
		return FO_ERR_NOMEM;
	device->wrapped = true;
	if (OSSL_DECODER_CTX_set_pem_password_cb(ctx, answer,
	    source->asking) != 1) {
		r = FO_ERR_NOMEM;
	} else if (OSSL_DECODER_from_data(ctx, &data, &left) != 1 ||
	    pkey == NULL) {
		add_reason(diag, source->asking->was_empty, "the TPM does not "
		    "take it: it is damaged, or another TPM's, or its "
		    "passphrase is wrong");
		r = FO_ERR_FORMAT;
	} else {
		*ret_pkey = pkey;
		pkey = NULL; /* now owned by the caller */
	}
	EVP_PKEY_free(pkey);
	OSSL_DECODER_CTX_free(ctx);

	return r;
}

static fo_err
open_new(const struct source *source, struct fo_device *device,
    OSSL_LIB_CTX *libctx, struct fo_diag *diag, EVP_PKEY **ret_pkey)
{
	fo_err r;

	if ((r = load_providers(device, libctx, diag)) != FO_OK)
		return r;
	device->wrapped = true;
	if ((r = fo_key_make(libctx, "provider=tpm2", ret_pkey)) != FO_OK)
		add_reason(diag, source->asking->was_empty,
		    "the TPM makes no key");
	return r;
}

static fo_err
get(const struct source *source, struct fo_diag *diag,
    struct fo_key **ret_key)
{
	struct fo_device *device = NULL;
	OSSL_LIB_CTX *libctx = NULL;
	EVP_PKEY *pkey = NULL;
	fo_err r;

	source->asking->was_empty = ERR_peek_error() == 0;
	(void)ERR_set_mark();
	if ((r = new_device(source->kind, &device)) != FO_OK)
		goto out;
	if ((libctx = OSSL_LIB_CTX_new()) == NULL) {
		r = FO_ERR_NOMEM;
		goto out;
	}
	r = source->open(source, device, libctx, diag, &pkey);
	if (r != FO_OK && source->asking->unanswered)
		fo_diag_set(diag, "it wants a passphrase or a PIN, and none was"
		    " given");
	if (r != FO_OK && r != FO_ERR_NOMEM && source->asking->unanswered)
		r = FO_ERR_FORMAT;
	if (r != FO_OK)
		goto out;
	if (device->engine != NULL) {
		OSSL_LIB_CTX_free(libctx);
		libctx = NULL; /* engines live in the program's */
	}
	r = fo_key_take(libctx, pkey, device, diag, ret_key);
	libctx = NULL; /* taken, whatever came of it */
	device = NULL;
out:
	fo_device_free(&device);
	OSSL_LIB_CTX_free(libctx);
	(void)ERR_pop_to_mark();
	return r;
}

fo_err
fo_device_load(const char *uri, fo_passphrase_cb ask, void *arg,
    struct fo_diag *diag, struct fo_key **ret_key)
{
	struct asking asking = { .ask = ask, .arg = arg };
	const struct source source = { .kind = kind_of(uri), .open = open_uri,
		.text = uri, .asking = &asking };

	return get(&source, diag, ret_key);
}

fo_err
fo_device_unwrap(const char *pem, size_t len, fo_passphrase_cb ask, void *arg,
    struct fo_diag *diag, struct fo_key **ret_key)
{
	struct asking asking = { .ask = ask, .arg = arg };
	const struct source source = { .kind = &tpm, .open = open_wrapped,
		.text = pem, .len = len, .asking = &asking };

	return get(&source, diag, ret_key);
}

fo_err
fo_key_generate_tpm(struct fo_diag *diag, struct fo_key **ret_key)
{
	struct asking asking = { .ask = NULL };
	const struct source source = { .kind = &tpm, .open = open_new,
		.asking = &asking };

	if (ret_key == NULL)
		return FO_ERR_ARG;
	return get(&source, diag, ret_key);
}

fo_err
fo_device_public(const EVP_PKEY *pkey, OSSL_LIB_CTX *libctx,
    struct fo_diag *diag, EVP_PKEY **ret_public)
{
	unsigned char *der = NULL;
	const unsigned char *at;
	EVP_PKEY *public = NULL;
	const int len = i2d_PUBKEY(pkey, &der);

	if (len > 0) {
		at = der;
		public = d2i_PUBKEY_ex(NULL, &at, len, libctx, NULL);
	}
	OPENSSL_free(der);
	if (public == NULL) {
		fo_diag_set(diag, "its public half cannot be read");
		return FO_ERR_CRYPTO;
	}

	*ret_public = public;
	return FO_OK;
}

/* ---- signing --------------------------------------------------------- */

static fo_err
sign(const struct fo_key *key, const unsigned char digest[FO_SHA256_BYTES],
    struct fo_diag *diag, unsigned char raw[FO_SIG_BYTES])
{
	const struct kind *kind = key->device->kind;
	const bool was_empty = ERR_peek_error() == 0;
	fo_err r;

	r = fo_key_sign_by(key, key->device->engine != NULL ? NULL :
	    kind->properties, digest, raw);
	if (r != FO_OK) {
		add_reason(diag, was_empty, "it does not sign");
		fo_diag_prefix(diag, "%s", kind->name);
		return r;
	}
	r = fo_verifier_check(key->device->verifier, &key->jwk, digest, raw,
	    FO_SIG_BYTES);
	if (r == FO_ERR_BAD_SIGNATURE) {
		fo_diag_set(diag, "%s signs with another key than it says",
		    kind->name);
		r = FO_ERR_BAD_KEY;
	}
	return r;
}

fo_err
fo_device_sign(const struct fo_key *key,
    const unsigned char digest[FO_SHA256_BYTES], struct fo_diag *diag,
    unsigned char ret_sig[FO_SIG_BYTES])
{
	unsigned char raw[FO_SIG_BYTES];
	fo_err r;

	if (pthread_mutex_lock(&key->device->one) != 0)
		return FO_ERR_INTERNAL;
	r = sign(key, digest, diag, raw);
	(void)pthread_mutex_unlock(&key->device->one);
	if (r == FO_OK)
		memcpy(ret_sig, raw, sizeof(raw));

	return r;
}
