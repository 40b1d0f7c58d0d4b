/*
 * JSON: the one file that knows the JSON library.
 */
#include "json.h"

#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/diag.h"

/*
 * The library recurses, so depth is limited before it sees the text. Outside
 * of strings every opening bracket is one level; what is not JSON at all may
 * be counted wrongly, and is refused by the library.
 */
static bool
too_deep(const char *text, size_t len)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '\\':
			if (in_string)
				i++; /* what follows does not end it */
			break;
		case '"':
			in_string = !in_string;
			break;
		case '{':
		case '[':
			if (!in_string && ++depth > FO_JSON_MAX_DEPTH)
				return true;
			break;
		case '}':
		case ']':
			if (!in_string && depth > 0)
				depth--;
			break;
		default:
			break;
		}
	}

	return false;
}

/* Has any object in value too many members? As deep as too_deep allows. */
static bool
too_wide(json_t *value)
{
	size_t i;
	void *it;

	if (json_is_object(value)) {
		if (json_object_size(value) > FO_JSON_MAX_MEMBERS)
			return true;
		for (it = json_object_iter(value); it != NULL;
		    it = json_object_iter_next(value, it))
			if (too_wide(json_object_iter_value(it)))
				return true;
	} else if (json_is_array(value)) {
		for (i = 0; i < json_array_size(value); i++)
			if (too_wide(json_array_get(value, i)))
				return true;
	}

	return false;
}

/* The library's own sentence quotes the text, which may be a live proof. */
static fo_err
explain(const json_error_t *error, const char *what, struct fo_diag *diag)
{
	switch (json_error_code(error)) {
	case json_error_out_of_memory:
		return FO_ERR_NOMEM;
	case json_error_unknown:
		if (error->text[0] == '\0')
			return FO_ERR_NOMEM; /* it failed without a word */
		fo_diag_set(diag, "%s is not JSON", what);
		return FO_ERR_FORMAT;
	case json_error_duplicate_key:
		fo_diag_set(diag, "%s has a member twice, before byte %d",
		    what, error->position);
		return FO_ERR_FORMAT;
	case json_error_end_of_input_expected:
		fo_diag_set(diag, "%s goes on after its end, at byte %d",
		    what, error->position);
		return FO_ERR_FORMAT;
	case json_error_numeric_overflow:
		fo_diag_set(diag, "%s has a number out of range, at byte %d",
		    what, error->position);
		return FO_ERR_FORMAT;
	case json_error_invalid_utf8:
		fo_diag_set(diag, "%s is not UTF-8", what);
		return FO_ERR_FORMAT;
	default:
		fo_diag_set(diag, "%s is not JSON, at byte %d", what,
		    error->position);
		return FO_ERR_FORMAT;
	}
}

fo_err
fo_json_parse(const char *text, size_t len, const char *what,
    struct fo_diag *diag, struct json_t **ret_root)
{
	json_error_t error;
	json_t *root;

	if (memchr(text, '\0', len) != NULL) {
		fo_diag_set(diag, "%s has a NUL in it", what);
		return FO_ERR_FORMAT;
	}
	if (too_deep(text, len)) {
		fo_diag_set(diag, "%s is nested deeper than %d levels", what,
		    FO_JSON_MAX_DEPTH);
		return FO_ERR_FORMAT;
	}
	memset(&error, 0, sizeof(error));
	root = json_loadb(text, len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
	if (root == NULL)
		return explain(&error, what, diag);
	if (!json_is_object(root)) {
		fo_diag_set(diag, "%s is not a JSON object", what);
		json_decref(root);
		return FO_ERR_FORMAT;
	}
	if (too_wide(root)) {
		fo_diag_set(diag, "%s has an object with more than %d members",
		    what, FO_JSON_MAX_MEMBERS);
		json_decref(root);
		return FO_ERR_FORMAT;
	}

	*ret_root = root;
	return FO_OK;
}

void
fo_json_free(struct json_t **root)
{
	if (root == NULL)
		return;
	json_decref(*root);
	*root = NULL;
}

const struct json_t *
fo_json_member(const struct json_t *object, const char *name)
{
	return json_object_get(object, name);
}

bool
fo_json_is_object(const struct json_t *value)
{
	return json_is_object(value);
}

const char *
fo_json_string(const struct json_t *value)
{
	return json_string_value(value);
}

bool
fo_json_equals(const struct json_t *value, const char *text)
{
	const char *s = json_string_value(value);

	return s != NULL && strcmp(s, text) == 0;
}

bool
fo_json_is_empty_array(const struct json_t *value)
{
	return json_is_array(value) && json_array_size(value) == 0;
}

bool
fo_json_array_has(const struct json_t *value, const char *text)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		if (fo_json_equals(json_array_get(value, i), text))
			return true;

	return false;
}

bool
fo_json_real(const struct json_t *value, double *ret_real)
{
	if (!json_is_number(value))
		return false;

	*ret_real = json_number_value(value);
	return true;
}

/*
 * How many bytes the UTF-8 sequence at s takes (RFC 3629 4); 0 if it is none:
 * a lone continuation, an overlong form, a surrogate, beyond U+10FFFF, or cut
 * by the NUL.
 */
static size_t
utf8_sequence(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xC2 && s[0] <= 0xDF)
		n = 2;
	else if (s[0] >= 0xE0 && s[0] <= 0xEF)
		n = 3;
	else if (s[0] >= 0xF0 && s[0] <= 0xF4)
		n = 4;
	else
		return 0;

	if (s[0] == 0xE0)
		low = 0xA0;
	else if (s[0] == 0xED)
		high = 0x9F;
	else if (s[0] == 0xF0)
		low = 0x90;
	else if (s[0] == 0xF4)
		high = 0x8F;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (s[i] < 0x80 || s[i] > 0xBF)
			return 0;

	return n;
}

/* Only what RFC 8259 7 requires is escaped: proofs have to stay short. */
static void
add_char(struct fo_buf *buf, const unsigned char *s, size_t n)
{
	if (s[0] == '"' || s[0] == '\\') {
		fo_buf_add(buf, "\\", 1);
		fo_buf_add(buf, s, 1);
	} else if (s[0] < 0x20) {
		fo_buf_addf(buf, "\\u%04x", s[0]);
	} else {
		fo_buf_add(buf, s, n);
	}
}

fo_err
fo_json_add_string(struct fo_buf *buf, const char *text)
{
	const unsigned char *s;
	size_t n;

	for (s = (const unsigned char *)text; *s != '\0'; s += n)
		if ((n = utf8_sequence(s)) == 0)
			return FO_ERR_FORMAT;

	fo_buf_add(buf, "\"", 1);
	for (s = (const unsigned char *)text; *s != '\0'; s += n) {
		n = utf8_sequence(s);
		add_char(buf, s, n);
	}
	fo_buf_add(buf, "\"", 1);

	return FO_OK;
}
