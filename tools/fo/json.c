/*
 * JSON for machines: what --json prints, and what a batch reads.
 */
#include "json.h"

#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/wipe.h"
#include "host/names.h"

#include "out.h"

struct json {
	json_t *value;
	bool failed;
};

/* A private key may have been in it. */
static void
free_wiped(void *p)
{
	if (p != NULL)
		fo_wipe(p, malloc_usable_size(p));
	free(p);
}

void
json_start(void)
{
	json_set_alloc_funcs(malloc, free_wiped);
}

static struct json *
json_wrap(json_t *value)
{
	struct json *json = calloc(1, sizeof(*json));

	if (json == NULL) {
		json_decref(value);
		return NULL;
	}
	json->value = value;
	json->failed = value == NULL;

	return json;
}

struct json *
json_object_new(void)
{
	return json_wrap(json_object());
}

struct json *
json_list_new(void)
{
	return json_wrap(json_array());
}

void
json_free(struct json **json)
{
	if (json == NULL || *json == NULL)
		return;
	json_decref((*json)->value);
	free(*json);
	*json = NULL;
}

/* Steals value, as jansson does, also when it fails. */
static void
member(struct json *object, const char *key, json_t *value)
{
	if (object == NULL) {
		json_decref(value);
		return;
	}
	if (json_object_set_new(object->value, key, value) != 0)
		object->failed = true;
}

void
json_text(struct json *object, const char *key, const char *value)
{
	member(object, key, value == NULL ? json_null() : json_string(value));
}

void
json_flag(struct json *object, const char *key, bool value)
{
	member(object, key, json_boolean(value));
}

void
json_number(struct json *object, const char *key, int64_t value)
{
	member(object, key, json_integer(value));
}

void
json_texts(struct json *object, const char *key, const char *const *values)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list != NULL && values != NULL && values[i] != NULL; i++) {
		if (json_array_append_new(list, json_string(values[i])) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	member(object, key, list);
}

/* The value within, which the caller then owns; NULL if it is not whole. */
static json_t *
unwrap(struct json **json)
{
	json_t *value;

	if (*json == NULL)
		return NULL;
	value = (*json)->failed ? NULL : json_incref((*json)->value);
	json_free(json);

	return value;
}

void
json_put(struct json *object, const char *key, struct json **value)
{
	member(object, key, unwrap(value));
}

void
json_append(struct json *list, struct json **value)
{
	json_t *item = unwrap(value);

	if (list == NULL) {
		json_decref(item);
		return;
	}
	if (json_array_append_new(list->value, item) != 0)
		list->failed = true;
}

/*
 * The text and its length. Into memory of our own: json_dumps goes on without
 * the name of a member that its memory did not grow for.
 */
static char *
dump(const json_t *value, size_t *ret_len)
{
	const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII;
	const size_t len = json_dumpb(value, NULL, 0, flags);
	char *text;

	if (len == 0 || (text = malloc(len + 1)) == NULL)
		return NULL;
	if (json_dumpb(value, text, len, flags) != len) {
		free_wiped(text);
		return NULL;
	}
	*ret_len = len;

	return text;
}

int
json_print(struct json **json)
{
	json_t *value = unwrap(json);
	char *text = NULL;
	bool done = false;
	size_t len = 0;

	if (value != NULL)
		text = dump(value, &len);
	json_decref(value);
	if (text != NULL) {
		text[len] = '\n';
		done = out_raw(text, len + 1);
	}
	free_wiped(text);
	if (!done) {
		note("fo: standard output: the result could not be written");
		return FO_EXIT_TROUBLE;
	}

	return FO_EXIT_DONE;
}

struct json *
json_read(const char *text, size_t len, struct fo_diag *diag)
{
	json_error_t error;
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (value == NULL || !json_is_object(value)) {
		fo_diag_set(diag, "not a JSON object: %s", value == NULL ?
		    error.text : "it is something else");
		json_decref(value);
		return NULL;
	}

	return json_wrap(value);
}

static const json_t *
find(const struct json *object, const char *within, const char *name)
{
	const json_t *value = object->value;

	if (within != NULL)
		value = json_object_get(value, within);
	return json_object_get(value, name);
}

const char *
json_get(const struct json *object, const char *within, const char *name)
{
	return json_string_value(find(object, within, name));
}

bool
json_has(const struct json *object, const char *within, const char *name)
{
	return find(object, within, name) != NULL;
}

char *
json_quoted(const char *text)
{
	json_t *value = json_string(text);
	const size_t flags = JSON_ENCODE_ANY | JSON_ENSURE_ASCII;
	const size_t len = json_dumpb(value, NULL, 0, flags);
	char *quoted = len > 0 ? malloc(len + 1) : NULL;

	/* it needs memory of its own, the second time as the first */
	if (quoted != NULL && json_dumpb(value, quoted, len, flags) == len) {
		quoted[len] = '\0';
	} else {
		free(quoted);
		quoted = NULL;
	}
	json_decref(value);

	return quoted;
}

/* ---- batch ----------------------------------------------------------- */

static fo_err
batch_text(const char *key, const json_t *value, struct fo_diag *diag,
    char **ret)
{
	const size_t len = json_string_length(value);

	if (json_is_null(value))
		return FO_OK;
	if (!json_is_string(value) ||
	    memchr(json_string_value(value), '\0', len) != NULL) {
		fo_diag_set(diag, "\"%s\" must be a text", key);
		return FO_ERR_ARG;
	}
	if ((*ret = strdup(json_string_value(value))) == NULL)
		return FO_ERR_NOMEM;

	return FO_OK;
}

static fo_err
batch_seconds(const char *key, const json_t *value, struct fo_diag *diag,
    int64_t *ret)
{
	if (json_is_null(value))
		return FO_OK;
	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		fo_diag_set(diag, "\"%s\" must be a whole number of seconds,"
		    " not below 0", key);
		return FO_ERR_ARG;
	}
	*ret = json_integer_value(value);

	return FO_OK;
}

/* A misspelt member would be a check that silently does not take place. */
static fo_err
batch_unknown(const char *key, struct fo_diag *diag)
{
	static const char *const known[] = { "proof", "htm", "htu", "jkt",
		"nonce", "access_token", "at", "max_age", "clock_skew", NULL };
	const char *near = fo_name_nearest(key, known);

	if (near != NULL)
		fo_diag_set(diag, "unknown member \"%s\"; did you mean"
		    " \"%s\"?", key, near);
	else
		fo_diag_set(diag, "unknown member \"%s\"", key);

	return FO_ERR_ARG;
}

static fo_err
batch_member(struct batch_line *line, const char *key, const json_t *value,
    struct fo_diag *diag)
{
	const struct { const char *key; char **text; } texts[] = {
		{ "proof", &line->proof },
		{ "htm", &line->htm },
		{ "htu", &line->htu },
		{ "jkt", &line->jkt },
		{ "nonce", &line->nonce },
		{ "access_token", &line->access_token },
	};
	const struct { const char *key; int64_t *seconds; } numbers[] = {
		{ "at", &line->at },
		{ "max_age", &line->max_age_s },
		{ "clock_skew", &line->clock_skew_s },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(key, texts[i].key) == 0)
			return batch_text(key, value, diag, texts[i].text);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(key, numbers[i].key) == 0)
			return batch_seconds(key, value, diag,
			    numbers[i].seconds);

	return batch_unknown(key, diag);
}

fo_err
batch_line_parse(const char *text, size_t len, struct fo_diag *diag,
    struct batch_line *ret_line)
{
	struct batch_line line = { .at = -1, .max_age_s = -1,
		.clock_skew_s = -1 };
	fo_err r = FO_ERR_ARG;
	json_error_t error;
	const char *key;
	json_t *root, *value;

	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(root)) {
		fo_diag_set(diag, "not one JSON object on the line: %s",
		    root == NULL ? error.text : "another type");
		goto out;
	}
	json_object_foreach(root, key, value) {
		if ((r = batch_member(&line, key, value, diag)) != FO_OK)
			goto out;
	}
	r = FO_ERR_ARG;
	if (line.proof == NULL || line.htm == NULL || line.htu == NULL) {
		fo_diag_set(diag, "\"proof\", \"htm\" and \"htu\" are"
		    " required");
		goto out;
	}

	*ret_line = line;
	memset(&line, 0, sizeof(line));
	r = FO_OK;
out:
	batch_line_clear(&line);
	json_decref(root);
	return r;
}

void
batch_line_clear(struct batch_line *line)
{
	fo_wipe_string(&line->proof);
	fo_wipe_string(&line->access_token);
	fo_wipe_string(&line->nonce);
	free(line->htm);
	free(line->htu);
	free(line->jkt);
	memset(line, 0, sizeof(*line));
}
