/*
 * Policies weighed: the effect is the one that a plain reading of the rules
 * gives, in whatever order the policies come.
 */
#include "fuzz.h"

#include <string.h>

#include "host/policy.h"
#include "reference.h"

enum { SERVICE, ACCOUNT, HOST, SOURCE, TIME, FIRST, SECOND, FIELDS };

static void
check(const struct fo_policy *const *policies, size_t count,
    const struct fo_action *login)
{
	struct fo_verdict verdict;

	fo_policy_weigh(policies, count, login, &verdict);
	NEED(verdict.effect == reference_login(policies, count, login));
	NEED((verdict.rule == NULL) == (verdict.policy == NULL));
	NEED(verdict.rule != NULL || verdict.effect == FO_EFFECT_DENY);
}

void
fuzz_on_login(const uint8_t *data, size_t size)
{
	struct fo_policy *a = NULL, *b = NULL;
	struct fo_diag diag = { "" };
	struct fuzz_fields in;
	struct fo_action login;

	fuzz_fields_split(data, size, FIELDS, &in);
	login = (struct fo_action) {
		.service = fuzz_known(in.text[SERVICE]),
		.account = fuzz_known(in.text[ACCOUNT]),
		.host = fuzz_known(in.text[HOST]),
		.now = (int64_t)fuzz_number(in.text[TIME]) - 86400,
	};
	fo_source_parse(in.text[SOURCE], &login.source);
	if (fo_policy_parse("/f", "first", in.text[FIRST],
	    strlen(in.text[FIRST]), &diag, &a) == FO_OK)
		check((const struct fo_policy *const []) { a }, 1, &login);
	if (a != NULL && fo_policy_parse("/f", "second", in.text[SECOND],
	    strlen(in.text[SECOND]), &diag, &b) == FO_OK) {
		check((const struct fo_policy *const []) { a, b }, 2, &login);
		check((const struct fo_policy *const []) { b, a }, 2, &login);
	}
	fo_policy_free(&a);
	fo_policy_free(&b);
	fuzz_fields_clear(&in);
}
