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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/engine.h>

#define MODULE_PATH "module-path="

static ENGINE *
new_engine(const char *module, struct fo_diag *diag)
{
	ENGINE *engine;

	/* libp11 prints why it cannot load one */
	if (module != NULL && access(module, R_OK) != 0) {
		fo_diag_set(diag, "%s: %s", module, strerrordesc_np(errno));
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
	if ((module == NULL || ENGINE_ctrl_cmd_string(engine, "MODULE_PATH",
	    module, 0) == 1) && ENGINE_init(engine) == 1)
		return engine;

	fo_diag_set(diag, "the PKCS#11 module %s cannot be used", module !=
	    NULL ? module : "of p11-kit");
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

fo_err
fo_engine_load(const char *uri, UI_METHOD *ui, void *arg,
    struct fo_diag *diag, ENGINE **ret_engine, EVP_PKEY **ret_pkey)
{
	char *rest, *module = NULL;
	ENGINE *engine = NULL;
	EVP_PKEY *pkey = NULL;
	fo_err r;

	if ((rest = strdup(uri)) == NULL)
		return FO_ERR_NOMEM;
	if ((r = take_module(rest, &module)) != FO_OK)
		goto out;
	r = FO_ERR_NOT_FOUND;
	if ((engine = new_engine(module, diag)) == NULL ||
	    (pkey = ENGINE_load_private_key(engine, rest, ui, arg)) == NULL)
		goto out;

	*ret_pkey = pkey;
	*ret_engine = engine;
	engine = NULL; /* now owned by the caller */
	r = FO_OK;
out:
	fo_engine_free(engine);
	free(module);
	free(rest);
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
fo_engine_load(const char *uri, UI_METHOD *ui, void *arg,
    struct fo_diag *diag, ENGINE **ret_engine, EVP_PKEY **ret_pkey)
{
	(void)uri;
	(void)ui;
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
