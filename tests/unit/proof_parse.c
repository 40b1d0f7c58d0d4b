/*
 * The shape of a proof: a good one with one defect each.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <firstops/proof.h>

#include "base/b64url.h"
#include "support/forge.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define JTI "\"jti\":\"-BwC3ESc6acc2lTc\""
#define HTM "\"htm\":\"PAM\""
#define HTU "\"htu\":\"pam://bastion/sshd/deploy\""
#define IAT "\"iat\":1562262616"
#define CLAIMS "{" JTI "," HTM "," HTU "," IAT "}"
#define CLAIMS_AND(more) "{" JTI "," HTM "," HTU "," IAT "," more "}"
#define HEADER_AND(more) \
	"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":" FORGE_JWK \
	"," more "}"
#define HEADER_OF(typ, alg, jwk) "{" typ alg "\"jwk\":" jwk "}"
#define TYP "\"typ\":\"dpop+jwt\","
#define ALG "\"alg\":\"ES256\","
#define HEADER_JWK(jwk) HEADER_OF(TYP, ALG, jwk)
#define JWK_AND(more) \
	HEADER_JWK("{\"kty\":\"EC\",\"crv\":\"P-256\"," FORGE_XY "," more "}")

struct one {
	const char *why;
	const char *text;
	fo_err want;
};

/* Parse, compare the result, and look after what must hold in any case. */
static void
expect(const char *why, const char *text, size_t len, fo_err want)
{
	struct fo_diag diag = { "" };
	struct fo_proof *proof = NULL;
	const fo_err r = fo_proof_parse(text, len, &diag, &proof);

	cr_expect_eq(r, want, "%s: %s instead of %s (%s)", why,
	    fo_err_word(r), fo_err_word(want), diag.text);
	cr_expect_eq(proof != NULL, r == FO_OK, "%s", why);
	cr_expect_eq(diag.text[0] != '\0', r != FO_OK, "%s: %s", why,
	    diag.text);
	fo_proof_free(&proof);
}

static void
expect_forged(const char *why, const char *header, const char *claims,
    fo_err want)
{
	char *text = forge_proof(header, claims);

	expect(why, text, strlen(text), want);
	free(text);
}

static struct fo_proof *
parsed(const char *header, const char *claims)
{
	char *text = forge_proof(header, claims);
	struct fo_proof *proof = NULL;

	cr_assert_eq(fo_proof_parse(text, strlen(text), NULL, &proof), FO_OK,
	    "%s", claims);
	free(text);
	return proof;
}

Test(proof_parse, shows_what_the_proof_says)
{
	struct fo_proof *proof = parsed(FORGE_HEADER,
	    CLAIMS_AND("\"nonce\":\"Q2hhbGxlbmdlMTIz\""));

	cr_expect_str_eq(fo_proof_jkt(proof), FORGE_JKT);
	cr_expect_str_eq(fo_proof_jti(proof), "-BwC3ESc6acc2lTc");
	cr_expect_str_eq(fo_proof_htm(proof), "PAM");
	cr_expect_str_eq(fo_proof_htu(proof), "pam://bastion/sshd/deploy");
	cr_expect_str_eq(fo_proof_nonce(proof), "Q2hhbGxlbmdlMTIz");
	cr_expect_eq(fo_proof_iat(proof), 1562262616);
	/* base64url(SHA-256(jkt "." jti)), computed with sha256sum */
	cr_expect_str_eq(fo_proof_hash(proof),
	    "xE91E9lyjOYNTgTIjmlgiGo_4he-nvaC98Ury77gQpo");
	fo_proof_free(&proof);
	cr_expect_null(proof);
}

Test(proof_parse, a_proof_without_a_nonce_shows_none)
{
	struct fo_proof *proof = parsed(FORGE_HEADER, CLAIMS);

	cr_expect_null(fo_proof_nonce(proof));
	fo_proof_free(&proof);
}

Test(proof_parse, the_twin_signature_is_the_same_proof)
{
	/* two signatures over one text differ, as r and n-s would */
	struct fo_proof *one = parsed(FORGE_HEADER, CLAIMS);
	struct fo_proof *two = parsed(FORGE_HEADER, CLAIMS);

	cr_expect_str_eq(fo_proof_hash(one), fo_proof_hash(two));
	fo_proof_free(&one);
	fo_proof_free(&two);
}

Test(proof_parse, another_jti_is_another_proof)
{
	struct fo_proof *one = parsed(FORGE_HEADER, CLAIMS);
	struct fo_proof *two = parsed(FORGE_HEADER,
	    "{\"jti\":\"-BwC3ESc6acc2lTd\"," HTM "," HTU "," IAT "}");

	cr_expect_str_neq(fo_proof_hash(one), fo_proof_hash(two));
	fo_proof_free(&one);
	fo_proof_free(&two);
}

Test(proof_parse, free_takes_nothing_at_all)
{
	struct fo_proof *proof = NULL;

	fo_proof_free(NULL);
	fo_proof_free(&proof);
	cr_expect_null(proof);
}

/* ---- header ---------------------------------------------------------- */

Test(proof_parse, refuses_a_header_with_one_defect)
{
	static const struct one cases[] = {
		{ "no typ", HEADER_OF("", ALG, FORGE_JWK), FO_ERR_BAD_TYP },
		{ "typ of an ordinary JWT", HEADER_OF("\"typ\":\"JWT\",", ALG,
		    FORGE_JWK), FO_ERR_BAD_TYP },
		{ "typ in other letters", HEADER_OF("\"typ\":\"DPoP+jwt\",",
		    ALG, FORGE_JWK), FO_ERR_BAD_TYP },
		{ "typ as a media type", HEADER_OF(
		    "\"typ\":\"application/dpop+jwt\",", ALG, FORGE_JWK),
		    FO_ERR_BAD_TYP },
		{ "typ no string", HEADER_OF("\"typ\":[\"dpop+jwt\"],", ALG,
		    FORGE_JWK), FO_ERR_BAD_TYP },
		{ "no alg", HEADER_OF(TYP, "", FORGE_JWK), FO_ERR_BAD_ALG },
		{ "alg none", HEADER_OF(TYP, "\"alg\":\"none\",", FORGE_JWK),
		    FO_ERR_BAD_ALG },
		{ "alg HS256", HEADER_OF(TYP, "\"alg\":\"HS256\",",
		    FORGE_JWK), FO_ERR_BAD_ALG },
		{ "alg RS256", HEADER_OF(TYP, "\"alg\":\"RS256\",",
		    FORGE_JWK), FO_ERR_BAD_ALG },
		{ "alg ES256K", HEADER_OF(TYP, "\"alg\":\"ES256K\",",
		    FORGE_JWK), FO_ERR_BAD_ALG },
		{ "alg ES384", HEADER_OF(TYP, "\"alg\":\"ES384\",",
		    FORGE_JWK), FO_ERR_BAD_ALG },
		{ "alg in other letters", HEADER_OF(TYP, "\"alg\":\"es256\",",
		    FORGE_JWK), FO_ERR_BAD_ALG },
		{ "alg null", HEADER_OF(TYP, "\"alg\":null,", FORGE_JWK),
		    FO_ERR_BAD_ALG },
		{ "crit", HEADER_AND("\"crit\":[\"b64\"],\"b64\":false"),
		    FO_ERR_BAD_CRIT },
		{ "crit empty", HEADER_AND("\"crit\":[]"), FO_ERR_BAD_CRIT },
		{ "crit null", HEADER_AND("\"crit\":null"), FO_ERR_BAD_CRIT },
		{ "no jwk", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}",
		    FO_ERR_BAD_KEY },
		{ "jwk null", HEADER_JWK("null"), FO_ERR_BAD_KEY },
		{ "jwk a string", HEADER_JWK("\"" FORGE_X "\""),
		    FO_ERR_BAD_KEY },
		{ "jwk an array", HEADER_JWK("[" FORGE_JWK "]"),
		    FO_ERR_BAD_KEY },
		{ "jwk with d", JWK_AND("\"d\":\"AAAA\""), FO_ERR_BAD_KEY },
		{ "jwk for encryption", JWK_AND("\"use\":\"enc\""),
		    FO_ERR_BAD_KEY },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_forged(cases[i].why, cases[i].text, CLAIMS,
		    cases[i].want);
}

Test(proof_parse, ignores_what_a_header_says_beside)
{
	static const char *const more[] = { "\"kid\":\"somebody else\"",
		"\"jku\":\"http://127.0.0.1:9/keys\"",
		"\"x5u\":\"http://127.0.0.1:9/cert\"", "\"x5c\":[\"MIIB\"]",
		"\"cty\":\"x\"", "\"b64\":false", "\"zip\":\"DEF\"" };
	char header[1024];

	for (size_t i = 0; i < COUNT(more); i++) {
		(void)snprintf(header, sizeof(header), HEADER_AND("%s"),
		    more[i]);
		expect_forged(more[i], header, CLAIMS, FO_OK);
	}
}

Test(proof_parse, the_first_defect_in_the_stated_order_gives_the_word)
{
	expect_forged("typ before alg", "{\"alg\":\"none\"}", CLAIMS,
	    FO_ERR_BAD_TYP);
	expect_forged("alg before crit", "{" TYP "\"crit\":[]}", CLAIMS,
	    FO_ERR_BAD_ALG);
	expect_forged("crit before jwk", "{" TYP ALG "\"crit\":[]}", CLAIMS,
	    FO_ERR_BAD_CRIT);
	expect_forged("jwk before the claims", "{" TYP "\"alg\":\"ES256\"}",
	    "{}", FO_ERR_BAD_KEY);
	expect_forged("JSON before typ", "{}", "[]", FO_ERR_MALFORMED);
}

/* ---- claims ---------------------------------------------------------- */

#define REFUSED(why, claims) { why, claims, FO_ERR_MALFORMED }
#define NO_JTI(jti) "{" jti HTM "," HTU "," IAT "}"
#define NO_HTM(htm) "{" JTI "," htm HTU "," IAT "}"
#define NO_HTU(htu) "{" JTI "," HTM "," htu IAT "}"
#define NO_IAT(iat) "{" JTI "," HTM "," HTU iat "}"

Test(proof_parse, refuses_claims_with_one_defect)
{
	static const struct one cases[] = {
		REFUSED("no jti", NO_JTI("")),
		REFUSED("jti a number", NO_JTI("\"jti\":1,")),
		REFUSED("jti null", NO_JTI("\"jti\":null,")),
		REFUSED("jti empty", NO_JTI("\"jti\":\"\",")),
		REFUSED("jti a space", NO_JTI("\"jti\":\" \",")),
		REFUSED("jti white space", NO_JTI("\"jti\":\" \\t\\n\\r\",")),
		REFUSED("jti with a NUL", NO_JTI("\"jti\":\"a\\u0000b\",")),
		REFUSED("no htm", NO_HTM("")),
		REFUSED("htm null", NO_HTM("\"htm\":null,")),
		REFUSED("htm an array", NO_HTM("\"htm\":[\"PAM\"],")),
		REFUSED("htm with a NUL", NO_HTM("\"htm\":\"PAM\\u0000\",")),
		REFUSED("no htu", NO_HTU("")),
		REFUSED("htu a number", NO_HTU("\"htu\":7,")),
		REFUSED("htu with a NUL",
		    NO_HTU("\"htu\":\"pam://bastion/sshd/deploy\\u0000\",")),
		REFUSED("no iat", NO_IAT("")),
		REFUSED("iat a string", NO_IAT(",\"iat\":\"1562262616\"")),
		REFUSED("iat true", NO_IAT(",\"iat\":true")),
		REFUSED("iat null", NO_IAT(",\"iat\":null")),
		REFUSED("iat with a leading zero", NO_IAT(",\"iat\":01")),
		REFUSED("iat in hexadecimal", NO_IAT(",\"iat\":0x5D1E")),
		REFUSED("iat NaN", NO_IAT(",\"iat\":NaN")),
		REFUSED("iat infinite", NO_IAT(",\"iat\":Infinity")),
		REFUSED("exp a string", CLAIMS_AND("\"exp\":\"1562262616\"")),
		REFUSED("exp null", CLAIMS_AND("\"exp\":null")),
		REFUSED("nbf a string", CLAIMS_AND("\"nbf\":\"1562262616\"")),
		REFUSED("nonce a number", CLAIMS_AND("\"nonce\":1")),
		REFUSED("nonce null", CLAIMS_AND("\"nonce\":null")),
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_forged(cases[i].why, FORGE_HEADER, cases[i].text,
		    cases[i].want);
}

Test(proof_parse, a_jti_has_1_to_256_bytes)
{
	char jti[300], claims[512];
	static const struct {
		size_t len;
		fo_err want;
	} cases[] = { { 1, FO_OK }, { 256, FO_OK },
		{ 257, FO_ERR_MALFORMED } };

	for (size_t i = 0; i < COUNT(cases); i++) {
		memset(jti, 'j', sizeof(jti));
		jti[cases[i].len] = '\0';
		(void)snprintf(claims, sizeof(claims),
		    "{\"jti\":\"%s\"," HTM "," HTU "," IAT "}", jti);
		expect_forged("length of jti", FORGE_HEADER, claims,
		    cases[i].want);
	}
}

Test(proof_parse, takes_any_json_number_as_iat_and_rounds_it_down)
{
	static const struct {
		const char *iat;
		int64_t whole;
	} cases[] = {
		{ "1562262616.999", 1562262616 },
		{ "1.562262616e9", 1562262616 },
		{ "15622626160E-1", 1562262616 },
		{ "0", 0 },
		{ "-0.5", -1 },
		{ "-1", -1 },
		{ "9223372036854775808", INT64_MAX },
		{ "123456789012345678901234567890", INT64_MAX },
		{ "1e300", INT64_MAX },
		{ "-1e300", INT64_MIN },
		{ "-9223372036854775808", INT64_MIN },
		{ "1e-400", 0 },
	};
	char claims[512];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fo_proof *proof;

		(void)snprintf(claims, sizeof(claims), NO_IAT(",\"iat\":%s"),
		    cases[i].iat);
		proof = parsed(FORGE_HEADER, claims);
		cr_expect_eq(fo_proof_iat(proof), cases[i].whole, "%s: %lld",
		    cases[i].iat, (long long)fo_proof_iat(proof));
		fo_proof_free(&proof);
	}
}

Test(proof_parse, ignores_claims_that_it_does_not_know)
{
	expect_forged("sub and iss", FORGE_HEADER,
	    CLAIMS_AND("\"sub\":\"root\",\"iss\":\"me\",\"n\":1e10"), FO_OK);
	expect_forged("big numbers", FORGE_HEADER,
	    CLAIMS_AND("\"n\":[123456789012345678901234567890,1.5e3,-0]"),
	    FO_OK);
}

/* ---- JSON ------------------------------------------------------------ */

Test(proof_parse, refuses_json_that_can_be_read_in_two_ways)
{
	static const struct one headers[] = {
		REFUSED("alg twice", HEADER_AND("\"alg\":\"ES256\"")),
		REFUSED("jwk twice", HEADER_AND("\"jwk\":" FORGE_JWK)),
		REFUSED("x twice, in the jwk",
		    JWK_AND("\"x\":\"" FORGE_X "\"")),
		REFUSED("x twice, once escaped",
		    JWK_AND("\"\\u0078\":\"" FORGE_X "\"")),
		REFUSED("more after the end", FORGE_HEADER "x"),
		REFUSED("a second object", FORGE_HEADER "{}"),
		REFUSED("an array", "[" FORGE_HEADER "]"),
		REFUSED("a comma too many",
		    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":" FORGE_JWK
		    ",}"),
		REFUSED("a comment", FORGE_HEADER "/**/"),
		REFUSED("a byte order mark", "\xef\xbb\xbf" FORGE_HEADER),
		REFUSED("nothing", ""),
		REFUSED("white space only", "  "),
	};
	static const struct one claims[] = {
		REFUSED("iat twice", CLAIMS_AND(IAT)),
		REFUSED("twice, deep down",
		    CLAIMS_AND("\"a\":[{\"b\":{\"c\":1,\"c\":1}}]")),
		REFUSED("a lone surrogate", CLAIMS_AND("\"a\":\"\\ud800\"")),
		REFUSED("a low surrogate", CLAIMS_AND("\"a\":\"\\udc00\"")),
		REFUSED("Latin 1", CLAIMS_AND("\"a\":\"\xfc\"")),
		REFUSED("an overlong form", CLAIMS_AND("\"a\":\"\xc0\xaf\"")),
		REFUSED("an encoded surrogate",
		    CLAIMS_AND("\"a\":\"\xed\xa0\x80\"")),
		REFUSED("beyond Unicode",
		    CLAIMS_AND("\"a\":\"\xf4\x90\x80\x80\"")),
		REFUSED("a control byte", CLAIMS_AND("\"a\":\"\x01\"")),
		REFUSED("single quotes", CLAIMS_AND("'a':1")),
		REFUSED("NUL in a name", CLAIMS_AND("\"a\\u0000\":1")),
	};

	for (size_t i = 0; i < COUNT(headers); i++)
		expect_forged(headers[i].why, headers[i].text, CLAIMS,
		    headers[i].want);
	for (size_t i = 0; i < COUNT(claims); i++)
		expect_forged(claims[i].why, FORGE_HEADER, claims[i].text,
		    claims[i].want);
}

Test(proof_parse, white_space_around_an_object_is_json)
{
	expect_forged("white space", " " FORGE_HEADER "\n", "\t" CLAIMS " ",
	    FO_OK);
}

Test(proof_parse, refuses_a_nul_after_the_object)
{
	static const char header[] = FORGE_HEADER, claims[] = CLAIMS;
	char *text;

	text = forge_proof_bytes(header, sizeof(header), claims,
	    sizeof(claims) - 1);
	expect("NUL after the header", text, strlen(text), FO_ERR_MALFORMED);
	free(text);
	text = forge_proof_bytes(header, sizeof(header) - 1, claims,
	    sizeof(claims));
	expect("NUL after the claims", text, strlen(text), FO_ERR_MALFORMED);
	free(text);
}

/* depth counts the root: inner opening brackets and as many closing ones. */
static void
expect_depth(int depth, char open, fo_err want)
{
	char claims[512], nest[256] = "";
	int n = 0;

	for (int i = 1; i < depth; i++)
		n += snprintf(nest + n, sizeof(nest) - (size_t)n, "%s",
		    open == '[' ? "[" : i == depth - 1 ? "{" : "{\"a\":");
	for (int i = 1; i < depth; i++)
		n += snprintf(nest + n, sizeof(nest) - (size_t)n, "%c",
		    open == '[' ? ']' : '}');
	(void)snprintf(claims, sizeof(claims), CLAIMS_AND("\"a\":%s"), nest);
	expect_forged(claims, FORGE_HEADER, claims, want);
}

Test(proof_parse, refuses_more_than_16_levels)
{
	expect_depth(16, '[', FO_OK);
	expect_depth(17, '[', FO_ERR_MALFORMED);
	expect_depth(16, '{', FO_OK);
	expect_depth(17, '{', FO_ERR_MALFORMED);
	expect_forged("brackets in a string are no levels", FORGE_HEADER,
	    CLAIMS_AND("\"a\":\"[[[[[[[[[[[[[[[[[[\\\"{{{{{{{{{{{{{{{{{{\""),
	    FO_OK);
}

Test(proof_parse, refuses_2000_levels_without_recursion)
{
	char claims[2600];
	const size_t head = sizeof(CLAIMS) - 1;

	memcpy(claims, CLAIMS, head);
	memcpy(claims + head - 1, ",\"a\":", 5);
	memset(claims + head + 4, '[', 2000);
	claims[head + 2004] = '\0';
	expect_forged("2000 levels", FORGE_HEADER, claims, FO_ERR_MALFORMED);
}

/* 4 members are there already at the top. */
static void
expect_members(int at_top, int inside, fo_err want)
{
	char claims[2048];
	int n = snprintf(claims, sizeof(claims), "{%s,%s,%s,%s", JTI, HTM,
	    HTU, IAT);

	for (int i = 5; i < at_top; i++)
		n += snprintf(claims + n, sizeof(claims) - (size_t)n,
		    ",\"m%d\":1", i);
	n += snprintf(claims + n, sizeof(claims) - (size_t)n, ",\"a\":[{");
	for (int i = 0; i < inside; i++)
		n += snprintf(claims + n, sizeof(claims) - (size_t)n,
		    "%s\"n%d\":1", i == 0 ? "" : ",", i);
	(void)snprintf(claims + n, sizeof(claims) - (size_t)n, "}]}");
	expect_forged("members", FORGE_HEADER, claims, want);
}

Test(proof_parse, refuses_more_than_64_members_in_any_object)
{
	expect_members(64, 0, FO_OK);
	expect_members(65, 0, FO_ERR_MALFORMED);
	expect_members(5, 64, FO_OK);
	expect_members(5, 65, FO_ERR_MALFORMED);
}

/* ---- segments -------------------------------------------------------- */

static char *
good(void)
{
	return forge_proof(FORGE_HEADER, CLAIMS);
}

Test(proof_parse, has_exactly_three_segments)
{
	char *text = good(), *dot, more[2048];
	const size_t len = strlen(text);

	(void)snprintf(more, sizeof(more), "%s.", text);
	expect("a dot at the end", more, len + 1, FO_ERR_MALFORMED);
	(void)snprintf(more, sizeof(more), "%s.AAAA", text);
	expect("a fourth segment", more, len + 5, FO_ERR_MALFORMED);
	(void)snprintf(more, sizeof(more), ".%s", text);
	expect("a dot in front", more, len + 1, FO_ERR_MALFORMED);
	dot = strrchr(text, '.');
	expect("two segments", text, (size_t)(dot - text), FO_ERR_MALFORMED);
	expect("an empty signature", text, (size_t)(dot - text) + 1,
	    FO_ERR_MALFORMED);
	expect("one segment", text, (size_t)(strchr(text, '.') - text),
	    FO_ERR_MALFORMED);
	expect("two dots alone", "..", 2, FO_ERR_MALFORMED);
	expect("nothing", "", 0, FO_ERR_MALFORMED);
	free(text);
}

Test(proof_parse, takes_canonical_base64url_only)
{
	static const struct {
		const char *why;
		char put;
	} cases[] = { { "padding", '=' }, { "plus", '+' }, { "slash", '/' },
		{ "a space", ' ' }, { "a newline", '\n' }, { "a NUL", '\0' },
		{ "a byte above ASCII", (char)0xe9 } };
	char *text = good(), copy[1024];
	const size_t len = strlen(text);
	const size_t dots[] = { (size_t)(strchr(text, '.') - text),
		(size_t)(strrchr(text, '.') - text), len };

	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t k = 0; k < COUNT(dots); k++) {
			/* instead of a segment's last character */
			memcpy(copy, text, len);
			copy[dots[k] - 1] = cases[i].put;
			expect(cases[i].why, copy, len, FO_ERR_MALFORMED);
			/* after it */
			memcpy(copy, text, dots[k]);
			copy[dots[k]] = cases[i].put;
			memcpy(copy + dots[k] + 1, text + dots[k],
			    len - dots[k]);
			expect(cases[i].why, copy, len + 1, FO_ERR_MALFORMED);
		}
	}
	free(text);
}

/* The first damage is the one that is told of. */
Test(proof_parse, says_what_is_damaged)
{
	static const struct {
		const char *text;
		const char *part;
	} cases[] = {
		{ "", "has 0 bytes" },
		{ "a", "has not three segments" },
		{ "a.b", "has not three segments" },
		{ "a.b.c.d", "has not three segments" },
		{ "a!.e30.AA", "header is not canonical base64url" },
		{ "QQ.e30.AA", "header is not JSON" },
		{ "e30.a!.AA", "payload is not canonical base64url" },
		{ "e30.QQ.AA", "payload is not JSON" },
		{ "e30.e30.a!", "signature is not canonical base64url" },
	};
	char long_text[FO_PROOF_MAX_BYTES + 1];
	struct fo_proof *proof = NULL;
	struct fo_diag diag;

	for (size_t i = 0; i < COUNT(cases); i++) {
		diag.text[0] = '\0';
		cr_expect_eq(fo_proof_parse(cases[i].text,
		    strlen(cases[i].text), &diag, &proof), FO_ERR_MALFORMED);
		cr_expect_not_null(strstr(diag.text, cases[i].part), "%s: %s",
		    cases[i].text, diag.text);
	}
	memset(long_text, '.', sizeof(long_text));
	cr_expect_eq(fo_proof_parse(long_text, sizeof(long_text), &diag,
	    &proof), FO_ERR_MALFORMED);
	cr_expect_not_null(strstr(diag.text, "has 4097 bytes"), "%s",
	    diag.text);
}

Test(proof_parse, says_what_a_claim_is)
{
	static const struct {
		const char *claims;
		const char *part;
	} cases[] = {
		{ "{" HTM "," HTU "," IAT "}", "jti is missing" },
		{ "{\"jti\":1," HTM "," HTU "," IAT "}",
		    "jti is not a string" },
		{ "{" JTI "," HTM "," HTU "}", "iat is missing" },
		{ "{" JTI "," HTM "," HTU ",\"iat\":\"1\"}",
		    "iat is not a number" },
	};
	struct fo_proof *proof = NULL;
	struct fo_diag diag;

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text = forge_proof(FORGE_HEADER, cases[i].claims);

		diag.text[0] = '\0';
		cr_expect_eq(fo_proof_parse(text, strlen(text), &diag,
		    &proof), FO_ERR_MALFORMED);
		cr_expect_not_null(strstr(diag.text, cases[i].part), "%s: %s",
		    cases[i].claims, diag.text);
		free(text);
	}
}

Test(proof_parse, trailing_bits_are_zero)
{
	/* 64 bytes end in 2 characters of which 4 bits stand for nothing */
	char *text = good();
	const size_t len = strlen(text);
	const char last = text[len - 1];

	cr_assert(strchr("AQgw", last) != NULL);
	text[len - 1] = (char)(last + 1); /* B, R, h or x */
	expect("a trailing bit", text, len, FO_ERR_MALFORMED);
	text[len - 1] = last;
	expect("as it was", text, len, FO_OK);
	free(text);
}

Test(proof_parse, refuses_more_than_4096_bytes)
{
	static const struct {
		size_t fill, len;
		fo_err want;
	} cases[] = { { 2741, 4095, FO_OK }, { 2742, 4096, FO_OK },
		{ 2743, 4098, FO_ERR_MALFORMED } };
	char claims[4096], fill[3000];

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text;

		memset(fill, 'f', sizeof(fill));
		fill[cases[i].fill] = '\0';
		(void)snprintf(claims, sizeof(claims), CLAIMS_AND(
		    "\"fill\":\"%s\""), fill);
		text = forge_proof(FORGE_HEADER, claims);
		cr_assert_eq(strlen(text), cases[i].len, "%zu: %zu",
		    cases[i].fill, strlen(text));
		expect("length", text, strlen(text), cases[i].want);
		free(text);
	}
}

/* ---- signature ------------------------------------------------------- */

Test(proof_parse, a_signature_has_exactly_64_bytes)
{
	static const size_t lengths[] = { 0, 1, 32, 63, 65, 66, 70, 72, 96,
		132 };
	unsigned char sig[132];
	char *text;

	memset(sig, 0x30, sizeof(sig)); /* as DER begins */
	for (size_t i = 0; i < COUNT(lengths); i++) {
		text = forge_unsigned(FORGE_HEADER, CLAIMS, sig, lengths[i]);
		expect("length of the signature", text, strlen(text),
		    FO_ERR_MALFORMED);
		free(text);
	}
	text = forge_unsigned(FORGE_HEADER, CLAIMS, sig, 64);
	expect("64 bytes, whatever they are", text, strlen(text), FO_OK);
	free(text);
}

Test(proof_parse, another_algorithm_is_named_before_its_signature)
{
	unsigned char mac[32] = { 0 };
	char *text = forge_unsigned(HEADER_OF(TYP, "\"alg\":\"none\",",
	    FORGE_JWK), CLAIMS, mac, 0);

	expect("alg none, no signature", text, strlen(text), FO_ERR_BAD_ALG);
	free(text);
	text = forge_unsigned(HEADER_OF(TYP, "\"alg\":\"HS256\",", FORGE_JWK),
	    CLAIMS, mac, sizeof(mac));
	expect("a MAC", text, strlen(text), FO_ERR_BAD_ALG);
	free(text);
}

/* ---- cut on the way -------------------------------------------------- */

/* A good proof of len bytes or a little more. */
static char *
good_of(size_t len)
{
	char claims[4096], fill[3000];
	char *text = good();
	const size_t n = (len - strlen(text)) * 3 / 4;

	free(text);
	memset(fill, 'f', sizeof(fill));
	fill[n] = '\0';
	(void)snprintf(claims, sizeof(claims), CLAIMS_AND("\"fill\":\"%s\""),
	    fill);
	return forge_proof(FORGE_HEADER, claims);
}

Test(proof_parse, a_proof_cut_at_a_known_limit_is_called_cut)
{
	static const size_t limits[] = { 511, 512, 1023, 1024, 2047 };
	char *text = good_of(2200);

	cr_assert_gt(strlen(text), 2100);
	for (size_t i = 0; i < COUNT(limits); i++)
		expect("cut", text, limits[i], FO_ERR_CUT);
	expect("below", text, 510, FO_ERR_MALFORMED);
	expect("above", text, 513, FO_ERR_MALFORMED);
	expect("no known limit", text, 2048, FO_ERR_MALFORMED);
	expect("whole", text, strlen(text), FO_OK);
	free(text);
}

Test(proof_parse, a_whole_proof_of_511_bytes_is_not_cut)
{
	char claims[512];
	char *text;

	/* 220 + 1 + 203 + 1 + 86: 203 characters are 152 bytes */
	(void)snprintf(claims, sizeof(claims), "{%s,%s,%s,%s,\"f\":\"%.*s\"}",
	    JTI, HTM, HTU, IAT, (int)(152 - (sizeof(CLAIMS) - 1) - 7),
	    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
	text = forge_proof(FORGE_HEADER, claims);
	cr_assert_eq(strlen(text), 511);
	expect("whole", text, 511, FO_OK);
	text[510] = '!';
	expect("damaged", text, 511, FO_ERR_CUT);
	free(text);
}

/* ---- does it look like one? ------------------------------------------ */

Test(looks_like, a_proof_does)
{
	char *text = good();

	cr_expect(fo_proof_looks_like(text, strlen(text)));
	free(text);
}

Test(looks_like, a_password_does_not)
{
	char *text = good(), copy[1024];
	const size_t len = strlen(text);

	cr_expect(!fo_proof_looks_like("hunter2", 7));
	cr_expect(!fo_proof_looks_like("", 0));
	cr_expect(!fo_proof_looks_like(NULL, 0));
	cr_expect(!fo_proof_looks_like("eyJ.correct.horse", 17));
	memcpy(copy, text, len);
	copy[0] = 'f';
	cr_expect(!fo_proof_looks_like(copy, len), "another beginning");
	memcpy(copy, text, len);
	copy[50] = ' ';
	cr_expect(!fo_proof_looks_like(copy, len), "a space");
	copy[50] = '\0';
	cr_expect(!fo_proof_looks_like(copy, len), "a NUL");
	copy[50] = '.';
	cr_expect(!fo_proof_looks_like(copy, len), "three dots");
	memcpy(copy, text, len);
	*strchr(copy, '.') = 'A';
	cr_expect(!fo_proof_looks_like(copy, len), "one dot");
	free(text);
}

Test(looks_like, of_base64url_and_dots_alone)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	char text[100];

	for (int c = 0; c < 256; c++) {
		memset(text, 'A', sizeof(text));
		memcpy(text, "eyJ", 3);
		text[40] = text[80] = '.';
		text[60] = (char)c;
		cr_expect_eq(fo_proof_looks_like(text, sizeof(text)),
		    memchr(alphabet, c, 64) != NULL, "%d", c);
	}
}

Test(looks_like, from_100_bytes_on)
{
	char text[101];

	memset(text, 'A', sizeof(text));
	memcpy(text, "eyJ", 3);
	text[40] = text[80] = '.';
	cr_expect(fo_proof_looks_like(text, 100));
	cr_expect(!fo_proof_looks_like(text, 99));
}

Test(proof_parse, needs_a_text_and_a_place_for_the_result)
{
	struct fo_proof *proof = NULL;

	cr_expect_eq(fo_proof_parse(NULL, 1, NULL, &proof), FO_ERR_ARG);
	cr_expect_eq(fo_proof_parse("x", 1, NULL, NULL), FO_ERR_ARG);
	cr_expect_null(proof);
}
