/*
 * What the signer holds, and what it answers: keys and their terms, its lock,
 * and each request, right and with one thing wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include <firstops/firstops.h>

#include "signer/requests.h"
#include "signer/ring.h"
#include "src/signer.h"
#include "support/failing.h"
#include "support/forge.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HTU "pam://bastion/sshd/deploy"
#define API "https://api.example.com/builds"
#define DAY_S 86400

static struct ring ring;
static const struct fo_signer_terms any = { .lifetime_s = 0 };

static void
begin(void)
{
	memset(&ring, 0, sizeof(ring));
}

static void
end(void)
{
	failing_ahead(0);
	ring_clear(&ring);
}

TestSuite(signer_ring, .init = begin, .fini = end, .timeout = 120);
TestSuite(signer_requests, .init = begin, .fini = end, .timeout = 120);

/* The key of forge.h, on these terms. */
static fo_err
hold(const struct fo_signer_terms *terms)
{
	struct fo_key *key = forge_key();
	struct fo_diag diag = { "" };
	char jkt[FO_JKT_SIZE] = "";
	const fo_err r = ring_add(&ring, &key, terms, &diag, jkt);

	cr_expect_null(key, "it is taken, whatever comes of it");
	cr_expect_str_eq(jkt, r == FO_OK ? FORGE_JKT : "");
	cr_expect_eq(r == FO_OK, diag.text[0] == '\0', "%s", diag.text);
	return r;
}

/* One more key, and its thumbprint. */
static fo_err
hold_another(const struct fo_signer_terms *terms, char jkt[FO_JKT_SIZE])
{
	struct fo_key *key = NULL;

	cr_assert_eq(fo_key_generate(&key), FO_OK);
	return ring_add(&ring, &key, terms, NULL, jkt);
}

/* ---- the ring ----------------------------------------------------------- */

Test(signer_ring, finds_a_key_by_its_thumbprint_and_the_first_without_one)
{
	char second[FO_JKT_SIZE];

	cr_expect_null(ring_find(&ring, NULL));
	cr_expect_null(ring_find(&ring, FORGE_JKT));
	cr_assert_eq(hold(&any), FO_OK);
	cr_assert_eq(hold_another(&any, second), FO_OK);
	cr_expect_str_eq(ring_find(&ring, NULL)->jkt, FORGE_JKT);
	cr_expect_str_eq(ring_find(&ring, FORGE_JKT)->jkt, FORGE_JKT);
	cr_expect_str_eq(ring_find(&ring, second)->jkt, second);
	cr_expect_null(ring_find(&ring, "NzbLsXh8uDCcd-6MNwXF4W_"
	    "7noWXFZAfHkxZsRGC9Xs"));
	cr_expect_null(ring_find(&ring, ""));
}

Test(signer_ring, gives_a_key_that_it_has_the_new_terms)
{
	const struct fo_signer_terms narrow = { .name = "one",
		.targets = "pam://a/*", .lifetime_s = 60, .confirm = true };
	const struct held *held;

	cr_assert_eq(hold(&narrow), FO_OK);
	cr_assert_eq(hold(&any), FO_OK);
	cr_expect_eq(ring.count, 1);
	held = ring_find(&ring, NULL);
	cr_expect_str_eq(held->name, "");
	cr_expect_str_eq(held->targets, "");
	cr_expect_eq(held->ends_ms, 0);
	cr_expect_not(held->confirm);
}

Test(signer_ring, keeps_a_key_as_it_was_when_the_new_terms_are_refused)
{
	const struct fo_signer_terms narrow = { .name = "one",
		.targets = "pam://a/*", .confirm = true };
	const struct fo_signer_terms wrong = { .lifetime_s = -1 };

	cr_assert_eq(hold(&narrow), FO_OK);
	cr_expect_eq(hold(&wrong), FO_ERR_ARG);
	cr_assert_eq(ring.count, 1);
	cr_expect_str_eq(ring.keys[0].targets, "pam://a/*");
	cr_expect(ring.keys[0].confirm);
}

Test(signer_ring, holds_eight_keys_and_no_ninth)
{
	char jkt[FO_JKT_SIZE];

	for (size_t i = 1; i < FO_SIGNER_KEYS_MAX; i++)
		cr_assert_eq(hold_another(&any, jkt), FO_OK);
	cr_assert_eq(hold(&any), FO_OK);
	cr_expect_eq(hold_another(&any, jkt), FO_ERR_TOO_LONG);
	cr_expect_eq(ring.count, FO_SIGNER_KEYS_MAX);
	cr_expect_eq(hold(&any), FO_OK, "one that is there already");
	cr_expect_eq(ring_remove(&ring, FORGE_JKT), FO_OK);
	cr_expect_eq(hold_another(&any, jkt), FO_OK);
}

static char *
repeated(char c, size_t n)
{
	char *text = malloc(n + 1);

	cr_assert_not_null(text);
	memset(text, c, n);
	text[n] = '\0';
	return text;
}

Test(signer_ring, keeps_the_terms_that_it_can_and_refuses_others)
{
	char *name = repeated('n', 64), *longer = repeated('n', 65);
	char *targets = repeated('t', 512), *more = repeated('t', 513);
	const struct { struct fo_signer_terms terms; fo_err want; } cases[] = {
		{ { .name = name, .targets = targets }, FO_OK },
		{ { .name = longer }, FO_ERR_ARG },
		{ { .targets = more }, FO_ERR_ARG },
		{ { .name = " a~" }, FO_OK },
		{ { .name = "" }, FO_OK },
		{ { .name = "a\"b" }, FO_ERR_ARG },
		{ { .name = "a\\b" }, FO_ERR_ARG },
		{ { .name = "a\nb" }, FO_ERR_ARG },
		{ { .name = "a\x7f" }, FO_ERR_ARG },
		{ { .name = "\xc3\xa4" }, FO_ERR_ARG },
		{ { .targets = "" }, FO_ERR_ARG },
		{ { .targets = "  " }, FO_ERR_ARG },
		{ { .targets = "pam://a/*\tpam://b/*" }, FO_ERR_ARG },
		{ { .targets = "\"" }, FO_ERR_ARG },
		{ { .lifetime_s = 366 * DAY_S }, FO_OK },
		{ { .lifetime_s = 366 * DAY_S + 1 }, FO_ERR_ARG },
		{ { .lifetime_s = INT64_MAX }, FO_ERR_ARG },
		{ { .lifetime_s = -1 }, FO_ERR_ARG },
		{ { .lifetime_s = INT64_MIN }, FO_ERR_ARG },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_expect_eq(hold(&cases[i].terms), cases[i].want, "case %zu",
		    i);
		cr_expect_eq(ring.count, cases[i].want == FO_OK ? 1 : 0);
		ring_clear(&ring);
	}
	free(name);
	free(longer);
	free(targets);
	free(more);
}

Test(signer_ring, a_key_is_for_what_one_of_its_patterns_names)
{
	static const struct { const char *targets, *htu; bool want; } cases[] = {
		{ NULL, HTU, true },
		{ "pam://bastion/*", HTU, true },
		{ "pam://bastion/sshd/deploy", HTU, true },
		{ "pam://bastion/sshd/deplo", HTU, false },
		{ "pam://bastion/sshd/deploye", HTU, false },
		{ "pam://bastion/?s?d/deploy", HTU, true },
		{ "pam://web/* pam://bastion/*", HTU, true },
		{ "  pam://web/*   pam://bastion/*  ", HTU, true },
		{ "pam://web/* pam://db/*", HTU, false },
		{ "pam://web/*pam://bastion/*", HTU, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct fo_signer_terms terms = {
			.targets = cases[i].targets };

		cr_assert_eq(hold(&terms), FO_OK);
		cr_expect_eq(ring_allows(&ring.keys[0], cases[i].htu),
		    cases[i].want, "case %zu", i);
	}
}

Test(signer_ring, lets_go_of_one_or_all)
{
	char second[FO_JKT_SIZE];

	cr_expect_eq(ring_remove(&ring, FORGE_JKT), FO_ERR_NOT_FOUND);
	cr_assert_eq(hold(&any), FO_OK);
	cr_assert_eq(hold_another(&any, second), FO_OK);
	cr_expect_eq(ring_remove(&ring, FORGE_JKT), FO_OK);
	cr_expect_eq(ring_remove(&ring, FORGE_JKT), FO_ERR_NOT_FOUND);
	cr_expect_str_eq(ring_find(&ring, NULL)->jkt, second);
	ring_clear(&ring);
	cr_expect_eq(ring.count, 0);
	for (size_t i = 0; i < sizeof(ring.keys); i++)
		cr_assert_eq(((const unsigned char *)ring.keys)[i], 0);
}

Test(signer_ring, a_key_goes_when_its_time_is_over)
{
	const struct fo_signer_terms minute = { .lifetime_s = 60 };
	const struct fo_signer_terms hour = { .lifetime_s = 3600 };
	char jkts[3][FO_JKT_SIZE];
	int64_t next;

	cr_expect_eq(ring_expire(&ring), 0);
	cr_assert_eq(hold_another(&hour, jkts[0]), FO_OK);
	cr_assert_eq(hold_another(&minute, jkts[1]), FO_OK);
	cr_assert_eq(hold_another(&any, jkts[2]), FO_OK);
	next = ring_expire(&ring) - ring_now();
	cr_expect(next > 59000 && next <= 60000, "%lld", (long long)next);

	failing_ahead(59);
	(void)ring_expire(&ring);
	cr_expect_not_null(ring_find(&ring, jkts[1]));
	failing_ahead(60);
	next = ring_expire(&ring) - ring_now();
	cr_expect_null(ring_find(&ring, jkts[1]));
	cr_expect(next > 3539000 && next <= 3540000, "%lld", (long long)next);
	failing_ahead(3600);
	cr_expect_eq(ring_expire(&ring), 0);
	cr_expect_eq(ring.count, 1);
	cr_expect_str_eq(ring_find(&ring, NULL)->jkt, jkts[2]);
}

/* ---- its lock ----------------------------------------------------------- */

Test(signer_ring, is_unlocked_by_the_passphrase_that_it_was_locked_with)
{
	static const unsigned char nothing[FO_SHA256_BYTES];
	struct fo_diag diag = { "" };

	cr_expect_eq(ring_unlock(&ring, "open sesame", &diag), FO_ERR_ARG);
	cr_expect_str_eq(diag.text, "it is not locked");
	cr_expect_eq(ring_lock(&ring, "", &diag), FO_ERR_ARG);
	cr_expect_not(ring.locked);
	cr_assert_eq(ring_lock(&ring, "open sesame", &diag), FO_OK);
	cr_expect(ring.locked);
	cr_expect_eq(ring_lock(&ring, "mine", &diag), FO_ERR_LOCKED);
	cr_expect_eq(ring_unlock(&ring, "open sesam", &diag), FO_ERR_REFUSED);
	cr_expect(ring.locked);
	failing_ahead(2);
	cr_expect_eq(ring_unlock(&ring, "open sesame", &diag), FO_OK);
	cr_expect_not(ring.locked);
	cr_expect_eq(memcmp(ring.lock, nothing, sizeof(nothing)), 0);
}

Test(signer_ring, each_wrong_passphrase_costs_a_second_more_up_to_thirty)
{
	struct fo_diag diag;
	char want[64];
	int ahead = 0;

	cr_assert_eq(ring_lock(&ring, "right", NULL), FO_OK);
	for (int wrong = 1; wrong <= 32; wrong++) {
		const int delay = wrong < 30 ? wrong : 30;

		cr_assert_eq(ring_unlock(&ring, "wrong", &diag),
		    FO_ERR_REFUSED);
		cr_expect_str_eq(diag.text, "the passphrase is wrong");
		failing_ahead(ahead += delay - 1);
		cr_assert_eq(ring_unlock(&ring, "right", &diag),
		    FO_ERR_REFUSED, "the right one, too soon");
		(void)snprintf(want, sizeof(want), "too many wrong "
		    "passphrases: try again in 1 s");
		cr_expect_str_eq(diag.text, want);
		failing_ahead(++ahead);
	}
	cr_assert_eq(ring_unlock(&ring, "right", NULL), FO_OK);
	cr_assert_eq(ring_lock(&ring, "right", NULL), FO_OK);
	cr_assert_eq(ring_unlock(&ring, "wrong", NULL), FO_ERR_REFUSED);
	failing_ahead(ahead + 1);
	cr_expect_eq(ring_unlock(&ring, "right", NULL), FO_OK,
	    "the count begins anew");
}

/* ---- requests ----------------------------------------------------------- */

/* The answer to a request, until the next one. */
static struct answer got;

static const char *
asked(const char *request, const char *agreed)
{
	static char text[FO_SIGNER_MESSAGE_MAX + 1];

	answer_request(&ring, request, strlen(request), agreed, &got);
	cr_assert_eq(got.text.err, FO_OK);
	cr_assert_leq(got.text.len, FO_SIGNER_MESSAGE_MAX);
	(void)snprintf(text, sizeof(text), "%s", got.text.data);
	fo_buf_clear(&got.text);
	return text;
}

static void
expect_refused(const char *request, const char *why, bool last)
{
	char want[64];
	const char *have = asked(request, NULL);

	(void)snprintf(want, sizeof(want), "{\"ok\":false,\"why\":\"%s\","
	    "\"error\":\"", why);
	cr_expect_eq(strncmp(have, want, strlen(want)), 0, "%s: %s", request,
	    have);
	cr_expect_eq(got.last, last, "%s", request);
	cr_expect_str_eq(got.prompt, "");
}

/* Does the answer hold a proof of the key of forge.h for this? */
static bool
is_proof(const char *answer, const char *htm, const char *htu,
    const char *nonce, const char *token)
{
	const char begins[] = "{\"ok\":true,\"proof\":\"";
	const struct fo_expect want = { .htm = htm, .htu = htu,
		.jkt = FORGE_JKT, .nonce = nonce, .access_token = token,
		.nonce_rule = nonce != NULL ? FO_NONCE_ALWAYS :
		FO_NONCE_IGNORE, .now = time(NULL), .max_age_s = 60,
		.clock_skew_s = 5 };
	struct fo_proof *proof = NULL;
	fo_err r;

	if (strncmp(answer, begins, strlen(begins)) != 0)
		return false;
	answer += strlen(begins);
	r = fo_proof_verify(answer, strcspn(answer, "\""), &want, &proof);
	fo_proof_free(&proof);
	return r == FO_OK && strcmp(answer + strcspn(answer, "\""), "\"}") == 0;
}

#define SIGN "{\"op\":\"sign\",\"htm\":\"PAM\",\"htu\":\"" HTU "\""

Test(signer_requests, a_proof_says_what_was_asked_for)
{
	cr_assert_eq(hold(&any), FO_OK);
	cr_expect(is_proof(asked(SIGN "}", NULL), "PAM", HTU, NULL, NULL));
	cr_expect_not(got.last);
	cr_expect(is_proof(asked(SIGN ",\"jkt\":\"" FORGE_JKT "\",\"nonce\":"
	    "\"Q2hhbGxlbmdlMTIz\",\"max_bytes\":511}", NULL), "PAM", HTU,
	    "Q2hhbGxlbmdlMTIz", NULL));
	/* SHA-256 of "token" */
	cr_expect(is_proof(asked("{\"op\":\"sign\",\"htm\":\"GET\",\"htu\":\""
	    API "?a=b\",\"ath\":\"PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAs"
	    "NpBU-A\"}", NULL), "GET", API, NULL, "token"));
}

Test(signer_requests, each_proof_is_another_one)
{
	char first[FO_SIGNER_MESSAGE_MAX + 1];

	cr_assert_eq(hold(&any), FO_OK);
	(void)snprintf(first, sizeof(first), "%s", asked(SIGN "}", NULL));
	cr_expect_str_neq(asked(SIGN "}", NULL), first);
}

Test(signer_requests, what_is_no_request_ends_the_connection)
{
	static const char *const bad[] = {
		"", " ", "[]", "null", "{", "{}", "{}x", "{\"op\":1}",
		"{\"op\":\"Sign\"}", "{\"op\":\"\"}", "{\"op\":\"list\","
		    "\"op\":\"list\"}",
		"{\"op\":\"list\",\"x\":1}", "{\"op\":\"list\",\"jkt\":\"\"}",
		"{\"op\":\"sign\"}", "{\"op\":\"sign\",\"htm\":\"PAM\"}",
		"{\"op\":\"sign\",\"htu\":\"" HTU "\"}",
		"{\"op\":\"sign\",\"htm\":1,\"htu\":\"" HTU "\"}",
		SIGN ",\"htu\":\"" HTU "\"}",
		SIGN ",\"jkt\":null}", SIGN ",\"nonce\":7}",
		SIGN ",\"ath\":\"short\"}", SIGN ",\"ath\":[]}",
		SIGN ",\"ath\":\"PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAs"
		    "NpBU-B\"}",
		SIGN ",\"max_bytes\":\"511\"}", SIGN ",\"max_bytes\":-1}",
		SIGN ",\"max_bytes\":0.5}", SIGN ",\"max_bytes\":1e300}",
		SIGN ",\"iat\":1}", SIGN ",\"jti\":\"x\"}",
		SIGN ",\"access_token\":\"x\"}", SIGN ",\"digest\":\"x\"}",
		SIGN ",\"claims\":{}}",
		"{\"op\":\"add\"}", "{\"op\":\"add\",\"pem\":1}",
		"{\"op\":\"add\",\"pem\":\"x\",\"confirm\":\"yes\"}",
		"{\"op\":\"add\",\"pem\":\"x\",\"confirm\":1}",
		"{\"op\":\"add\",\"pem\":\"x\",\"confirm\":null}",
		"{\"op\":\"add\",\"pem\":\"x\",\"lifetime_s\":true}",
		"{\"op\":\"add\",\"pem\":\"x\",\"lifetime_s\":1.5}",
		"{\"op\":\"add\",\"pem\":\"x\",\"targets\":[]}",
		"{\"op\":\"add\",\"pem\":\"x\",\"name\":{}}",
		"{\"op\":\"add\",\"pem\":\"no key\"}",
		"{\"op\":\"remove\"}", "{\"op\":\"remove\",\"all\":false}",
		"{\"op\":\"remove\",\"all\":\"true\"}",
		"{\"op\":\"remove\",\"jkt\":1}",
		"{\"op\":\"remove\",\"all\":true,\"jkt\":\"" FORGE_JKT "\"}",
		"{\"op\":\"lock\"}", "{\"op\":\"lock\",\"passphrase\":1}",
		"{\"op\":\"unlock\"}", "{\"op\":\"unlock\",\"passphrase\":{}}",
	};

	cr_assert_eq(hold(&any), FO_OK);
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_refused(bad[i], "format", true);
	cr_expect_eq(ring.count, 1);
	cr_expect_not(ring.locked);
}

Test(signer_requests, a_text_is_read_to_its_length_and_no_nul_ends_it)
{
	static const char text[] = "{\"op\":\"list\"}\0{\"op\":\"list\"}";

	answer_request(&ring, text, sizeof(text) - 1, NULL, &got);
	cr_expect_not_null(strstr(got.text.data, "\"why\":\"format\""));
	fo_buf_clear(&got.text);
	answer_request(&ring, text, strlen(text) - 1, NULL, &got);
	cr_expect_not_null(strstr(got.text.data, "\"why\":\"format\""));
	fo_buf_clear(&got.text);
	answer_request(&ring, text, strlen(text), NULL, &got);
	cr_expect_str_eq(got.text.data,
	    "{\"ok\":true,\"locked\":false,\"keys\":[]}");
	fo_buf_clear(&got.text);
}

Test(signer_requests, what_cannot_be_done_is_told_and_the_next_is_taken)
{
	expect_refused(SIGN "}", "not_found", false);
	cr_assert_eq(hold(&any), FO_OK);
	expect_refused(SIGN ",\"jkt\":\"\"}", "not_found", false);
	expect_refused(SIGN ",\"jkt\":\"" FORGE_X "\"}", "not_found", false);
	expect_refused("{\"op\":\"remove\",\"jkt\":\"" FORGE_X "\"}",
	    "not_found", false);
	expect_refused(SIGN ",\"max_bytes\":300}", "too_long", false);
	expect_refused(SIGN ",\"max_bytes\":4097}", "arg", false);
	expect_refused(SIGN ",\"nonce\":\"\"}", "arg", false);
	expect_refused("{\"op\":\"sign\",\"htm\":\"\",\"htu\":\"x\"}", "arg",
	    false);
	expect_refused("{\"op\":\"unlock\",\"passphrase\":\"x\"}", "arg",
	    false);
	expect_refused("{\"op\":\"lock\",\"passphrase\":\"\"}", "arg", false);
	expect_refused("{\"op\":\"add\",\"pem\":\"-----BEGIN TSS2 PRIVATE "
	    "KEY-----\\nMIH\\n-----END TSS2 PRIVATE KEY-----\\n\"}",
	    "bad_key", false);
	cr_expect_eq(ring.count, 1);
}

/* Keys of tests/support/keys are added as they are. */
static const char *
add_file(const char *name, const char *more)
{
	static char request[FO_SIGNER_MESSAGE_MAX];
	char path[512], pem[4096];
	struct fo_buf text;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), TEST_VECTORS
	    "/../support/keys/%s", name);
	cr_assert_not_null(f = fopen(path, "r"), "%s", path);
	n = fread(pem, 1, sizeof(pem), f);
	(void)fclose(f);
	fo_buf_init_in(&text, request, sizeof(request));
	fo_buf_adds(&text, "{\"op\":\"add\",\"pem\":\"");
	for (size_t i = 0; i < n; i++) {
		if (pem[i] == '\n')
			fo_buf_adds(&text, "\\n");
		else
			fo_buf_add(&text, &pem[i], 1);
	}
	fo_buf_addf(&text, "\"%s}", more);
	cr_assert_eq(text.err, FO_OK);
	return request;
}

Test(signer_requests, a_key_is_added_listed_and_removed)
{
	const char *list;
	char want[512];

	cr_expect_str_eq(asked(add_file("pkcs8.pem", ",\"name\":\"one\","
	    "\"targets\":\"pam://a/* pam://b/*\",\"lifetime_s\":60,"
	    "\"confirm\":true"), NULL), "{\"ok\":true,\"jkt\":\"" FORGE_JKT
	    "\"}");
	list = asked("{\"op\":\"list\"}", NULL);
	(void)snprintf(want, sizeof(want), "{\"ok\":true,\"locked\":false,"
	    "\"keys\":[{\"jkt\":\"%s\",%s,\"name\":\"one\",\"targets\":"
	    "\"pam://a/* pam://b/*\",\"lifetime_s\":60,\"confirm\":true}]}",
	    FORGE_JKT, FORGE_XY);
	cr_expect_str_eq(list, want);
	cr_expect_str_eq(asked("{\"op\":\"remove\",\"jkt\":\"" FORGE_JKT
	    "\"}", NULL), "{\"ok\":true}");
	cr_expect_str_eq(asked("{\"op\":\"list\"}", NULL),
	    "{\"ok\":true,\"locked\":false,\"keys\":[]}");
	cr_expect_str_eq(asked("{\"op\":\"remove\",\"all\":true}", NULL),
	    "{\"ok\":true}");
}

Test(signer_requests, what_is_no_key_of_ours_is_not_added)
{
	expect_refused(add_file("p384.pem", ""), "bad_key", false);
	expect_refused(add_file("pkcs8-encrypted.pem", ""), "format", true);
	cr_expect_eq(ring.count, 0);
	expect_refused(add_file("pkcs8.pem", ",\"name\":\"\xc3\xa4\""),
	    "arg", false);
	expect_refused(add_file("pkcs8.pem", ",\"lifetime_s\":31622401"),
	    "arg", false);
	cr_expect_eq(ring.count, 0);
}

Test(signer_requests, the_longest_list_fits_into_a_message)
{
	char *name = repeated('n', 64), *targets = repeated('t', 512);
	const struct fo_signer_terms most = { .name = name,
		.targets = targets, .lifetime_s = 366 * DAY_S,
		.confirm = true };
	char jkt[FO_JKT_SIZE];
	const char *list;

	for (size_t i = 0; i < FO_SIGNER_KEYS_MAX; i++)
		cr_assert_eq(hold_another(&most, jkt), FO_OK);
	list = asked("{\"op\":\"list\"}", NULL);
	cr_expect_not_null(strstr(list, jkt), "%s", list);
	free(name);
	free(targets);
}

Test(signer_requests, a_locked_one_tells_and_does_nothing)
{
	static const char *const others[] = {
		SIGN "}", "{\"op\":\"add\",\"pem\":\"x\"}",
		"{\"op\":\"remove\",\"all\":true}",
		"{\"op\":\"remove\",\"jkt\":\"" FORGE_JKT "\"}",
		"{\"op\":\"lock\",\"passphrase\":\"other\"}",
	};

	cr_assert_eq(hold(&any), FO_OK);
	cr_expect_str_eq(asked("{\"op\":\"lock\",\"passphrase\":\"right\"}",
	    NULL), "{\"ok\":true}");
	for (size_t i = 0; i < COUNT(others); i++)
		expect_refused(others[i], "locked", false);
	cr_expect_str_eq(asked("{\"op\":\"list\"}", NULL),
	    "{\"ok\":true,\"locked\":true,\"keys\":[]}");
	expect_refused("{\"op\":\"unlock\",\"passphrase\":\"wrong\"}",
	    "refused", false);
	failing_ahead(2);
	cr_expect_str_eq(asked("{\"op\":\"unlock\",\"passphrase\":\"right\"}",
	    NULL), "{\"ok\":true}");
	cr_expect(is_proof(asked(SIGN "}", NULL), "PAM", HTU, NULL, NULL));
}

Test(signer_requests, a_key_whose_time_is_over_signs_nothing)
{
	const struct fo_signer_terms minute = { .lifetime_s = 60 };

	cr_assert_eq(hold(&minute), FO_OK);
	cr_expect(is_proof(asked(SIGN "}", NULL), "PAM", HTU, NULL, NULL));
	failing_ahead(60);
	expect_refused(SIGN "}", "not_found", false);
	cr_expect_eq(ring.count, 0);
}

/*
 * The same target may be spelt in many ways. Whatever the spelling, a key is
 * for what the one who checks the proof takes it for.
 */
Test(signer_requests, no_spelling_of_a_target_passes_for_another)
{
	static const struct { const char *targets, *htu; bool want; } cases[] = {
		{ "https://a.example/public/*", "https://a.example/public/x",
		    true },
		{ "https://a.example/public/*", "https://a.example/private",
		    false },
		{ "https://a.example/public/*",
		    "https://a.example/public/../private", false },
		{ "https://a.example/public/*",
		    "https://a.example/public/%2e%2E/private", false },
		{ "https://a.example/public/*",
		    "https://a.example/private#/public/x", false },
		{ "https://a.example/*/public",
		    "https://a.example/private?/public", false },
		{ "https://a.example/*/public",
		    "https://a.example/private#/public", false },
		{ "https://a.example/*", "https://a.example:443/x", true },
		{ "https://a.example/*", "HTTPS://A.example/x", true },
		{ "https://a.example/*", "https://b.example/a.example/x",
		    false },
		{ "https://a.example*", "https://a.example@b.example/x",
		    false },
		{ "https://*", "https://a.example/x y", false },
		{ "http*", "http://", false },
		{ "pam://bastion/sshd/*", "pam://bastion/sshd/d%65ploy",
		    true },
		{ "pam://bastion/sshd/de*", "pam://bastion/sshd/%64eploy",
		    true },
		{ "pam://bastion/sshd/*", "pam://bastion/s%73hd/deploy",
		    true },
		{ "pam://bastion/sshd/*", "pam://bastion/sshd/a/b", false },
		{ "pam://*", "pam://bastion", false },
		{ "PAM://*", "PAM://bastion/sshd/deploy", false },
		{ "urn:x:*", "urn:x:y", true },
		{ "urn:x:*", "urn:z:y", false },
	};
	char request[512];

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct fo_signer_terms terms = {
			.targets = cases[i].targets };

		cr_assert_eq(hold(&terms), FO_OK);
		(void)snprintf(request, sizeof(request), "{\"op\":\"sign\","
		    "\"htm\":\"GET\",\"htu\":\"%s\"}", cases[i].htu);
		if (!cases[i].want)
			expect_refused(request, "refused", false);
		else
			cr_expect(is_proof(asked(request, NULL), "GET",
			    cases[i].htu, NULL, NULL), "%s", cases[i].htu);
	}
}

/* ---- asking the person -------------------------------------------------- */

#define SHOWN(name) "Sign with " name " (oKIywvGUpTVTyxMQ)?\n\n"

Test(signer_requests, a_person_is_shown_the_whole_of_what_is_signed)
{
	const struct fo_signer_terms terms = { .confirm = true,
		.name = "my key" };
	const struct fo_signer_terms nameless = { .confirm = true };

	cr_assert_eq(hold(&terms), FO_OK);
	(void)asked(SIGN "}", NULL);
	cr_expect_str_eq(got.prompt, SHOWN("my key") "PAM\n" HTU "\n");
	cr_expect_not(got.last);
	cr_assert_eq(hold(&nameless), FO_OK);
	(void)asked("{\"op\":\"sign\",\"htm\":\"GET\",\"htu\":\"https://A"
	    ".example/x/../y?z\"}", NULL);
	cr_expect_str_eq(got.prompt, SHOWN("the key") "GET\n"
	    "https://a.example/y\n");
}

Test(signer_requests, a_person_is_not_asked_what_cannot_be_shown_whole)
{
	const struct fo_signer_terms terms = { .confirm = true };
	char *path = repeated('x', 1024), *method = repeated('M', 33);
	char request[2048];
	const struct { const char *htm, *htu; bool want; } cases[] = {
		{ "GET", API, true },
		{ "GET https://harmless.example/", API, false },
		{ "GET\\nhttps://harmless.example/\\n\\n", API, false },
		{ method, API, false },
		{ method + 1, API, true },
		{ "G\xc3\x89T", API, false },
		{ "GET", "urn:a b", false },
		{ "GET", "urn:\\u202e", false },
		{ "GET", "urn:\\u001b[2J", false },
		{ "GET", path, false },
		{ "GET", path + 128, true },
	};

	cr_assert_eq(hold(&terms), FO_OK);
	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)snprintf(request, sizeof(request), "{\"op\":\"sign\","
		    "\"htm\":\"%s\",\"htu\":\"%s\"}", cases[i].htm,
		    cases[i].htu);
		if (!cases[i].want)
			expect_refused(request, "refused", false);
		else
			(void)asked(request, NULL);
		cr_expect_eq(got.prompt[0] != '\0', cases[i].want, "case %zu",
		    i);
	}
	free(path);
	free(method);
}

Test(signer_requests, a_yes_is_for_the_prompt_that_was_shown_alone)
{
	const struct fo_signer_terms terms = { .confirm = true,
		.name = "first" };
	char prompt[PROMPT_SIZE], second[FO_JKT_SIZE];

	cr_assert_eq(hold(&terms), FO_OK);
	(void)asked(SIGN "}", NULL);
	(void)snprintf(prompt, sizeof(prompt), "%s", got.prompt);
	cr_expect(is_proof(asked(SIGN "}", prompt), "PAM", HTU, NULL, NULL));
	cr_expect_str_eq(got.prompt, "");

	/* another request, and another name of the same key */
	(void)asked("{\"op\":\"sign\",\"htm\":\"PAM\",\"htu\":"
	    "\"pam://bastion/sshd/root\"}", prompt);
	cr_expect_str_neq(got.prompt, "");
	cr_expect_str_neq(got.prompt, prompt);

	/* meanwhile the first key went, and another is the first one */
	cr_assert_eq(hold_another(&terms, second), FO_OK);
	cr_assert_eq(ring_remove(&ring, FORGE_JKT), FO_OK);
	(void)asked(SIGN "}", prompt);
	cr_expect_str_neq(got.prompt, "");
	cr_expect_str_neq(got.prompt, prompt);
	cr_expect_not_null(strstr(got.prompt, "(") );
	cr_expect_eq(strncmp(strchr(got.prompt, '(') + 1, second, 16), 0);
}

Test(signer_requests, a_yes_does_not_outlive_lock_removal_or_new_terms)
{
	const struct fo_signer_terms terms = { .confirm = true };
	const struct fo_signer_terms other = { .confirm = true,
		.targets = "pam://other/*" };
	char prompt[PROMPT_SIZE];
	char want[] = "\"why\":\"refused\"";

	cr_assert_eq(hold(&terms), FO_OK);
	(void)asked(SIGN "}", NULL);
	(void)snprintf(prompt, sizeof(prompt), "%s", got.prompt);
	cr_assert_eq(hold(&other), FO_OK);
	cr_expect_not_null(strstr(asked(SIGN "}", prompt), want));
	cr_assert_eq(hold(&terms), FO_OK);
	cr_assert_eq(ring_lock(&ring, "x", NULL), FO_OK);
	cr_expect_not_null(strstr(asked(SIGN "}", prompt), "\"locked\""));
	cr_assert_eq(ring_unlock(&ring, "x", NULL), FO_OK);
	ring_clear(&ring);
	cr_expect_not_null(strstr(asked(SIGN "}", prompt), "\"not_found\""));
}
