/*
 * A stand-in for OpenSSL's provider "pkcs11": pkcs11:/PATH is the private key
 * in that file, in DER. Where TOKEN_BROKEN is set, it does not start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>

#define SCHEME "pkcs11:"

/* An opened URI. */
struct token {
	unsigned char der[4096];
	size_t len;
	int given;
};

static void *
token_open(void *provider, const char *uri)
{
	struct token *token = calloc(1, sizeof(*token));
	FILE *file = fopen(uri + strlen(SCHEME), "re");

	(void)provider;
	if (token == NULL || file == NULL) {
		free(token);
		return NULL;
	}
	token->len = fread(token->der, 1, sizeof(token->der), file);
	(void)fclose(file);
	return token;
}

static int
token_set(void *ctx, const OSSL_PARAM params[])
{
	(void)ctx;
	(void)params;
	return 1;
}

static int
token_load(void *ctx, OSSL_CALLBACK *object, void *object_arg,
    OSSL_PASSPHRASE_CALLBACK *ask, void *ask_arg)
{
	struct token *token = ctx;
	char type[] = "EC";
	int kind = OSSL_OBJECT_PKEY;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &kind),
		OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE,
		    type, 0),
		OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA,
		    token->der, token->len),
		OSSL_PARAM_construct_end()
	};

	(void)ask;
	(void)ask_arg;
	token->given = 1;
	return object(params, object_arg);
}

static int
token_eof(void *ctx)
{
	const struct token *token = ctx;

	return token->given;
}

static int
token_close(void *ctx)
{
	free(ctx);
	return 1;
}

#define FUNCTION(id, name) { id, (void (*)(void))(name) }

static const OSSL_DISPATCH store[] = {
	FUNCTION(OSSL_FUNC_STORE_OPEN, token_open),
	FUNCTION(OSSL_FUNC_STORE_SET_CTX_PARAMS, token_set),
	FUNCTION(OSSL_FUNC_STORE_LOAD, token_load),
	FUNCTION(OSSL_FUNC_STORE_EOF, token_eof),
	FUNCTION(OSSL_FUNC_STORE_CLOSE, token_close),
	{ 0, NULL }
};
static const OSSL_ALGORITHM stores[] = {
	{ "pkcs11", "provider=pkcs11", store, NULL },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_STORE ? stores : NULL;
}

static const OSSL_DISPATCH functions[] = {
	FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
	{ 0, NULL }
};

/* Called by libcrypto, which finds it by name. */
int OSSL_provider_init(const OSSL_CORE_HANDLE *handle,
    const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider);

__attribute__((visibility("default"))) int
OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provider)
{
	static int nothing;

	(void)handle;
	(void)in;
	*out = functions;
	*provider = &nothing;
	return getenv("TOKEN_BROKEN") == NULL;
}
