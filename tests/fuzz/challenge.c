/*
 * Challenges: what is found in a prompt is written and found again, and is
 * all of the prompt but what stands before it.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <firstops/challenge.h>

/* A nonce of ours, in a challenge of ours, is found by those who answer. */
static void
check_own(const char *htu)
{
	struct fo_challenge *found = NULL;
	char nonce[FO_NONCE_SIZE], *text = NULL;

	if (fuzz_worked(fo_nonce_new(nonce)) &&
	    fo_challenge_format(htu, nonce, &text) == FO_OK &&
	    fuzz_worked(fo_challenge_parse(text, &found))) {
		NEED(strcmp(found->htu, htu) == 0);
		NEED(strcmp(found->nonce, nonce) == 0);
	}
	fo_challenge_free(&found);
	free(text);
}

static void
check(const char *prompt, const struct fo_challenge *challenge)
{
	const char *rest = prompt + challenge->prefix_len;
	struct fo_challenge *again = NULL;
	char *text = NULL;

	NEED(strstr(prompt, "[FirstOps DPoP") == rest);
	NEED(strstr(rest + 1, "[FirstOps DPoP") == NULL);
	if (fuzz_worked(fo_challenge_format(challenge->htu, challenge->nonce,
	    &text)) && fuzz_worked(fo_challenge_parse(text, &again))) {
		/* what is written ends with one space */
		NEED(strncmp(rest, text, strlen(text) - 1) == 0);
		NEED(again->prefix_len == 0);
		NEED(strcmp(again->htu, challenge->htu) == 0);
		NEED(strcmp(again->nonce, challenge->nonce) == 0);
	}
	fo_challenge_free(&again);
	free(text);
}

void
fuzz_on_challenge(const uint8_t *data, size_t size)
{
	struct fo_challenge *challenge = NULL;
	struct fuzz_fields in;

	fuzz_fields_split(data, size, 1, &in);
	if (fo_challenge_parse(in.text[0], &challenge) == FO_OK)
		check(in.text[0], challenge);
	else
		NEED(challenge == NULL);
	fo_challenge_free(&challenge);
	check_own(in.text[0]);
	fuzz_fields_clear(&in);
}
