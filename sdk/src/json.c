/*
 * JSON: a reader that asks for memory once, before it reads, and the writing
 * of strings.
 *
 * A reader that allocates as it goes has to notice each failure at the byte
 * where it happens, or it takes a text for another. Here every value and
 * every string has its place in one block from the start, since a text of n
 * bytes can hold no more than it has brackets and commas, and no string is
 * longer read than written.
 */
#include "json.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/wipe.h"

enum kind { CONSTANT, NUMBER, STRING, ARRAY, OBJECT };

struct fo_json {
	enum kind kind;
	const char *name;	/* as a member */
	const char *text;	/* of a string */
	double real;		/* of a number */
	struct fo_json *first;	/* of an array's or object's values */
	struct fo_json *next;	/* in the array or object that it is in */
	size_t size;		/* of the root: all bytes of it */
};

struct reader {
	const char *start, *at, *end;	/* the text, and how far it is read */
	struct fo_json *values;
	size_t used, count;		/* of them */
	char *to;			/* where the next string goes */
	const char *what;
	struct fo_diag *diag;
};

/* The reason never quotes the text, which may be of a live proof. */
static fo_err
refuse(struct reader *rd, const char *how)
{
	fo_diag_set(rd->diag, "%s %s, at byte %zu", rd->what, how,
	    (size_t)(rd->at - rd->start));
	return FO_ERR_FORMAT;
}

static size_t
left(const struct reader *rd)
{
	return (size_t)(rd->end - rd->at);
}

static bool
take(struct reader *rd, char c)
{
	if (rd->at == rd->end || *rd->at != c)
		return false;
	rd->at++;
	return true;
}

static void
skip_space(struct reader *rd)
{
	while (rd->at < rd->end && memchr(" \t\r\n", *rd->at, 4) != NULL)
		rd->at++;
}

/* ---- strings ------------------------------------------------------------ */

/*
 * How many of max bytes the UTF-8 sequence at s takes (RFC 3629 4); 0 if it is
 * none: a lone continuation, an overlong form, a surrogate, beyond U+10FFFF,
 * or cut by the end.
 */
static size_t
utf8_sequence(const unsigned char *s, size_t max)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t n = 0;

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
	if (n > max)
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

/* A code point as UTF-8 (RFC 3629 3): never longer than its escape. */
static void
put_utf8(struct reader *rd, uint32_t c)
{
	const unsigned char first[] = { 0, 0xC0, 0xE0, 0xF0 };
	const unsigned int more = c < 0x80 ? 0 : c < 0x800 ? 1 :
	    c < 0x10000 ? 2 : 3;

	*rd->to++ = (char)(first[more] | c >> 6 * more);
	for (unsigned int i = more; i > 0; i--)
		*rd->to++ = (char)(0x80 | (c >> 6 * (i - 1) & 0x3f));
}

/* "\u" and four digits; false if something else is there. */
static bool
take_unit(struct reader *rd, uint32_t *ret_unit)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t unit = 0;
	const char *digit;

	if (left(rd) < 6 || rd->at[0] != '\\' || rd->at[1] != 'u')
		return false;
	for (size_t i = 2; i < 6; i++) {
		const char c = rd->at[i];

		digit = memchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c, 16);
		if (digit == NULL)
			return false;
		unit = unit << 4 | (uint32_t)(digit - digits);
	}
	rd->at += 6;
	*ret_unit = unit;
	return true;
}

/* Surrogates count in pairs alone (RFC 8259 7). */
static fo_err
read_unicode(struct reader *rd)
{
	uint32_t c, low;

	if (!take_unit(rd, &c))
		return refuse(rd, "is not JSON");
	if (c == 0)
		return refuse(rd, "has a NUL in it");
	if (c >= 0xD800 && c <= 0xDFFF) {
		if (c > 0xDBFF || !take_unit(rd, &low) || low < 0xDC00 ||
		    low > 0xDFFF)
			return refuse(rd, "has half a surrogate pair");
		c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
	}
	put_utf8(rd, c);
	return FO_OK;
}

static fo_err
read_escape(struct reader *rd)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char means[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	if (left(rd) < 2)
		return refuse(rd, "is not JSON");
	if ((letter = memchr(letters, rd->at[1], strlen(letters))) == NULL)
		return read_unicode(rd);
	*rd->to++ = means[letter - letters];
	rd->at += 2;
	return FO_OK;
}

/* From after the opening quote to after the closing one. */
static fo_err
read_string(struct reader *rd, const char **ret_text)
{
	const char *const text = rd->to;
	fo_err r;
	size_t n;

	while (!take(rd, '"')) {
		if (left(rd) == 0 || (unsigned char)*rd->at < 0x20)
			return refuse(rd, "is not JSON");
		if (*rd->at == '\\') {
			if ((r = read_escape(rd)) != FO_OK)
				return r;
			continue;
		}
		n = utf8_sequence((const unsigned char *)rd->at, left(rd));
		if (n == 0)
			return refuse(rd, "is not UTF-8");
		memcpy(rd->to, rd->at, n);
		rd->to += n;
		rd->at += n;
	}
	*rd->to++ = '\0';
	*ret_text = text;
	return FO_OK;
}

/* ---- numbers ------------------------------------------------------------ */

static bool
skip_digits(struct reader *rd)
{
	const char *const before = rd->at;

	while (rd->at < rd->end && *rd->at >= '0' && *rd->at <= '9')
		rd->at++;
	return rd->at > before;
}

/* RFC 8259 6. */
static bool
skip_number(struct reader *rd)
{
	(void)take(rd, '-');
	if (!take(rd, '0') && !skip_digits(rd))
		return false;
	if (take(rd, '.') && !skip_digits(rd))
		return false;
	if (!take(rd, 'e') && !take(rd, 'E'))
		return true;
	if (!take(rd, '+'))
		(void)take(rd, '-');
	return skip_digits(rd);
}

/*
 * In the C locale: in the program's own, a comma may stand for the point. The
 * number is copied to where the next string goes, to end it with a NUL.
 */
static fo_err
read_number(struct reader *rd, double *ret_real)
{
	const char *const before = rd->at;
	locale_t c_locale;
	double real;
	size_t n;

	if (!skip_number(rd))
		return refuse(rd, "is not JSON");
	n = (size_t)(rd->at - before);
	memcpy(rd->to, before, n);
	rd->to[n] = '\0';
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c_locale == (locale_t)0)
		return FO_ERR_NOMEM;
	real = strtod_l(rd->to, NULL, c_locale);
	freelocale(c_locale);
	if (!isfinite(real))
		return refuse(rd, "has a number out of range");

	*ret_real = real;
	return FO_OK;
}

/* ---- values ------------------------------------------------------------- */

static fo_err read_value(struct reader *rd, int depth,
    struct fo_json **ret_value);

static fo_err
read_array(struct reader *rd, int depth, struct fo_json *array)
{
	struct fo_json **end = &array->first;
	fo_err r;

	array->kind = ARRAY;
	skip_space(rd);
	if (take(rd, ']'))
		return FO_OK;
	do {
		if ((r = read_value(rd, depth, end)) != FO_OK)
			return r;
		end = &(*end)->next;
		skip_space(rd);
	} while (take(rd, ','));

	return take(rd, ']') ? FO_OK : refuse(rd, "is not JSON");
}

/* A name that is new in its object, and the colon. */
static fo_err
read_name(struct reader *rd, const struct fo_json *object,
    const char **ret_name)
{
	fo_err r;

	skip_space(rd);
	if (!take(rd, '"'))
		return refuse(rd, "is not JSON");
	if ((r = read_string(rd, ret_name)) != FO_OK)
		return r;
	if (fo_json_member(object, *ret_name) != NULL)
		return refuse(rd, "has a member twice");
	skip_space(rd);
	return take(rd, ':') ? FO_OK : refuse(rd, "is not JSON");
}

static fo_err
read_object(struct reader *rd, int depth, struct fo_json *object)
{
	struct fo_json **end = &object->first;
	const char *name = NULL;
	int members = 0;
	fo_err r;

	object->kind = OBJECT;
	skip_space(rd);
	if (take(rd, '}'))
		return FO_OK;
	do {
		if (++members > FO_JSON_MAX_MEMBERS)
			return refuse(rd, "has an object with too many "
			    "members");
		if ((r = read_name(rd, object, &name)) != FO_OK ||
		    (r = read_value(rd, depth, end)) != FO_OK)
			return r;
		(*end)->name = name;
		end = &(*end)->next;
		skip_space(rd);
	} while (take(rd, ','));

	return take(rd, '}') ? FO_OK : refuse(rd, "is not JSON");
}

static fo_err
read_constant(struct reader *rd, struct fo_json *value)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t n;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		n = strlen(words[i]);
		if (left(rd) >= n && memcmp(rd->at, words[i], n) == 0) {
			rd->at += n;
			value->text = words[i];
			return FO_OK;
		}
	}
	return refuse(rd, "is not JSON");
}

/* A value that is inside depth others, linked in at once. */
static fo_err
read_value(struct reader *rd, int depth, struct fo_json **ret_value)
{
	struct fo_json *value;

	skip_space(rd);
	if (left(rd) == 0 || rd->used == rd->count)
		return refuse(rd, "is not JSON");
	value = &rd->values[rd->used++];
	*value = (struct fo_json){ .kind = CONSTANT };
	*ret_value = value;
	if ((*rd->at == '{' || *rd->at == '[') && depth == FO_JSON_MAX_DEPTH)
		return refuse(rd, "is nested too deep");
	if (take(rd, '{'))
		return read_object(rd, depth + 1, value);
	if (take(rd, '['))
		return read_array(rd, depth + 1, value);
	if (take(rd, '"')) {
		value->kind = STRING;
		return read_string(rd, &value->text);
	}
	if (*rd->at == '-' || (*rd->at >= '0' && *rd->at <= '9')) {
		value->kind = NUMBER;
		return read_number(rd, &value->real);
	}
	return read_constant(rd, value);
}

/* The whole text: one object, and white space around it. */
static fo_err
read_root(struct reader *rd)
{
	struct fo_json *root = NULL;
	fo_err r;

	if ((r = read_value(rd, 0, &root)) != FO_OK)
		return r;
	if (root->kind != OBJECT)
		return refuse(rd, "is not a JSON object");
	skip_space(rd);
	return left(rd) == 0 ? FO_OK : refuse(rd, "goes on after its end");
}

/* The first value needs nothing before it, each other one of these. */
static size_t
count_values(const char *text, size_t len)
{
	size_t count = 1;

	for (size_t i = 0; i < len; i++)
		count += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return count;
}

fo_err
fo_json_parse(const char *text, size_t len, const char *what,
    struct fo_diag *diag, struct fo_json **ret_root)
{
	struct reader rd = { .start = text, .at = text, .end = text + len,
		.what = what, .diag = diag };
	size_t size;
	fo_err r;

	if (len > FO_JSON_MAX_BYTES)
		return refuse(&rd, "is too long");
	if (memchr(text, '\0', len) != NULL)
		return refuse(&rd, "has a NUL in it");
	rd.count = count_values(text, len);
	size = rd.count * sizeof(*rd.values) + len + 1;
	if ((rd.values = malloc(size)) == NULL)
		return FO_ERR_NOMEM;
	rd.to = (char *)(rd.values + rd.count);
	r = read_root(&rd);
	rd.values->size = size;
	if (r != FO_OK) {
		fo_json_free(&rd.values);
		return r;
	}

	*ret_root = rd.values;
	return FO_OK;
}

void
fo_json_free(struct fo_json **root)
{
	if (root == NULL || *root == NULL)
		return;
	fo_wipe(*root, (*root)->size);
	free(*root);
	*root = NULL;
}

/* ---- looking ------------------------------------------------------------ */

const struct fo_json *
fo_json_member(const struct fo_json *object, const char *name)
{
	const struct fo_json *member = NULL;

	if (fo_json_is_object(object))
		member = object->first;
	while (member != NULL && strcmp(member->name, name) != 0)
		member = member->next;
	return member;
}

bool
fo_json_is_object(const struct fo_json *value)
{
	return value != NULL && value->kind == OBJECT;
}

const char *
fo_json_string(const struct fo_json *value)
{
	return value != NULL && value->kind == STRING ? value->text : NULL;
}

bool
fo_json_equals(const struct fo_json *value, const char *text)
{
	const char *s = fo_json_string(value);

	return s != NULL && strcmp(s, text) == 0;
}

static bool
is_array(const struct fo_json *value)
{
	return value != NULL && value->kind == ARRAY;
}

bool
fo_json_is_empty_array(const struct fo_json *value)
{
	return is_array(value) && value->first == NULL;
}

bool
fo_json_array_has(const struct fo_json *value, const char *text)
{
	const struct fo_json *one = is_array(value) ? value->first : NULL;

	while (one != NULL && !fo_json_equals(one, text))
		one = one->next;
	return one != NULL;
}

const struct fo_json *
fo_json_item(const struct fo_json *array, size_t i)
{
	const struct fo_json *one = is_array(array) ? array->first : NULL;

	while (one != NULL && i-- > 0)
		one = one->next;
	return one;
}

const char *
fo_json_stranger(const struct fo_json *object, const char *const *names)
{
	const struct fo_json *member = NULL;
	size_t i;

	if (fo_json_is_object(object))
		member = object->first;
	for (; member != NULL; member = member->next) {
		for (i = 0; names[i] != NULL; i++) {
			if (strcmp(member->name, names[i]) == 0)
				break;
		}
		if (names[i] == NULL)
			return member->name;
	}

	return NULL;
}

bool
fo_json_flag(const struct fo_json *value, bool *ret_flag)
{
	/* the third constant is null */
	if (value == NULL || value->kind != CONSTANT || value->text[0] == 'n')
		return false;

	*ret_flag = value->text[0] == 't';
	return true;
}

bool
fo_json_real(const struct fo_json *value, double *ret_real)
{
	if (value == NULL || value->kind != NUMBER)
		return false;

	*ret_real = value->real;
	return true;
}

/* ---- writing ------------------------------------------------------------ */

/* Only what RFC 8259 7 requires is escaped: proofs have to stay short. */
static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* How many bytes from here on are plain; the NUL at the end is not. */
static size_t
plain_len(const unsigned char *s)
{
	size_t n = 0;

	while (is_plain(s[n]))
		n++;
	return n;
}

static void
add_escaped(struct fo_buf *buf, unsigned char c)
{
	if (c == '"' || c == '\\')
		fo_buf_addf(buf, "\\%c", c);
	else
		fo_buf_addf(buf, "\\u%04x", c);
}

fo_err
fo_json_add_string(struct fo_buf *buf, const char *text)
{
	const unsigned char *const start = (const unsigned char *)text;
	const unsigned char *const end = start + strlen(text), *s;
	size_t n;

	for (s = start; s < end; s += n)
		if ((n = utf8_sequence(s, (size_t)(end - s))) == 0)
			return FO_ERR_FORMAT;

	fo_buf_add(buf, "\"", 1);
	for (s = start; *s != '\0'; s += n) {
		n = plain_len(s);
		fo_buf_add(buf, s, n);
		if (s[n] != '\0')
			add_escaped(buf, s[n++]);
	}
	fo_buf_add(buf, "\"", 1);

	return FO_OK;
}
