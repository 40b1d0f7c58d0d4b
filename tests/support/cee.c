/*
 * A strict look at an event.
 */
#include "cee.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static const struct {
	const char *key;
	bool number;
} keys[] = {
	{ "msg", false }, { "v", true }, { "t", false }, { "host", false },
	{ "ev", false }, { "res", false }, { "why", false }, { "rc", true },
	{ "id", false }, { "kind", false }, { "name", false },
	{ "owner", false }, { "jkt", false }, { "proof", false },
	{ "sid", false }, { "user", false }, { "ruser", false },
	{ "svc", false }, { "act", false }, { "what", false },
	{ "by", false }, { "src", false }, { "tty", false },
	{ "pid", true }, { "auid", true }, { "ses", true }, { "pol", false },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

_Static_assert(KEYS == 27, "an event has 27 keys");

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/*
 * Step over the units of a string, which has at least one. A cut ends it;
 * msg is made of values, and so may hold cut ones.
 */
static const char *
skip_string(const char *p, bool is_msg, const char *text)
{
	const char *start = p;

	while (*p != '"') {
		cr_assert(*p >= 0x20 && *p <= 0x7e && *p != '\\', "byte %d: "
		    "%s", (int)*p, text);
		if (*p != '%') {
			p++;
		} else if (p[1] == '~') {
			cr_assert(is_msg || p[2] == '"', "%s", text);
			p += 2;
		} else {
			cr_assert(is_hex(p[1]) && is_hex(p[2]), "%s", text);
			p += 3;
		}
	}
	cr_assert_neq(p, start, "an empty value: %s", text);
	return p;
}

static const char *
skip_number(const char *p, const char *text)
{
	if (*p == '-')
		p++;
	cr_assert(*p >= '0' && *p <= '9', "%s", text);
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* Walk over the event; *ret and *ret_len are the value of want. */
static void
walk(const char *text, const char *want, const char **ret, size_t *ret_len)
{
	const char *p = text, *value;
	char head[32];

	cr_assert_leq(strlen(text), 1000, "%zu bytes: %s", strlen(text), text);
	for (size_t i = 0; i < KEYS; i++) {
		(void)snprintf(head, sizeof(head), "%s\"%s\":%s",
		    i == 0 ? "@cee:{" : ",", keys[i].key,
		    keys[i].number ? "" : "\"");
		cr_assert_eq(strncmp(p, head, strlen(head)), 0,
		    "%s is missing: %s", keys[i].key, text);
		p += strlen(head);
		value = p;
		p = keys[i].number ? skip_number(p, text) :
		    skip_string(p, i == 0, text);
		if (want != NULL && strcmp(keys[i].key, want) == 0) {
			*ret = value;
			*ret_len = (size_t)(p - value);
		}
		if (!keys[i].number)
			p++;
	}
	cr_assert_str_eq(p, "}", "%s", text);
}

void
cee_check(const char *text)
{
	walk(text, NULL, NULL, NULL);
}

const char *
cee_get(const char *text, const char *key)
{
	static char value[1001];
	const char *start = NULL;
	size_t len = 0;

	walk(text, key, &start, &len);
	cr_assert_not_null(start, "no such key: %s", key);
	memcpy(value, start, len);
	value[len] = '\0';
	return value;
}
