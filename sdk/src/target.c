/*
 * What a proof is for: pam: targets built and taken apart, http and https
 * targets normalised, any two compared.
 */
#include <firstops/target.h>

#include <arpa/inet.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define PAM "pam://"
#define HTTP "http://"
#define HTTPS "https://"

/* A longer target fits into no proof (FO_PROOF_MAX_BYTES). */
#define MAX_BYTES 4096
#define MAX_PORT 65535

/* ---- characters (RFC 3986 2) ------------------------------------------ */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The set of characters in a string, without its NUL. */
static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool
is_unreserved(char c)
{
	return is_alpha(c) || is_digit(c) || is_one_of(c, "-._~");
}

/* What a registered name holds beside escapes (RFC 3986 3.2.2). */
static bool
is_name_char(char c)
{
	return is_unreserved(c) || is_one_of(c, "!$&'()*+,;=");
}

/* What a path segment holds beside escapes: pchar (RFC 3986 3.3). */
static bool
is_segment_char(char c)
{
	return is_name_char(c) || c == ':' || c == '@';
}

static bool
is_path_char(char c)
{
	return is_segment_char(c) || c == '/';
}

/* Query and fragment (RFC 3986 3.4, 3.5). */
static bool
is_query_char(char c)
{
	return is_path_char(c) || c == '?';
}

static char
to_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');

	return c;
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = to_lower(c);

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * The byte of the escape that stands at text, or -1. It never reaches beyond
 * its part: what ends one, a delimiter or NUL, is no hexadecimal digit.
 */
static int
escaped_byte(const char *text)
{
	const int high = hex_value(text[1]);
	const int low = high < 0 ? -1 : hex_value(text[2]);

	return low < 0 ? -1 : high << 4 | low;
}

static void
add_escape(struct fo_buf *to, unsigned char byte)
{
	static const char digits[17] = "0123456789ABCDEF";
	const char escape[3] = { '%', digits[byte >> 4], digits[byte & 15] };

	fo_buf_add(to, escape, sizeof(escape));
}

/* ---- pam --------------------------------------------------------------- */

/* Neither absent nor a step within a path. */
static bool
is_part(const char *part)
{
	return part != NULL && part[0] != '\0' && strcmp(part, ".") != 0 &&
	    strcmp(part, "..") != 0;
}

static void
add_encoded(struct fo_buf *to, const char *part)
{
	for (; *part != '\0'; part++) {
		if (is_unreserved(*part))
			fo_buf_add(to, part, 1);
		else
			add_escape(to, (unsigned char)*part);
	}
}

fo_err
fo_target_format(const char *host, const char *service, const char *user,
    char **ret_htu)
{
	struct fo_buf htu;

	if (!is_part(host) || !is_part(service) || !is_part(user))
		return FO_ERR_ARG;
	fo_buf_init(&htu, MAX_BYTES);
	fo_buf_adds(&htu, PAM);
	add_encoded(&htu, host);
	fo_buf_adds(&htu, "/");
	add_encoded(&htu, service);
	fo_buf_adds(&htu, "/");
	add_encoded(&htu, user);

	return fo_buf_take(&htu, ret_htu);
}

/*
 * Decode one part. A NUL would end the text early for whoever compares it
 * after us, so %00 is no byte of a part.
 */
static fo_err
decode_part(const char *text, size_t len, bool (*is_legal)(char),
    char **ret_part)
{
	struct fo_buf part;
	fo_err r = FO_ERR_FORMAT;
	char *decoded = NULL, c;
	int byte;

	fo_buf_init(&part, MAX_BYTES);
	for (size_t i = 0; i < len; i++) {
		c = text[i];
		if (c == '%') {
			byte = escaped_byte(text + i);
			if (byte <= 0)
				goto out;
			c = (char)byte;
			i += 2;
		} else if (!is_legal(c)) {
			goto out;
		}
		fo_buf_add(&part, &c, 1);
	}
	if ((r = fo_buf_take(&part, &decoded)) != FO_OK)
		goto out;
	r = FO_ERR_FORMAT;
	if (!is_part(decoded))
		goto out;

	*ret_part = decoded;
	decoded = NULL; /* now owned by the caller */
	r = FO_OK;
out:
	free(decoded);
	fo_buf_clear(&part);
	return r;
}

/* What follows a part's slash; without one nothing does, which is no part. */
static const char *
next_part(const char *part)
{
	part += strcspn(part, "/");

	return *part == '/' ? part + 1 : part;
}

fo_err
fo_target_parse(const char *htu, struct fo_target **ret_target)
{
	struct fo_target *target = NULL;
	const char *host, *service, *user;
	fo_err r;

	if (htu == NULL)
		return FO_ERR_ARG;
	if (strncmp(htu, PAM, strlen(PAM)) != 0 || strlen(htu) > MAX_BYTES)
		return FO_ERR_FORMAT;
	host = htu + strlen(PAM);
	service = next_part(host);
	user = next_part(service);
	/* a slash in user makes it four parts: it is no segment character */

	if ((target = calloc(1, sizeof(*target))) == NULL)
		return FO_ERR_NOMEM;
	if ((r = decode_part(host, strcspn(host, "/"), is_name_char,
	    &target->host)) != FO_OK)
		goto out;
	if ((r = decode_part(service, strcspn(service, "/"), is_segment_char,
	    &target->service)) != FO_OK)
		goto out;
	if ((r = decode_part(user, strlen(user), is_segment_char,
	    &target->user)) != FO_OK)
		goto out;

	*ret_target = target;
	target = NULL; /* now owned by the caller */
out:
	fo_target_free(&target);
	return r;
}

void
fo_target_free(struct fo_target **target)
{
	if (target == NULL || *target == NULL)
		return;
	free((*target)->host);
	free((*target)->service);
	free((*target)->user);
	free(*target);
	*target = NULL;
}

/* ---- http and https ---------------------------------------------------- */

/*
 * Copy len bytes with their escapes normalised: unreserved characters are
 * decoded (RFC 3986 6.2.2.2), other escapes get capital digits (6.2.2.1).
 * lower: letters become small ones, escapes stay as they are (6.2.2.1).
 */
static bool
add_normal(struct fo_buf *to, const char *text, size_t len,
    bool (*is_legal)(char), bool lower)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			const int byte = escaped_byte(text + i);

			if (byte < 0)
				return false;
			i += 2;
			c = (char)byte;
			if (!is_unreserved(c)) {
				add_escape(to, (unsigned char)byte);
				continue;
			}
		} else if (!is_legal(c)) {
			return false;
		}
		if (lower)
			c = to_lower(c);
		fo_buf_add(to, &c, 1);
	}
	return true;
}

/*
 * IPvFuture (RFC 3986 3.2.2): "v" 1*HEXDIG "." 1*(name character / ":"). At
 * end stands the bracket, which is none of them.
 */
static bool
is_ip_future(const char *p, const char *end)
{
	if (to_lower(*p++) != 'v' || hex_value(*p) < 0)
		return false;
	while (hex_value(*p) >= 0)
		p++;
	if (*p++ != '.' || p == end)
		return false;
	while (is_name_char(*p) || *p == ':')
		p++;

	return p == end;
}

/* What stands between the brackets of an IP literal. */
static bool
is_ip_literal(const char *text, size_t len)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;
	int n;

	if (is_ip_future(text, text + len))
		return true;
	n = snprintf(address, sizeof(address), "%.*s", (int)len, text);
	if (n < 0 || (size_t)n >= sizeof(address))
		return false;

	return inet_pton(AF_INET6, address, &parsed) == 1;
}

/* Append a host in small letters; an http URI has one (RFC 9110 4.2.1). */
static bool
add_host(struct fo_buf *to, const char *host, size_t len)
{
	if (len == 0)
		return false;
	if (host[0] != '[')
		return add_normal(to, host, len, is_name_char, true);

	if (host[len - 1] != ']' || !is_ip_literal(host + 1, len - 2))
		return false;
	for (size_t i = 0; i < len; i++) {
		const char c = to_lower(host[i]);

		fo_buf_add(to, &c, 1);
	}
	return true;
}

/* Append ":port", unless it is empty or the default (RFC 3986 6.2.3). */
static bool
add_port(struct fo_buf *to, const char *port, size_t len,
    const char *default_port)
{
	unsigned int number = 0;

	for (size_t i = 0; i < len; i++) {
		if (!is_digit(port[i]))
			return false;
		number = number * 10 + (unsigned int)(port[i] - '0');
		if (number > MAX_PORT)
			return false;
	}
	if (len == 0 || (len == strlen(default_port) &&
	    memcmp(port, default_port, len) == 0))
		return true;

	fo_buf_adds(to, ":");
	fo_buf_add(to, port, len);
	return true;
}

/* What an authority ends before. */
#define AFTER_IT "/?#"

/*
 * Append an authority: host and port. Userinfo is refused because '@' is no
 * character of either.
 */
static bool
add_authority(struct fo_buf *to, const char *text, size_t len,
    const char *default_port)
{
	size_t host_len = text[0] == '[' ? strcspn(text, "]" AFTER_IT) : 0;

	host_len += strcspn(text + host_len, ":" AFTER_IT);
	if (!add_host(to, text, host_len))
		return false;
	if (host_len == len)
		return true;

	return add_port(to, text + host_len + 1, len - host_len - 1,
	    default_port);
}

/* Append a path without its dot segments (RFC 3986 5.2.4). */
static void
add_without_dots(struct fo_buf *to, const char *path)
{
	const size_t root = to->len;
	const char *segment, *end;

	for (segment = path; *segment == '/'; segment = end) {
		end = strchrnul(segment + 1, '/');
		const size_t len = (size_t)(end - segment);
		const bool dot = len == 2 && segment[1] == '.';
		const bool dots = len == 3 && segment[1] == '.' &&
		    segment[2] == '.';

		if (dots && to->err == FO_OK) {
			/* take the last segment and its slash back */
			while (to->len > root && to->data[to->len - 1] != '/')
				to->len--;
			if (to->len > root)
				to->len--;
		}
		if (!dot && !dots)
			fo_buf_add(to, segment, len);
		else if (*end == '\0')
			fo_buf_adds(to, "/");
	}
}

/* Append a path; an empty one is "/" (RFC 3986 6.2.3). */
static bool
add_path(struct fo_buf *to, const char *path, size_t len)
{
	struct fo_buf normal;
	bool legal;

	if (len == 0) {
		fo_buf_adds(to, "/");
		return true;
	}
	fo_buf_init(&normal, MAX_BYTES);
	legal = add_normal(&normal, path, len, is_path_char, false);
	if (normal.err != FO_OK)
		to->err = normal.err;
	else if (legal)
		add_without_dots(to, normal.data);
	fo_buf_clear(&normal);
	return legal;
}

/* Query and fragment do not count, but must be what a URI has there. */
static bool
is_tail(const char *text)
{
	bool fragment = false;

	for (; *text != '\0'; text++) {
		if (*text == '#' && !fragment)
			fragment = true;
		else if (*text == '%' ? escaped_byte(text) < 0 :
		    !is_query_char(*text))
			return false;
	}
	return true;
}

/*
 * An http or https URI (RFC 9110 4.2) as RFC 3986 6.2.2 and 6.2.3 normalise
 * it, without query and fragment. FO_ERR_FORMAT: it is not one.
 */
static fo_err
normalise(const char *uri, char **ret_normal)
{
	const bool secure = strncasecmp(uri, HTTPS, strlen(HTTPS)) == 0;
	const char *scheme = secure ? HTTPS : HTTP;
	const char *authority, *path, *tail;
	struct fo_buf normal;
	fo_err r = FO_ERR_FORMAT;

	if (strncasecmp(uri, scheme, strlen(scheme)) != 0)
		return FO_ERR_FORMAT;
	authority = uri + strlen(scheme);
	path = authority + strcspn(authority, AFTER_IT);
	tail = path + strcspn(path, "?#");

	fo_buf_init(&normal, MAX_BYTES);
	fo_buf_adds(&normal, scheme);
	if (add_authority(&normal, authority, (size_t)(path - authority),
	    secure ? "443" : "80") &&
	    add_path(&normal, path, (size_t)(tail - path)) && is_tail(tail))
		r = fo_buf_take(&normal, ret_normal);
	fo_buf_clear(&normal);
	return r;
}

/* ---- compared ---------------------------------------------------------- */

/*
 * What a failure to read one of the two means: a proof's htu that is no URI
 * is the wrong one, a wanted target that is none is the caller's mistake.
 */
static fo_err
unless_no_memory(fo_err r, fo_err otherwise)
{
	return r == FO_ERR_NOMEM ? r : otherwise;
}

static fo_err
match_http(const char *htu, const char *want)
{
	char *a = NULL, *b = NULL;
	fo_err r;

	if ((r = normalise(want, &b)) != FO_OK) {
		r = unless_no_memory(r, FO_ERR_ARG);
		goto out;
	}
	if ((r = normalise(htu, &a)) != FO_OK) {
		r = unless_no_memory(r, FO_ERR_WRONG_HTU);
		goto out;
	}
	r = strcmp(a, b) == 0 ? FO_OK : FO_ERR_WRONG_HTU;
out:
	free(a);
	free(b);
	return r;
}

static fo_err
match_pam(const char *htu, const char *want)
{
	struct fo_target *a = NULL, *b = NULL;
	fo_err r;

	if ((r = fo_target_parse(want, &b)) != FO_OK) {
		r = unless_no_memory(r, FO_ERR_ARG);
		goto out;
	}
	if ((r = fo_target_parse(htu, &a)) != FO_OK) {
		r = unless_no_memory(r, FO_ERR_WRONG_HTU);
		goto out;
	}
	r = FO_ERR_WRONG_HTU;
	if (strcmp(a->host, b->host) == 0 &&
	    strcmp(a->service, b->service) == 0 &&
	    strcmp(a->user, b->user) == 0)
		r = FO_OK;
out:
	fo_target_free(&a);
	fo_target_free(&b);
	return r;
}

/* Does it begin with a scheme and a colon (RFC 3986 3.1)? */
static bool
has_scheme(const char *uri)
{
	if (!is_alpha(*uri))
		return false;
	while (is_alpha(*uri) || is_digit(*uri) || is_one_of(*uri, "+-."))
		uri++;

	return *uri == ':';
}

static bool
has_scheme_of(const char *uri, const char *scheme_colon)
{
	return strncasecmp(uri, scheme_colon, strlen(scheme_colon)) == 0;
}

fo_err
fo_target_normalise(const char *htu, char **ret_normal)
{
	return htu == NULL ? FO_ERR_ARG : normalise(htu, ret_normal);
}

fo_err
fo_target_match(const char *htu, const char *want)
{
	if (htu == NULL || want == NULL || !has_scheme(want))
		return FO_ERR_ARG;
	if (has_scheme_of(want, "http:") || has_scheme_of(want, "https:"))
		return match_http(htu, want);
	if (strncmp(want, "pam:", 4) == 0)
		return match_pam(htu, want);

	return strcmp(htu, want) == 0 ? FO_OK : FO_ERR_WRONG_HTU;
}
