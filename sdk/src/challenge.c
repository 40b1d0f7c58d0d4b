/*
 * The challenge: one prompt that carries the target and a nonce to a client.
 */
#include <firstops/challenge.h>

#include <sys/random.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64url.h"
#include "base/buf.h"
#include "base/wipe.h"

#define MARKER "[FirstOps DPoP"
#define HTU " htu="
#define NONCE " nonce="
#define CLOSING "] Password or proof:"

#define NONCE_BYTES 12
/* Far above any prompt that a service shows (sshd carries 60,000). */
#define MAX_PROMPT_BYTES 65536

_Static_assert(FO_B64URL_LEN(NONCE_BYTES) + 1 == FO_NONCE_SIZE,
    "a nonce fills its text");

fo_err
fo_nonce_new(char ret_nonce[FO_NONCE_SIZE])
{
	unsigned char bytes[NONCE_BYTES];
	size_t have = 0;
	ssize_t n;

	while (have < sizeof(bytes)) {
		n = getrandom(bytes + have, sizeof(bytes) - have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FO_ERR_IO;
		have += (size_t)n;
	}
	fo_b64url_encode(bytes, sizeof(bytes), ret_nonce);
	fo_wipe(bytes, sizeof(bytes));
	return FO_OK;
}

/*
 * How many bytes of a value stand at s: printable ASCII without the space
 * and the brackets that delimit the challenge.
 */
static size_t
value_len(const char *s)
{
	size_t n = 0;

	while (s[n] > ' ' && s[n] <= '~' && s[n] != '[' && s[n] != ']')
		n++;

	return n;
}

static bool
is_value(const char *s)
{
	return s != NULL && s[0] != '\0' && s[value_len(s)] == '\0';
}

fo_err
fo_challenge_format(const char *htu, const char *nonce, char **ret_prompt)
{
	struct fo_buf prompt;

	if (!is_value(htu) || !is_value(nonce))
		return FO_ERR_ARG;
	fo_buf_init(&prompt, MAX_PROMPT_BYTES);
	fo_buf_addf(&prompt, MARKER HTU "%s" NONCE "%s" CLOSING " ", htu,
	    nonce);

	return fo_buf_take(&prompt, ret_prompt);
}

static bool
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;

	return true;
}

/* Step over a fixed text. */
static bool
skip(const char **at, const char *text)
{
	const size_t n = strlen(text);

	if (strncmp(*at, text, n) != 0)
		return false;
	*at += n;
	return true;
}

/* Step over a value, of which the caller gets a copy. */
static fo_err
take_value(const char **at, char **ret_value)
{
	const size_t n = value_len(*at);
	char *value;

	if (n == 0)
		return FO_ERR_FORMAT;
	if ((value = strndup(*at, n)) == NULL)
		return FO_ERR_NOMEM;
	*at += n;
	*ret_value = value;
	return FO_OK;
}

/*
 * From the first marker to the end of the prompt, with nothing left over. All
 * of it is fixed but two values, and no value holds a '[': so this marker is
 * the only one.
 */
static fo_err
parse_marker(const char *at, struct fo_challenge *challenge)
{
	fo_err r;

	if (!skip(&at, MARKER) || !skip(&at, HTU))
		return FO_ERR_FORMAT;
	if ((r = take_value(&at, &challenge->htu)) != FO_OK)
		return r;
	if (!skip(&at, NONCE))
		return FO_ERR_FORMAT;
	if ((r = take_value(&at, &challenge->nonce)) != FO_OK)
		return r;
	if (!skip(&at, CLOSING))
		return FO_ERR_FORMAT;
	at += strspn(at, " ");

	return *at == '\0' ? FO_OK : FO_ERR_FORMAT;
}

fo_err
fo_challenge_parse(const char *prompt, struct fo_challenge **ret_challenge)
{
	struct fo_challenge *challenge;
	const char *marker;
	fo_err r;

	if (prompt == NULL)
		return FO_ERR_ARG;
	if ((marker = strstr(prompt, MARKER)) == NULL)
		return FO_ERR_NOT_FOUND;
	if (!is_printable(prompt) || strlen(prompt) > MAX_PROMPT_BYTES)
		return FO_ERR_FORMAT;

	if ((challenge = calloc(1, sizeof(*challenge))) == NULL)
		return FO_ERR_NOMEM;
	challenge->prefix_len = (size_t)(marker - prompt);
	if ((r = parse_marker(marker, challenge)) != FO_OK)
		goto out;

	*ret_challenge = challenge;
	challenge = NULL; /* now owned by the caller */
out:
	fo_challenge_free(&challenge);
	return r;
}

void
fo_challenge_free(struct fo_challenge **challenge)
{
	if (challenge == NULL || *challenge == NULL)
		return;
	fo_wipe_string(&(*challenge)->nonce);
	free((*challenge)->htu);
	free(*challenge);
	*challenge = NULL;
}
