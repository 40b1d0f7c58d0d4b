/*
 * A key on a PKCS#11 token through the engine "pkcs11" (libp11), which
 * Debian has as libengine-pkcs11-openssl. Engines are of the whole process,
 * and OpenSSL 4 will not have them: so all of it stands here, in no program
 * but those that ask for a pkcs11: URI, and not in the PAM module.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "key_engine.h"

#include "base/diag.h"

#ifdef FIRSTOPS_ENGINE

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/engine.h>
#include <openssl/err.h>

#include "base/buf.h"
#include "base/wipe.h"

#define MODULE_PATH "module-path="
#define P11_KIT "of p11-kit"
#define PIN_SIZE 256
#define URI_MAX 8192
#define CKR_PIN_INCORRECT 0xA0UL /* PKCS#11 2.40, as libp11 reports it */

/*
 * OpenSSL has one engine of this name in the whole process, with one module,
 * and libp11 remembers in it the PIN that it was told last. So one thread loads
 * at a time, there is one module, and no load leaves the PIN to be remembered:
 * another token would be tried with it.
 */
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static char *module_used;	/* the first that had a key; under one */

static ENGINE *
new_engine(const char *module, struct fo_diag *diag)
{
	ENGINE *engine;

	/* libp11 prints why it cannot load one */
	if (module != NULL && access(module, R_OK) != 0) {
		fo_diag_set(diag, "%s: %s", module, strerrordesc_np(errno));
		return NULL;
	}
	if (module != NULL && module_used != NULL &&
	    strcmp(module, module_used) != 0) {
		fo_diag_set(diag, "this process uses the PKCS#11 module %s "
		    "already, and can use one only", module_used);
		return NULL;
	}
	ENGINE_load_dynamic();
	if ((engine = ENGINE_by_id("pkcs11")) == NULL) {
		fo_diag_set(diag, "OpenSSL has neither a provider nor an engine"
		    " for PKCS#11: apt install libengine-pkcs11-openssl");
		return NULL;
	}
	/* it prints to standard error otherwise */
	(void)ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0);
	if ((module == NULL || module_used != NULL ||
	    ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module, 0) == 1) &&
	    ENGINE_init(engine) == 1)
		return engine;

	fo_diag_set(diag, "the PKCS#11 module %s cannot be used", module !=
	    NULL ? module : P11_KIT);
	ENGINE_free(engine);
	return NULL;
}

/*
 * RFC 7512 2.4 says by module-path, among the attributes after "?", which
 * module has the token; the engine wants it apart. Not percent-decoded: no
 * path of a module needs it. Without one *ret_module stays NULL.
 */
static fo_err
take_module(char *uri, char **ret_module)
{
	char *at = strchr(uri, '?');
	size_t len;

	while (at != NULL && strncmp(at + 1, MODULE_PATH,
	    strlen(MODULE_PATH)) != 0)
		at = strchr(at + 1, '&');
	if (at == NULL)
		return FO_OK;
	len = strcspn(at + 1, "&");
	if ((*ret_module = strndup(at + 1 + strlen(MODULE_PATH),
	    len - strlen(MODULE_PATH))) == NULL)
		return FO_ERR_NOMEM;
	/* the rest follows what stands before it */
	if (at[1 + len] == '&')
		memmove(at + 1, at + 2 + len, strlen(at + 2 + len) + 1);
	else
		*at = '\0';
	return FO_OK;
}

/* The PIN as an attribute, every byte of it percent-encoded. */
static fo_err
add_pin(const char *pin, size_t len, struct fo_buf *uri)
{
	const bool first = strchr(uri->data, '?') == NULL;

	fo_buf_adds(uri, first ? "?pin-value=" : "&pin-value=");
	for (size_t i = 0; i < len; i++)
		fo_buf_addf(uri, "%%%02X", (unsigned int)(unsigned char)
		    pin[i]);
	return uri->err;
}

/* A URI that has a PIN, so that no remembered one is used. */
static fo_err
complete(fo_passphrase_cb ask, void *arg, struct fo_diag *diag,
    struct fo_buf *uri)
{
	char pin[PIN_SIZE] = "";
	int len = -1;
	fo_err r;

	if (strstr(uri->data, "pin-value=") != NULL ||
	    strstr(uri->data, "pin-source=") != NULL)
		return FO_OK;
	if (ask != NULL)
		len = ask(pin, sizeof(pin), arg);
	if (len < 0 || (size_t)len >= sizeof(pin)) {
		fo_diag_set(diag, "it wants a passphrase or a PIN, and none was"
		    " given");
		fo_wipe(pin, sizeof(pin));
		return FO_ERR_FORMAT;
	}
	r = add_pin(pin, (size_t)len, uri);
	fo_wipe(pin, sizeof(pin));
	return r;
}

/* With the lock held. */
static fo_err
load(const char *uri, const char *module, struct fo_diag *diag,
    ENGINE **ret_engine, EVP_PKEY **ret_pkey)
{
	ENGINE *engine = new_engine(module, diag);
	const bool was_empty = ERR_peek_error() == 0;
	EVP_PKEY *pkey;

	if (engine == NULL)
		return FO_ERR_NOT_FOUND;
	if ((pkey = ENGINE_load_private_key(engine, uri, NULL, NULL)) ==
	    NULL) {
		fo_engine_free(engine);
		return was_empty && (unsigned long)ERR_GET_REASON(
		    ERR_peek_error()) == CKR_PIN_INCORRECT ? FO_ERR_FORMAT :
		    FO_ERR_NOT_FOUND;
	}

	if (module_used == NULL) /* it stays so without memory: none is said */
		module_used = strdup(module != NULL ? module : P11_KIT);
	*ret_pkey = pkey;
	*ret_engine = engine;
	return FO_OK;
}

fo_err
fo_engine_load(const char *uri, fo_passphrase_cb ask, void *arg,
    struct fo_diag *diag, ENGINE **ret_engine, EVP_PKEY **ret_pkey)
{
	char *rest, *module = NULL;
	struct fo_buf whole;
	fo_err r;

	if ((rest = strdup(uri)) == NULL)
		return FO_ERR_NOMEM;
	fo_buf_init(&whole, URI_MAX);
	if ((r = take_module(rest, &module)) != FO_OK)
		goto out;
	fo_buf_adds(&whole, rest);
	if ((r = whole.err) != FO_OK ||
	    (r = complete(ask, arg, diag, &whole)) != FO_OK)
		goto out;
	if (pthread_mutex_lock(&one) != 0) {
		r = FO_ERR_INTERNAL;
		goto out;
	}
	r = load(whole.data, module, diag, ret_engine, ret_pkey);
	(void)pthread_mutex_unlock(&one);
out:
	fo_buf_clear(&whole);
	free(module);
	fo_wipe_string(&rest);
	return r;
}

void
fo_engine_free(ENGINE *engine)
{
	if (engine == NULL)
		return;
	(void)ENGINE_finish(engine);
	(void)ENGINE_free(engine);
}

#else

fo_err
fo_engine_load(const char *uri, fo_passphrase_cb ask, void *arg,
    struct fo_diag *diag, ENGINE **ret_engine, EVP_PKEY **ret_pkey)
{
	(void)uri;
	(void)ask;
	(void)arg;
	(void)ret_engine;
	(void)ret_pkey;
	fo_diag_set(diag, "OpenSSL's provider for PKCS#11 is not installed, and"
	    " this library was built without engines (FIRSTOPS_ENGINE)");
	return FO_ERR_NOT_FOUND;
}

void
fo_engine_free(ENGINE *engine)
{
	(void)engine;
}

#endif
