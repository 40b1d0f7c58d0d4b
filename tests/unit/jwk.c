/*
 * Public keys: read from JWK and OpenSSH lines, written, hashed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <firstops/jwk.h>

#include "src/jwk.h"
#include "support/forge.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define EC "\"kty\":\"EC\",\"crv\":\"P-256\""
#define WITH(more) "{" EC "," FORGE_XY "," more "}"

/* The same key in both forms, by ssh-keygen. */
#define SSH_TYPE "ecdsa-sha2-nistp256"
#define SSH_BLOB \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH/Nzidw9sRd" \
	"QYPL7m/bS3tYBzM1e+nvE7rPbjx70VRFx/FEzRu9m36HLN/tue659LNpXW6pCySt" \
	"ikYjKIWI5a0="

static fo_err
parse(const char *json, struct fo_jwk *ret_jwk)
{
	struct fo_diag diag = { "" };
	const fo_err r = fo_jwk_parse(json, strlen(json), &diag, ret_jwk);

	cr_expect_eq(diag.text[0] != '\0', r != FO_OK, "%s: %s", json,
	    diag.text);
	return r;
}

static void
expect_forge_key(const struct fo_jwk *jwk)
{
	char jkt[FO_JKT_SIZE];

	cr_assert_eq(fo_jwk_thumbprint(jwk, jkt), FO_OK);
	cr_expect_str_eq(jkt, FORGE_JKT);
}

/* ---- JWK ------------------------------------------------------------- */

Test(jwk, reads_a_key_whatever_public_members_it_has_beside)
{
	static const char *const texts[] = { FORGE_JWK,
		" " FORGE_JWK "\n", WITH("\"use\":\"sig\""),
		WITH("\"alg\":\"ES256\""), WITH("\"kid\":\"root\""),
		WITH("\"kid\":7"), WITH("\"key_ops\":[\"verify\"]"),
		WITH("\"key_ops\":[\"sign\"]"), WITH("\"key_ops\":[]"),
		WITH("\"key_ops\":[\"sign\",\"verify\"],\"ext\":true"),
		WITH("\"x5t\":\"abc\",\"new\":{\"d\":1}") };
	struct fo_jwk jwk;

	for (size_t i = 0; i < COUNT(texts); i++) {
		cr_expect_eq(parse(texts[i], &jwk), FO_OK, "%s", texts[i]);
		expect_forge_key(&jwk);
	}
}

Test(jwk, refuses_a_key_with_one_defect)
{
	static const char *const texts[] = {
		"{\"crv\":\"P-256\"," FORGE_XY "}",
		"{\"kty\":\"RSA\",\"crv\":\"P-256\"," FORGE_XY "}",
		"{\"kty\":\"ec\",\"crv\":\"P-256\"," FORGE_XY "}",
		"{\"kty\":null,\"crv\":\"P-256\"," FORGE_XY "}",
		"{\"kty\":\"EC\"," FORGE_XY "}",
		"{\"kty\":\"EC\",\"crv\":\"P-384\"," FORGE_XY "}",
		"{\"kty\":\"EC\",\"crv\":\"secp256k1\"," FORGE_XY "}",
		"{\"kty\":\"EC\",\"crv\":\"p-256\"," FORGE_XY "}",
		"{" EC ",\"x\":\"" FORGE_X "\"}",
		"{" EC ",\"y\":\"" FORGE_Y "\"}",
		"{" EC ",\"x\":7,\"y\":\"" FORGE_Y "\"}",
		"{" EC ",\"x\":\"\",\"y\":\"" FORGE_Y "\"}",
		/* 31 and 33 bytes */
		"{" EC ",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA\","
		"\"y\":\"" FORGE_Y "\"}",
		"{" EC ",\"x\":\"" FORGE_X "A\",\"y\":\"" FORGE_Y "\"}",
		/* padding, the other alphabet, a trailing bit */
		"{" EC ",\"x\":\"" FORGE_X "=\",\"y\":\"" FORGE_Y "\"}",
		"{" EC ",\"x\":\"" FORGE_X "\",\"y\":"
		"\"x/FEzRu9m36HLN/tue659LNpXW6pCyStikYjKIWI5a0\"}",
		"{" EC ",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV\","
		"\"y\":\"" FORGE_Y "\"}",
		WITH("\"use\":\"enc\""), WITH("\"use\":null"),
		WITH("\"use\":[\"sig\"]"), WITH("\"alg\":\"ES384\""),
		WITH("\"alg\":\"ECDH-ES\""), WITH("\"alg\":null"),
		WITH("\"key_ops\":[\"encrypt\"]"),
		WITH("\"key_ops\":\"verify\""), WITH("\"key_ops\":{}"),
	};
	struct fo_jwk jwk, before;

	memset(&jwk, 0x5a, sizeof(jwk));
	before = jwk;
	for (size_t i = 0; i < COUNT(texts); i++) {
		cr_expect_eq(parse(texts[i], &jwk), FO_ERR_BAD_KEY, "%s",
		    texts[i]);
		cr_expect_eq(memcmp(&jwk, &before, sizeof(jwk)), 0);
	}
}

Test(jwk, refuses_every_private_member_whatever_is_in_it)
{
	static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi",
		"oth", "k", "priv" };
	static const char *const values[] = { "\"AAAA\"", "\"\"", "null",
		"[]", "false" };
	struct fo_jwk jwk;
	char json[512];

	for (size_t i = 0; i < COUNT(names); i++) {
		for (size_t k = 0; k < COUNT(values); k++) {
			(void)snprintf(json, sizeof(json), WITH("\"%s\":%s"),
			    names[i], values[k]);
			cr_expect_eq(parse(json, &jwk), FO_ERR_BAD_KEY, "%s",
			    json);
		}
	}
}

Test(jwk, what_is_not_one_json_object_is_no_key)
{
	static const char *const texts[] = { "", "null", "7", "[]",
		"[" FORGE_JWK "]", FORGE_JWK "x", FORGE_JWK FORGE_JWK,
		WITH("\"kty\":\"EC\""), "{" EC "," FORGE_XY };
	char nul[sizeof(FORGE_JWK)] = FORGE_JWK;
	struct fo_jwk jwk;

	for (size_t i = 0; i < COUNT(texts); i++)
		cr_expect_eq(parse(texts[i], &jwk), FO_ERR_FORMAT, "%s",
		    texts[i]);
	cr_expect_eq(fo_jwk_parse(nul, sizeof(nul), NULL, &jwk),
	    FO_ERR_FORMAT, "a NUL after it");
}

Test(jwk, that_is_missing_is_told_as_missing)
{
	struct fo_diag diag = { "" };
	struct fo_jwk jwk;

	cr_expect_eq(fo_jwk_read(NULL, &diag, &jwk), FO_ERR_BAD_KEY);
	cr_expect_not_null(strstr(diag.text, "missing"), "%s", diag.text);
}

Test(jwk, a_key_is_written_in_its_canonical_form)
{
	struct fo_jwk jwk, again;
	char *json = NULL;

	cr_assert_eq(parse(FORGE_JWK, &jwk), FO_OK);
	cr_assert_eq(fo_jwk_format(&jwk, &json), FO_OK);
	cr_expect_str_eq(json, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""
	    FORGE_X "\",\"y\":\"" FORGE_Y "\"}");
	cr_assert_eq(parse(json, &again), FO_OK);
	cr_expect_eq(memcmp(&jwk, &again, sizeof(jwk)), 0);
	free(json);
}

Test(jwk, leading_zeros_of_a_coordinate_stay)
{
	struct fo_jwk jwk = { { 0 }, { 0 } };
	char *json = NULL;

	cr_assert_eq(fo_jwk_format(&jwk, &json), FO_OK);
	cr_expect_not_null(strstr(json,
	    "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""));
	free(json);
}

Test(jwk, check_tells_a_point_on_the_curve_from_one_beside_it)
{
	struct fo_jwk jwk;

	cr_assert_eq(parse(FORGE_JWK, &jwk), FO_OK);
	cr_expect_eq(fo_jwk_check(&jwk), FO_OK);
	jwk.y[31] ^= 1;
	cr_expect_eq(fo_jwk_check(&jwk), FO_ERR_BAD_KEY);
	memset(&jwk, 0, sizeof(jwk));
	cr_expect_eq(fo_jwk_check(&jwk), FO_ERR_BAD_KEY);
	memset(&jwk, 0xff, sizeof(jwk));
	cr_expect_eq(fo_jwk_check(&jwk), FO_ERR_BAD_KEY);
}

/* ---- OpenSSH --------------------------------------------------------- */

static fo_err
from_ssh(const char *line, struct fo_jwk *ret_jwk)
{
	struct fo_diag diag = { "" };
	const fo_err r = fo_jwk_from_ssh(line, strlen(line), &diag, ret_jwk);

	cr_expect_eq(diag.text[0] != '\0', r != FO_OK, "%s: %s", line,
	    diag.text);
	return r;
}

Test(jwk_from_ssh, reads_what_ssh_keygen_writes)
{
	static const char *const lines[] = { SSH_TYPE " " SSH_BLOB,
		SSH_TYPE " " SSH_BLOB "\n", SSH_TYPE " " SSH_BLOB " a b c\n",
		SSH_TYPE "\t" SSH_BLOB "\tme@here\r\n" };
	struct fo_jwk jwk;

	for (size_t i = 0; i < COUNT(lines); i++) {
		cr_expect_eq(from_ssh(lines[i], &jwk), FO_OK, "%s", lines[i]);
		expect_forge_key(&jwk);
	}
}

Test(jwk_from_ssh, another_type_is_named)
{
	static const char *const lines[] = {
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me",
		"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== me",
		"ecdsa-sha2-nistp384 AAAA me",
		"sk-ecdsa-sha2-nistp256@openssh.com AAAA me",
		"ssh-rsa",
	};
	struct fo_jwk jwk;

	for (size_t i = 0; i < COUNT(lines); i++)
		cr_expect_eq(from_ssh(lines[i], &jwk), FO_ERR_BAD_KEY, "%s",
		    lines[i]);
}

Test(jwk_from_ssh, the_name_of_a_type_is_cut_at_64_bytes)
{
	static const char name[] = "ssh-"
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
	    "abcdefghijklmnopqrstuvwxyz";
	struct fo_diag diag;
	struct fo_jwk jwk;
	char line[128], want[128];

	for (int n = 60; n < 70; n++) {
		(void)snprintf(line, sizeof(line), "%.*s AAAA", n, name);
		(void)snprintf(want, sizeof(want), "of type %.*s;",
		    n < 64 ? n : 64, name);
		cr_expect_eq(fo_jwk_from_ssh(line, strlen(line), &diag, &jwk),
		    FO_ERR_BAD_KEY);
		cr_expect_not_null(strstr(diag.text, want), "%s", diag.text);
	}
}

/* What stands before and behind the line is nobody's business. */
Test(jwk_from_ssh, a_line_is_as_long_as_is_said)
{
	static const char text[] = "x " SSH_TYPE " " SSH_BLOB "\n\n";
	struct fo_diag diag;
	struct fo_jwk jwk;

	cr_expect_eq(fo_jwk_from_ssh(text + 2, 0, &diag, &jwk),
	    FO_ERR_FORMAT);
	cr_expect_not_null(strstr(diag.text, "must begin with"), "%s",
	    diag.text);
	cr_expect_eq(fo_jwk_from_ssh(text + 2, strlen(SSH_TYPE), &diag, &jwk),
	    FO_ERR_FORMAT);
	cr_expect_not_null(strstr(diag.text, "is damaged"), "%s", diag.text);
}

Test(jwk_from_ssh, refuses_a_damaged_line)
{
	static const char *const lines[] = {
		"", " ", "hello", SSH_TYPE, SSH_TYPE " ", " " SSH_TYPE " "
		SSH_BLOB, "restrict " SSH_TYPE " " SSH_BLOB,
		SSH_TYPE " " SSH_BLOB "\n" SSH_TYPE " " SSH_BLOB,
		SSH_TYPE " =", SSH_TYPE " ====", SSH_TYPE " AAAA",
		SSH_TYPE " " SSH_BLOB "=", SSH_TYPE " A" SSH_BLOB,
		SSH_TYPE " AAAA" SSH_BLOB, SSH_BLOB, "hello " SSH_BLOB,
		"ssh- " SSH_BLOB, SSH_TYPE " AA=A", SSH_TYPE " A===",
	};
	struct fo_jwk jwk;

	for (size_t i = 0; i < COUNT(lines); i++)
		cr_expect_eq(from_ssh(lines[i], &jwk), FO_ERR_FORMAT, "%s",
		    lines[i]);
}

Test(jwk_from_ssh, a_change_of_any_character_is_refused_or_another_key)
{
	static const char good[] = SSH_TYPE " " SSH_BLOB;
	const size_t blob = sizeof(SSH_TYPE);
	/* 39 bytes before the point are type, curve and lengths */
	const size_t fixed = (39 + 1) * 4 / 3;
	char line[sizeof(good)];
	struct fo_jwk jwk;

	for (size_t i = blob; i < sizeof(good) - 1; i++) {
		memcpy(line, good, sizeof(good));
		line[i] = line[i] == 'B' ? 'C' : 'B';
		if (from_ssh(line, &jwk) == FO_OK) {
			char jkt[FO_JKT_SIZE];

			cr_expect_geq(i, blob + fixed - 1, "%zu", i);
			cr_assert_eq(fo_jwk_thumbprint(&jwk, jkt), FO_OK);
			cr_expect_str_neq(jkt, FORGE_JKT);
		}
	}
}

Test(jwk_from_ssh, the_alphabet_of_urls_is_another_one)
{
	static const char good[] = SSH_TYPE " " SSH_BLOB;
	char line[sizeof(good)];
	struct fo_jwk jwk;

	for (size_t i = sizeof(SSH_TYPE); i < sizeof(good) - 1; i++)
		for (size_t k = 0; k < 2; k++) {
			memcpy(line, good, sizeof(good));
			line[i] = "-_"[k];
			cr_expect_eq(from_ssh(line, &jwk), FO_ERR_FORMAT,
			    "%zu", i);
		}
}

Test(jwk_from_ssh, what_is_far_too_long_is_refused)
{
	static char line[8192];
	struct fo_diag diag = { "" };
	struct fo_jwk jwk;

	memset(line, 'A', sizeof(line));
	memcpy(line, SSH_TYPE " ", sizeof(SSH_TYPE));
	cr_expect_eq(fo_jwk_from_ssh(line, sizeof(SSH_TYPE) + 4096, NULL,
	    &jwk), FO_ERR_FORMAT);
	memset(line, 'a', sizeof(line));
	memcpy(line, "ssh-", 4);
	cr_expect_eq(fo_jwk_from_ssh(line, 4096, &diag, &jwk),
	    FO_ERR_BAD_KEY);
	line[64] = '\0';
	cr_expect_not_null(strstr(diag.text, line));
	line[64] = 'a';
	line[65] = '\0';
	cr_expect_null(strstr(diag.text, line));
}

Test(jwk, is_read_up_to_its_limit)
{
	static char text[16386];
	struct fo_jwk jwk;

	memset(text, ' ', sizeof(text));
	memcpy(text, FORGE_JWK, strlen(FORGE_JWK));
	cr_expect_eq(fo_jwk_parse(text, 16385, NULL, &jwk), FO_ERR_FORMAT);
	cr_expect_eq(fo_jwk_parse(text, 16384, NULL, &jwk), FO_OK);
}

/* What the line before left in memory is no part of this one. */
Test(jwk_from_ssh, a_line_owes_nothing_to_the_one_before)
{
	static const char good[] = SSH_TYPE " " SSH_BLOB;
	struct fo_jwk jwk;

	for (size_t len = sizeof(SSH_TYPE); len < sizeof(good) - 1; len++) {
		cr_expect_eq(fo_jwk_from_ssh(good, sizeof(good) - 1, NULL,
		    &jwk), FO_OK);
		cr_expect_eq(fo_jwk_from_ssh(good, len, NULL, &jwk),
		    FO_ERR_FORMAT, "%zu", len);
	}
}

Test(jwk_from_ssh, a_cut_line_is_refused_wherever_it_is_cut)
{
	static const char good[] = SSH_TYPE " " SSH_BLOB;
	struct fo_jwk jwk;

	for (size_t i = 0; i < sizeof(good) - 1; i++)
		cr_expect_neq(fo_jwk_from_ssh(good, i, NULL, &jwk), FO_OK,
		    "%zu", i);
}

Test(jwk, needs_all_its_arguments)
{
	struct fo_jwk jwk = { { 0 }, { 0 } };
	char jkt[FO_JKT_SIZE];
	char *json = NULL;

	cr_expect_eq(fo_jwk_parse(NULL, 1, NULL, &jwk), FO_ERR_ARG);
	cr_expect_eq(fo_jwk_parse("{}", 2, NULL, NULL), FO_ERR_ARG);
	cr_expect_eq(fo_jwk_from_ssh(NULL, 1, NULL, &jwk), FO_ERR_ARG);
	cr_expect_eq(fo_jwk_from_ssh("x", 1, NULL, NULL), FO_ERR_ARG);
	cr_expect_eq(fo_jwk_check(NULL), FO_ERR_ARG);
	cr_expect_eq(fo_jwk_format(NULL, &json), FO_ERR_ARG);
	cr_expect_eq(fo_jwk_format(&jwk, NULL), FO_ERR_ARG);
	cr_expect_eq(fo_jwk_thumbprint(NULL, jkt), FO_ERR_ARG);
	cr_expect_eq(fo_jwk_thumbprint(&jwk, NULL), FO_ERR_ARG);
}
