/*
 * libfirstops for Node, by way of Node-API: what index.js is made of.
 *
 * Work with a key is done in a thread of Node's pool, and a promise is kept.
 * A promise that is broken carries an error whose properties why and text are
 * the word and the reason of the library's result. Nothing is printed.
 */
#include <node_api.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include <firstops/firstops.h>

#define ARGS_MAX 7

/* A piece of work: what it is given, what comes of it. */
struct job {
	napi_async_work work;
	napi_deferred deferred;
	fo_err (*run)(struct job *job);
	fo_err result;
	struct fo_diag diag;
	char *texts[ARGS_MAX];		/* NULL: not given */
	int64_t iat;
	int64_t max_bytes;
	const struct fo_key *key;	/* of Node's, held by key_ref */
	napi_ref key_ref;
	struct fo_key *made;		/* one of these two comes of it */
	char *proof;
};

/* ---- values ------------------------------------------------------------- */

static napi_value
text_value(napi_env env, const char *text)
{
	napi_value value = NULL;

	if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) !=
	    napi_ok)
		return NULL;
	return value;
}

static napi_value
make_error(napi_env env, fo_err r, const struct fo_diag *diag)
{
	const char *text = diag != NULL && diag->text[0] != '\0' ?
	    diag->text : fo_err_text(r);
	napi_value error = NULL;

	if (napi_create_error(env, NULL, text_value(env, text), &error) !=
	    napi_ok || napi_set_named_property(env, error, "why",
	    text_value(env, fo_err_word(r))) != napi_ok)
		return NULL;
	return error;
}

static napi_value
throw_error(napi_env env, fo_err r, const struct fo_diag *diag)
{
	napi_value error = make_error(env, r, diag);

	if (error != NULL)
		(void)napi_throw(env, error);
	return NULL;
}

/*
 * A copy of a text, or NULL for undefined and null. FO_ERR_ARG: it is
 * something else, or has a NUL in it.
 */
static fo_err
take_text(napi_env env, napi_value value, char **ret_text)
{
	napi_valuetype type;
	size_t len;
	char *text;

	if (napi_typeof(env, value, &type) != napi_ok)
		return FO_ERR_ARG;
	if (type == napi_undefined || type == napi_null) {
		*ret_text = NULL;
		return FO_OK;
	}
	if (type != napi_string || napi_get_value_string_utf8(env, value, NULL,
	    0, &len) != napi_ok)
		return FO_ERR_ARG;
	if ((text = malloc(len + 1)) == NULL)
		return FO_ERR_NOMEM;
	if (napi_get_value_string_utf8(env, value, text, len + 1, &len) !=
	    napi_ok || strlen(text) != len) {
		free(text);
		return FO_ERR_ARG;
	}
	*ret_text = text;
	return FO_OK;
}

static bool
arguments(napi_env env, napi_callback_info info, size_t want,
    napi_value ret_args[ARGS_MAX])
{
	size_t count = want;

	return napi_get_cb_info(env, info, &count, ret_args, NULL, NULL) ==
	    napi_ok && count >= want;
}

/* Texts begin at args[first]. */
static fo_err
take_texts(napi_env env, const napi_value *args, size_t count,
    char *ret_texts[ARGS_MAX])
{
	fo_err r = FO_OK;

	for (size_t i = 0; i < count && r == FO_OK; i++)
		r = take_text(env, args[i], &ret_texts[i]);
	return r;
}

static void
free_texts(char *texts[ARGS_MAX])
{
	for (size_t i = 0; i < ARGS_MAX; i++) {
		if (texts[i] != NULL)
			explicit_bzero(texts[i], strlen(texts[i]));
		free(texts[i]);
	}
}

/* ---- keys of Node's ----------------------------------------------------- */

static void
let_go(napi_env env, void *data, void *hint)
{
	struct fo_key *key = data;

	(void)env;
	(void)hint;
	fo_key_free(&key);
}

static const struct fo_key *
key_of(napi_env env, napi_value value)
{
	napi_valuetype type;
	void *key = NULL;

	if (napi_typeof(env, value, &type) != napi_ok ||
	    type != napi_external ||
	    napi_get_value_external(env, value, &key) != napi_ok)
		return NULL;
	return key;
}

/* The one argument of a call; NULL: it is no key. */
static const struct fo_key *
key_argument(napi_env env, napi_callback_info info)
{
	napi_value args[ARGS_MAX];

	return arguments(env, info, 1, args) ? key_of(env, args[0]) : NULL;
}

/* ---- jobs --------------------------------------------------------------- */

static void
job_free(napi_env env, struct job *job)
{
	if (job->key_ref != NULL)
		(void)napi_delete_reference(env, job->key_ref);
	if (job->work != NULL)
		(void)napi_delete_async_work(env, job->work);
	fo_proof_text_free(&job->proof);
	fo_key_free(&job->made);
	free_texts(job->texts);
	free(job);
}

static void
execute(napi_env env, void *data)
{
	struct job *job = data;

	(void)env;
	job->result = job->run(job);
	/* The thread may outlive libcrypto at the end of the program. */
	OPENSSL_thread_stop();
}

static napi_value
result_value(napi_env env, struct job *job)
{
	napi_value value = NULL;

	if (job->proof != NULL)
		return text_value(env, job->proof);
	if (napi_create_external(env, job->made, let_go, NULL, &value) !=
	    napi_ok)
		return NULL;
	job->made = NULL; /* now Node's */
	return value;
}

static void
complete(napi_env env, napi_status status, void *data)
{
	struct job *job = data;
	napi_value value = NULL;

	if (status != napi_ok)
		job->result = FO_ERR_INTERNAL;
	if (job->result == FO_OK &&
	    (value = result_value(env, job)) == NULL)
		job->result = FO_ERR_NOMEM;
	if (job->result == FO_OK)
		(void)napi_resolve_deferred(env, job->deferred, value);
	else
		(void)napi_reject_deferred(env, job->deferred,
		    make_error(env, job->result, &job->diag));
	job_free(env, job);
}

/* Hand it over; its promise. */
static napi_value
start(napi_env env, struct job *job)
{
	napi_value promise = NULL;

	if (napi_create_async_work(env, NULL, text_value(env, "firstops"),
	    execute, complete, job, &job->work) != napi_ok ||
	    napi_create_promise(env, &job->deferred, &promise) != napi_ok ||
	    napi_queue_async_work(env, job->work) != napi_ok) {
		job_free(env, job);
		return throw_error(env, FO_ERR_NOMEM, NULL);
	}
	return promise;
}

static struct job *
job_new(fo_err (*run)(struct job *job))
{
	struct job *job = calloc(1, sizeof(*job));

	if (job != NULL)
		job->run = run;
	return job;
}

/* ---- what is done ------------------------------------------------------- */

static int
give_passphrase(char *buf, size_t size, void *arg)
{
	const char *passphrase = arg;
	const size_t len = strlen(passphrase);

	if (len >= size)
		return -1;
	memcpy(buf, passphrase, len + 1);
	return (int)len;
}

/* texts: a path or NULL, a passphrase or NULL */
static fo_err
run_load(struct job *job)
{
	char *uri = NULL;
	fo_err r;

	if ((r = fo_key_find(job->texts[0], &job->diag, &uri)) == FO_OK)
		r = fo_key_load(uri, job->texts[1] != NULL ?
		    give_passphrase : NULL, job->texts[1], &job->diag,
		    &job->made);
	free(uri);
	return r;
}

/* texts: PEM, a passphrase or NULL */
static fo_err
run_from_pem(struct job *job)
{
	if (job->texts[0] == NULL)
		return FO_ERR_ARG;
	return fo_key_from_pem(job->texts[0], strlen(job->texts[0]),
	    job->texts[1] != NULL ? give_passphrase : NULL, job->texts[1],
	    &job->diag, &job->made);
}

static fo_err
run_generate(struct job *job)
{
	return fo_key_generate(&job->made);
}

/* texts: htm, htu, nonce or NULL, access token or NULL */
static fo_err
run_sign(struct job *job)
{
	const struct fo_request req = { .htm = job->texts[0],
		.htu = job->texts[1], .nonce = job->texts[2],
		.access_token = job->texts[3], .iat = job->iat,
		.max_bytes = (size_t)job->max_bytes, .diag = &job->diag };

	return fo_proof_sign(job->key, &req, &job->proof);
}

/* ---- what index.js calls ------------------------------------------------ */

/* A job that takes so many texts and makes a key. */
static napi_value
make_key(napi_env env, napi_callback_info info, size_t count,
    fo_err (*run)(struct job *job))
{
	napi_value args[ARGS_MAX];
	struct job *job;
	fo_err r;

	if ((job = job_new(run)) == NULL)
		return throw_error(env, FO_ERR_NOMEM, NULL);
	r = arguments(env, info, count, args) ?
	    take_texts(env, args, count, job->texts) : FO_ERR_ARG;
	if (r != FO_OK) {
		job_free(env, job);
		return throw_error(env, r, NULL);
	}
	return start(env, job);
}

static napi_value
key_load(napi_env env, napi_callback_info info)
{
	return make_key(env, info, 2, run_load);
}

static napi_value
key_from_pem(napi_env env, napi_callback_info info)
{
	return make_key(env, info, 2, run_from_pem);
}

static napi_value
key_generate(napi_env env, napi_callback_info info)
{
	return make_key(env, info, 0, run_generate);
}

/* (key, htm, htu, nonce, access token, iat, most bytes) */
static napi_value
proof_sign(napi_env env, napi_callback_info info)
{
	napi_value args[ARGS_MAX];
	struct job *job;
	fo_err r = FO_ERR_ARG;

	if ((job = job_new(run_sign)) == NULL)
		return throw_error(env, FO_ERR_NOMEM, NULL);
	if (arguments(env, info, 7, args) &&
	    (job->key = key_of(env, args[0])) != NULL &&
	    napi_create_reference(env, args[0], 1, &job->key_ref) ==
	    napi_ok && napi_get_value_int64(env, args[5], &job->iat) ==
	    napi_ok && napi_get_value_int64(env, args[6],
	    &job->max_bytes) == napi_ok && job->max_bytes >= 0)
		r = take_texts(env, args + 1, 4, job->texts);
	if (r != FO_OK) {
		job_free(env, job);
		return throw_error(env, r, NULL);
	}
	return start(env, job);
}

static napi_value
key_thumbprint(napi_env env, napi_callback_info info)
{
	const struct fo_key *key = key_argument(env, info);
	char jkt[FO_JKT_SIZE];
	const fo_err r = key == NULL ? FO_ERR_ARG :
	    fo_key_thumbprint(key, jkt);

	return r == FO_OK ? text_value(env, jkt) : throw_error(env, r, NULL);
}

/* The public key as JSON. */
static napi_value
key_jwk(napi_env env, napi_callback_info info)
{
	const struct fo_key *key = key_argument(env, info);
	struct fo_jwk jwk;
	napi_value value;
	char *json = NULL;
	fo_err r;

	r = key == NULL ? FO_ERR_ARG : fo_key_jwk(key, &jwk);
	if (r == FO_OK)
		r = fo_jwk_format(&jwk, &json);
	if (r != FO_OK)
		return throw_error(env, r, NULL);
	value = text_value(env, json);
	free(json);
	return value;
}

static napi_value
key_to_pem(napi_env env, napi_callback_info info)
{
	const struct fo_key *key = key_argument(env, info);
	napi_value value;
	char *pem = NULL;
	const fo_err r = key == NULL ? FO_ERR_ARG : fo_key_to_pem(key, &pem);

	if (r != FO_OK)
		return throw_error(env, r, NULL);
	value = text_value(env, pem);
	fo_key_pem_free(&pem);
	return value;
}

/* (host, service, account) */
static napi_value
target_format(napi_env env, napi_callback_info info)
{
	napi_value args[ARGS_MAX], value = NULL;
	char *texts[ARGS_MAX] = { NULL }, *htu = NULL;
	fo_err r = FO_ERR_ARG;

	if (arguments(env, info, 3, args) &&
	    (r = take_texts(env, args, 3, texts)) == FO_OK)
		r = fo_target_format(texts[0], texts[1], texts[2], &htu);
	free_texts(texts);
	if (r != FO_OK)
		return throw_error(env, r, NULL);
	value = text_value(env, htu);
	free(htu);
	return value;
}

/* (prompt, target): the nonce of a challenge that is for this target */
static napi_value
challenge_nonce(napi_env env, napi_callback_info info)
{
	struct fo_challenge *challenge = NULL;
	napi_value args[ARGS_MAX], value = NULL;
	char *texts[ARGS_MAX] = { NULL };
	fo_err r = FO_ERR_ARG;

	if (arguments(env, info, 2, args) &&
	    (r = take_texts(env, args, 2, texts)) == FO_OK)
		r = texts[0] == NULL || texts[1] == NULL ? FO_ERR_ARG :
		    fo_challenge_parse(texts[0], &challenge);
	if (r == FO_OK)
		r = fo_target_match(challenge->htu, texts[1]);
	if (r == FO_OK)
		value = text_value(env, challenge->nonce);
	fo_challenge_free(&challenge);
	free_texts(texts);
	return r == FO_OK ? value : throw_error(env, r, NULL);
}

static napi_value
version(napi_env env, napi_callback_info info)
{
	(void)info;
	return text_value(env, fo_version());
}

#define FUNCTION(name, does) \
	{ name, NULL, does, NULL, NULL, NULL, napi_enumerable, NULL }

NAPI_MODULE_INIT()
{
	static const napi_property_descriptor functions[] = {
		FUNCTION("keyLoad", key_load),
		FUNCTION("keyFromPem", key_from_pem),
		FUNCTION("keyGenerate", key_generate),
		FUNCTION("keyThumbprint", key_thumbprint),
		FUNCTION("keyJwk", key_jwk),
		FUNCTION("keyToPem", key_to_pem),
		FUNCTION("proofSign", proof_sign),
		FUNCTION("targetFormat", target_format),
		FUNCTION("challengeNonce", challenge_nonce),
		FUNCTION("version", version),
	};

	if (napi_define_properties(env, exports, sizeof(functions) /
	    sizeof(functions[0]), functions) != napi_ok)
		return NULL;
	return exports;
}
