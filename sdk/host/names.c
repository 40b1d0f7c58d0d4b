/*
 * The grammar of names in the store: what may be a file name, and so what
 * may be opened.
 */
#include "names.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <firstops/jwk.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

#define AGENT_PREFIX "fo_agent_"
#define USER_PREFIX "fo_user_"

/* Longest name that a suggestion is looked for. */
#define NEAREST_MAX 48

/* Is text 1 to max bytes long, and all of them in set? */
static bool
all_of(const char *text, size_t max, const char *set)
{
	const size_t n = strnlen(text, max + 1);

	return n >= 1 && n <= max && strspn(text, set) == n;
}

/* 1 to max bytes of 0x21 to 0x7E. */
static bool
graphic(const char *text, size_t max)
{
	size_t n;

	for (n = 0; text[n] != '\0'; n++) {
		const unsigned char c = (unsigned char)text[n];

		if (n == max || c < 0x21 || c > 0x7e)
			return false;
	}
	return n >= 1;
}

bool
fo_name_ok(const char *name)
{
	return strchr(LOWER DIGIT, name[0]) != NULL &&
	    all_of(name, FO_NAME_MAX, LOWER DIGIT "._-");
}

/* 8-4-4-4-12 hexadecimal digits in lower case, and nothing after them. */
static bool
uuid_ok(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i;

	for (i = 0; shape[i] != '\0'; i++) {
		if (text[i] == '\0')
			return false;
		if (shape[i] == '-' && text[i] != '-')
			return false;
		if (shape[i] == 'x' && strchr(DIGIT "abcdef", text[i]) == NULL)
			return false;
	}
	return text[i] == '\0';
}

bool
fo_id_is_agent(const char *id)
{
	return strncmp(id, AGENT_PREFIX, strlen(AGENT_PREFIX)) == 0 &&
	    uuid_ok(id + strlen(AGENT_PREFIX));
}

bool
fo_id_ok(const char *id)
{
	return fo_id_is_agent(id) ||
	    (strncmp(id, USER_PREFIX, strlen(USER_PREFIX)) == 0 &&
	    uuid_ok(id + strlen(USER_PREFIX)));
}

/*
 * 32 bytes are 42 characters and a last one whose two low bits are zero
 * (RFC 4648 3.5): any other would be a second name for the same thumbprint.
 */
bool
fo_jkt_ok(const char *jkt)
{
	return all_of(jkt, FO_JKT_SIZE - 1, UPPER LOWER DIGIT "_-") &&
	    strlen(jkt) == FO_JKT_SIZE - 1 &&
	    strchr("AEIMQUYcgkosw048", jkt[FO_JKT_SIZE - 2]) != NULL;
}

bool
fo_account_ok(const char *account)
{
	return graphic(account, FO_ACCOUNT_MAX);
}

bool
fo_service_ok(const char *service)
{
	return all_of(service, FO_SERVICE_MAX, UPPER LOWER DIGIT "_.-") &&
	    strcmp(service, ".") != 0 && strcmp(service, "..") != 0;
}

/* localhost and its kin mean another machine to everybody who says them. */
static bool
means_localhost(const char *host)
{
	static const char name[] = "localhost";
	const char *last = strrchr(host, '.');

	if (last != NULL && strcasecmp(last + 1, name) == 0)
		return true;
	if (strncasecmp(host, name, strlen(name)) != 0)
		return false;
	host += strlen(name);
	if (host[0] == '4' || host[0] == '6') /* localhost6.localdomain6 */
		host++;

	return host[0] == '\0' || host[0] == '.';
}

/*
 * Addresses in every form that some client takes: 10.0.0.1, 10.1, 0x7f000001.
 * No name of the DNS has a last label that is a number. A colon, as IPv6 has
 * it, no host has.
 */
static bool
looks_like_address(const char *host)
{
	const char *last = strrchr(host, '.');

	last = last == NULL ? host : last + 1;
	if (strncasecmp(last, "0x", 2) == 0)
		return last[2 + strspn(last + 2, DIGIT "abcdefABCDEF")] ==
		    '\0';

	return last[strspn(last, DIGIT)] == '\0';
}

bool
fo_host_ok(const char *host)
{
	if (!all_of(host, FO_HOST_MAX, UPPER LOWER DIGIT "._-"))
		return false;
	if (host[0] == '.' || host[0] == '-')
		return false;

	return !means_localhost(host) && !looks_like_address(host);
}

bool
fo_pattern_ok(const char *pattern)
{
	return graphic(pattern, FO_PATTERN_MAX);
}

size_t
fo_char_len(const unsigned char *p, size_t left)
{
	const unsigned char c = p[0];
	const size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 :
	    c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	size_t i;

	if (n == 0 || n > left)
		return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ||
	    (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
		return 0;

	return n;
}

bool
fo_char_hidden(const unsigned char *p, size_t n)
{
	if (n == 1)
		return (p[0] < 0x20 && p[0] != '\t' && p[0] != '\n') ||
		    p[0] == 0x7f;
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (n == 3)
		return (p[0] == 0xe2 && p[1] == 0x80 &&
		    (p[2] == 0xa8 || p[2] == 0xa9)) ||
		    (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf);
	return false;
}

bool
fo_prose_ok(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text), n;

	for (; left > 0; p += n, left -= n) {
		if ((n = fo_char_len(p, left)) == 0 || p[0] < 0x20 ||
		    fo_char_hidden(p, n))
			return false;
	}
	return true;
}

static size_t
lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many letters must be changed, added, dropped or swapped with their
 * neighbour to make b of a (optimal string alignment). Both are at most
 * NEAREST_MAX long.
 */
static size_t
distance(const char *a, const char *b)
{
	size_t row[3][NEAREST_MAX + 1] = { { 0 } };
	size_t *before = row[0], *prev = row[1], *cur = row[2], *spare;
	const size_t n = strlen(a), m = strlen(b);
	size_t i, j;

	for (j = 0; j <= m; j++)
		prev[j] = j;
	for (i = 1; i <= n; i++) {
		cur[0] = i;
		for (j = 1; j <= m; j++) {
			cur[j] = lesser(lesser(prev[j], cur[j - 1]) + 1,
			    prev[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cur[j] = lesser(cur[j], before[j - 2] + 1);
		}
		spare = before;
		before = prev;
		prev = cur;
		cur = spare;
	}
	return prev[m];
}

const char *
fo_name_nearest(const char *name, const char *const *candidates)
{
	const size_t n = strlen(name);
	const char *nearest = NULL;
	size_t best = n / 3 + 1, d;

	if (n > NEAREST_MAX)
		return NULL;
	for (; *candidates != NULL; candidates++) {
		if (strlen(*candidates) > NEAREST_MAX)
			continue;
		d = distance(name, *candidates);
		if (d < best) {
			nearest = *candidates;
			best = d;
		}
	}
	return nearest;
}
