/*
 * Every case of the conformance suite has the verdict that it states, for one
 * of the reasons that it allows.
 */
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include <firstops/proof.h>

/* Fewer would mean that the file is not the one that was made. */
#define CASES_MIN 400
#define ACCEPTS_MIN 120

static json_t *
load(void)
{
	json_error_t error;
	json_t *list = json_load_file(TEST_VECTORS "/conformance.json",
	    JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(list, "%s, line %d", error.text, error.line);
	cr_assert_geq(json_array_size(list), CASES_MIN);
	return list;
}

/* NULL for null. */
static const char *
text(const json_t *test, const char *name)
{
	const json_t *value = json_object_get(test, name);

	cr_assert_not_null(value, "no %s", name);
	cr_assert(json_is_null(value) || json_is_string(value), "%s", name);
	return json_string_value(value);
}

static int64_t
number(const json_t *test, const char *name)
{
	const json_t *value = json_object_get(test, name);

	cr_assert(json_is_integer(value), "%s", name);
	return (int64_t)json_integer_value(value);
}

static bool
must_accept(const json_t *test)
{
	const char *expect = text(test, "expect");

	cr_assert(strcmp(expect, "accept") == 0 ||
	    strcmp(expect, "reject") == 0, "%s", expect);
	return strcmp(expect, "accept") == 0;
}

static fo_nonce_rule
nonce_rule(const json_t *test)
{
	static const struct {
		const char *word;
		fo_nonce_rule rule;
	} rules[] = {
		{ "always", FO_NONCE_ALWAYS },
		{ "auto", FO_NONCE_AUTO },
		{ "ignore", FO_NONCE_IGNORE },
	};
	const char *word = text(test, "nonce_rule");

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].word, word) == 0)
			return rules[i].rule;

	cr_assert_fail("no nonce rule %s", word);
	return FO_NONCE_ALWAYS;
}

static bool
is_allowed(const json_t *test, const char *word)
{
	const json_t *words = json_object_get(test, "why");
	json_t *allowed;
	size_t i;

	cr_assert_gt(json_array_size(words), 0);
	json_array_foreach(words, i, allowed)
		if (strcmp(json_string_value(allowed), word) == 0)
			return true;

	return false;
}

static void
judge(const json_t *test, struct fo_verifier *verifier)
{
	const char *proof_text = text(test, "proof");
	struct fo_diag diag = { "" };
	struct fo_proof *proof = NULL;
	const struct fo_expect want = {
		.htm = text(test, "htm"),
		.htu = text(test, "htu"),
		.jkt = text(test, "jkt"),
		.nonce_rule = nonce_rule(test),
		.nonce = text(test, "nonce"),
		.access_token = text(test, "access_token"),
		.now = number(test, "at"),
		.max_age_s = number(test, "max_age"),
		.clock_skew_s = number(test, "clock_skew"),
		.verifier = verifier,
		.diag = &diag,
	};
	const fo_err r = fo_proof_verify(proof_text, strlen(proof_text), &want,
	    &proof);

	cr_expect_eq(r == FO_OK, must_accept(test), "%s: %s (%s)",
	    text(test, "id"), fo_err_word(r), diag.text);
	cr_expect(is_allowed(test, fo_err_word(r)), "%s: %s (%s)",
	    text(test, "id"), fo_err_word(r), diag.text);
	cr_expect_eq(proof != NULL, r == FO_OK, "%s", text(test, "id"));
	cr_expect_eq(diag.text[0] != '\0', r != FO_OK,
	    "%s: a refusal has a reason in words, and nothing else has", text(
	    test, "id"));
	fo_proof_free(&proof);
}

Test(conformance, each_case_has_the_stated_verdict)
{
	struct fo_verifier *verifier = NULL;
	json_t *list = load();
	json_t *test;
	size_t i;

	cr_assert_eq(fo_verifier_new(&verifier), FO_OK);
	json_array_foreach(list, i, test)
		judge(test, verifier);
	fo_verifier_free(&verifier);
	json_decref(list);
}

Test(conformance, each_case_is_there_once_and_many_must_be_accepted)
{
	json_t *list = load(), *ids = json_object();
	size_t i, accepts = 0;
	json_t *test;

	json_array_foreach(list, i, test) {
		cr_assert_eq(json_object_set(ids, text(test, "id"), test), 0);
		if (must_accept(test))
			accepts++;
		cr_expect_eq(is_allowed(test, "ok"), must_accept(test), "%s",
		    text(test, "id"));
	}
	cr_expect_eq(json_object_size(ids), json_array_size(list));
	cr_expect_geq(accepts, ACCEPTS_MIN);
	json_decref(ids);
	json_decref(list);
}
