/*
 * Targets: a match is the same seen from both sides, everything matches
 * itself, and parts come back from a target as they went in.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <firstops/target.h>

static bool
is_same(const struct fo_target *a, const char *host, const char *service,
    const char *user)
{
	return strcmp(a->host, host) == 0 &&
	    strcmp(a->service, service) == 0 && strcmp(a->user, user) == 0;
}

/* A text that is a pam: target: written anew it has the same parts. */
static void
check_parts(const char *htu)
{
	struct fo_target *target = NULL, *again = NULL;
	char *text = NULL;

	if (fo_target_parse(htu, &target) != FO_OK) {
		NEED(target == NULL);
		return;
	}
	/* three times as long at most, and so perhaps longer than any proof */
	if (strlen(htu) < 1024 && fuzz_worked(fo_target_format(target->host,
	    target->service, target->user, &text)) &&
	    fuzz_worked(fo_target_parse(text, &again))) {
		NEED(is_same(again, target->host, target->service,
		    target->user));
		NEED(fuzz_worked(fo_target_match(htu, text)) ||
		    fuzz_faulted());
	}
	free(text);
	fo_target_free(&again);
	fo_target_free(&target);
}

/* Any texts, as a host, a service and a user. */
static void
check_format(const char *host, const char *service, const char *user)
{
	struct fo_target *target = NULL;
	char *text = NULL;

	if (fo_target_format(host, service, user, &text) == FO_OK &&
	    fuzz_worked(fo_target_parse(text, &target)))
		NEED(is_same(target, host, service, user));
	fo_target_free(&target);
	free(text);
}

void
fuzz_on_target(const uint8_t *data, size_t size)
{
	struct fuzz_fields in;
	const char *a, *b;
	fo_err ab, ba, bb;

	fuzz_fields_split(data, size, 3, &in);
	a = in.text[0];
	b = in.text[1];
	ab = fo_target_match(a, b);
	ba = fo_target_match(b, a);
	bb = fo_target_match(b, b);
	if (!fuzz_faulted()) {
		NEED((ab == FO_OK) == (ba == FO_OK));
		/* a target that can be wanted is one */
		NEED(bb == (ab == FO_ERR_ARG ? FO_ERR_ARG : FO_OK));
		NEED(strcmp(a, b) != 0 || ab == FO_OK || ab == FO_ERR_ARG);
	}
	check_parts(a);
	check_parts(b);
	check_format(a, b, in.text[2]);
	fuzz_fields_clear(&in);
}
