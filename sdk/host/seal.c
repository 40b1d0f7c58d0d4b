/*
 * The lines of a sealed trail: read, written, signed and checked.
 */
#include "seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "base/diag.h"
#include "rfc3339.h"

/* Digits of a number: more than anybody counts to, and no overflow. */
#define MAX_DIGITS 18
#define HASH_LEN (FO_SHA256_TEXT_SIZE - 1)
/* "firstops-seal:HOST:C:K:N:HASH" */
#define HTU_SIZE (FO_HOST_MAX + HASH_LEN + 2 * MAX_DIGITS + 32)

/* ---- words of a line ----------------------------------------------------- */

struct words {
	const char *p;
	const char *end;
};

/* The next word, which one space or the end ends; false: there is none. */
static bool
take_word(struct words *words, const char **ret_at, size_t *ret_len)
{
	const char *at = words->p;
	const char *stop;

	if (at == NULL || at == words->end)
		return false;
	stop = memchr(at, ' ', (size_t)(words->end - at));
	words->p = stop != NULL ? stop + 1 : NULL;
	*ret_at = at;
	*ret_len = (size_t)((stop != NULL ? stop : words->end) - at);

	return *ret_len > 0;
}

/* A word that fits, as a text of its own. */
static bool
take_text(struct words *words, char *ret, size_t size)
{
	const char *at;
	size_t len;

	if (!take_word(words, &at, &len) || len >= size ||
	    memchr(at, '\0', len) != NULL)
		return false;
	memcpy(ret, at, len);
	ret[len] = '\0';

	return true;
}

/* A whole number as it is written: no sign, no zero before it. */
static bool
take_number(struct words *words, uint64_t *ret)
{
	uint64_t n = 0;
	const char *at;
	size_t len, i;

	if (!take_word(words, &at, &len) || len > MAX_DIGITS ||
	    (at[0] == '0' && len > 1))
		return false;
	for (i = 0; i < len; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(at[i] - '0');
	}
	*ret = n;

	return true;
}

static bool
take_hash(struct words *words, char ret[FO_SHA256_TEXT_SIZE])
{
	unsigned char digest[FO_SHA256_BYTES];
	size_t n;

	return take_text(words, ret, FO_SHA256_TEXT_SIZE) &&
	    fo_b64url_decode(ret, strlen(ret), digest, sizeof(digest), &n) ==
	    FO_OK && n == sizeof(digest);
}

/* What is left of the line, at least one byte. */
static bool
take_rest(struct words *words, const char **ret_at, size_t *ret_len)
{
	if (words->p == NULL || words->p == words->end)
		return false;
	*ret_at = words->p;
	*ret_len = (size_t)(words->end - words->p);
	words->p = NULL;

	return true;
}

/* ---- reading ------------------------------------------------------------- */

/* What a file goes on after: "0 0 -" for nothing, else all three. */
static bool
take_before(struct words *words, struct fo_seal_line *line)
{
	char none[2];

	if (!take_number(words, &line->point) ||
	    !take_number(words, &line->number))
		return false;
	if (line->point > 0 || line->number > 0)
		return take_hash(words, line->hash);

	return take_text(words, none, sizeof(none)) && none[0] == '-';
}

/* S 1 HOST JKT TIME K N HASH */
static fo_err
read_start(struct words *words, struct fo_diag *diag,
    struct fo_seal_line *line)
{
	char time[FO_TIME_SIZE];
	uint64_t version;

	if (!take_number(words, &version)) {
		fo_diag_set(diag, "it says no version");
		return FO_ERR_FORMAT;
	}
	if (version != FO_SEAL_VERSION) {
		fo_diag_set(diag, "it is of version %" PRIu64 ", which this"
		    " program does not know", version);
		return FO_ERR_FORMAT;
	}
	if (!take_text(words, line->host, sizeof(line->host)) ||
	    !fo_host_ok(line->host) ||
	    !take_text(words, line->jkt, sizeof(line->jkt)) ||
	    !fo_jkt_ok(line->jkt) ||
	    !take_text(words, time, sizeof(time)) ||
	    fo_time_parse(time, &line->time_s) != FO_OK ||
	    !take_before(words, line) || words->p != NULL) {
		fo_diag_set(diag, "not \"S 1 HOST JKT TIME K N HASH\"");
		return FO_ERR_FORMAT;
	}

	return FO_OK;
}

/* R N HASH @cee:{...} */
static fo_err
read_record(struct words *words, struct fo_diag *diag,
    struct fo_seal_line *line)
{
	const char *at;
	size_t len;
	fo_err r;

	if (!take_number(words, &line->number) || line->number == 0 ||
	    !take_hash(words, line->hash) || !take_rest(words, &at, &len)) {
		fo_diag_set(diag, "not \"R N HASH @cee:{...}\"");
		return FO_ERR_FORMAT;
	}
	if ((r = fo_event_read(at, len, diag, &line->event)) != FO_OK)
		return r;
	if (line->event.len != len || len > FO_SEAL_EVENT_MAX) {
		fo_diag_set(diag, len > FO_SEAL_EVENT_MAX ? "its event is too"
		    " long" : "something follows its event");
		return FO_ERR_FORMAT;
	}

	return FO_OK;
}

/* C K N HASH PROOF */
static fo_err
read_point(struct words *words, struct fo_diag *diag,
    struct fo_seal_line *line)
{
	if (!take_number(words, &line->point) || line->point == 0 ||
	    !take_number(words, &line->number) ||
	    !take_hash(words, line->hash) ||
	    !take_rest(words, &line->text, &line->len) ||
	    line->len > FO_PROOF_MAX_BYTES ||
	    !fo_proof_looks_like(line->text, line->len)) {
		fo_diag_set(diag, "not \"%c K N HASH PROOF\"", line->kind);
		return FO_ERR_FORMAT;
	}

	return FO_OK;
}

static fo_err
read_kind(struct words *words, struct fo_diag *diag,
    struct fo_seal_line *line)
{
	const char *at;
	size_t len;

	if (!take_word(words, &at, &len) || len != 1) {
		fo_diag_set(diag, "it begins with none of S, R, C and E");
		return FO_ERR_FORMAT;
	}
	line->kind = at[0];
	switch (line->kind) {
	case 'S':
		return read_start(words, diag, line);
	case 'R':
		return read_record(words, diag, line);
	case 'C':
	case 'E':
		return read_point(words, diag, line);
	default:
		fo_diag_set(diag, "it begins with none of S, R, C and E");
		return FO_ERR_FORMAT;
	}
}

fo_err
fo_seal_line_read(const char *text, size_t len, struct fo_diag *diag,
    struct fo_seal_line *ret)
{
	struct words words = { text, text + len };
	struct fo_seal_line line = { .kind = 0 };
	fo_err r;

	if (len > FO_SEAL_LINE_MAX) {
		fo_diag_set(diag, "it is too long");
		return FO_ERR_FORMAT;
	}
	if ((r = read_kind(&words, diag, &line)) != FO_OK)
		return r;

	*ret = line;
	return FO_OK;
}

/* ---- checkpoints --------------------------------------------------------- */

/* What the proof of a checkpoint is for: all that the line says. */
static void
write_htu(char ret_htu[HTU_SIZE], const char *host, char kind, uint64_t point,
    uint64_t number, const char *hash)
{
	(void)snprintf(ret_htu, HTU_SIZE, "firstops-seal:%s:%c:%" PRIu64
	    ":%" PRIu64 ":%s", host, kind, point, number, hash);
}

/*
 * A proof of any age counts: what is asked is not whether it is fresh but
 * whether it was signed, and its iat says when.
 */
fo_err
fo_seal_point_check(struct fo_seal_line *line, const char *host,
    const char *jkt, struct fo_verifier *verifier, struct fo_diag *diag)
{
	char htu[HTU_SIZE], time[FO_TIME_SIZE];
	struct fo_expect want = { .htm = FO_SEAL_HTM, .htu = htu, .jkt = jkt,
		.nonce_rule = FO_NONCE_IGNORE, .verifier = verifier,
		.diag = diag };
	struct fo_proof *proof = NULL;
	fo_err r;

	write_htu(htu, host, line->kind, line->point, line->number,
	    line->hash);
	if ((r = fo_proof_parse(line->text, line->len, diag, &proof)) !=
	    FO_OK)
		return r;
	want.now = fo_proof_iat(proof);
	if (fo_time_format(want.now, time) != FO_OK) {
		fo_diag_set(diag, "its time is none");
		r = FO_ERR_MALFORMED;
		goto out;
	}
	if ((r = fo_proof_check(proof, &want)) != FO_OK)
		goto out;

	line->time_s = want.now;
	r = FO_OK;
out:
	fo_proof_free(&proof);
	return r;
}

fo_err
fo_seal_point(const struct fo_seal *seal, char kind, const struct fo_key *key,
    int64_t now_s, struct fo_diag *diag, struct fo_buf *line,
    struct fo_seal *ret)
{
	char htu[HTU_SIZE];
	const struct fo_request request = { .htm = FO_SEAL_HTM, .htu = htu,
		.iat = now_s, .diag = diag };
	struct fo_seal next = *seal;
	char *proof = NULL;
	fo_err r;

	next.point++;
	write_htu(htu, seal->host, kind, next.point, seal->number,
	    seal->hash);
	if ((r = fo_proof_sign(key, &request, &proof)) != FO_OK)
		return r;
	fo_buf_addf(line, "%c %" PRIu64 " %" PRIu64 " %s %s\n", kind,
	    next.point, seal->number, seal->hash, proof);
	fo_proof_text_free(&proof);
	if (line->err != FO_OK)
		return line->err;

	*ret = next;
	return FO_OK;
}

/* ---- the chain ----------------------------------------------------------- */

fo_err
fo_seal_start(const struct fo_seal *after, const char *host, const char *jkt,
    int64_t time_s, struct fo_buf *line, struct fo_seal *ret)
{
	const bool none = after->point == 0 && after->number == 0;
	struct fo_seal next = { .point = after->point,
		.number = after->number };
	const size_t begin = line->len;
	char time[FO_TIME_SIZE];
	fo_err r;

	if ((r = fo_time_format(time_s, time)) != FO_OK)
		return r;
	if (!fo_host_ok(host) || !fo_jkt_ok(jkt))
		return FO_ERR_ARG;
	memcpy(next.host, host, strlen(host) + 1);
	memcpy(next.jkt, jkt, strlen(jkt) + 1);
	fo_buf_addf(line, "S %d %s %s %s %" PRIu64 " %" PRIu64 " %s",
	    FO_SEAL_VERSION, host, jkt, time, after->point, after->number,
	    none ? "-" : after->hash);
	if (line->err != FO_OK)
		return line->err;
	if ((r = fo_sha256_text(line->data + begin, line->len - begin,
	    next.hash)) != FO_OK)
		return r;
	fo_buf_adds(line, "\n");
	if (line->err != FO_OK)
		return line->err;

	*ret = next;
	return FO_OK;
}

/*
 * The line is written with the HASH before it, hashed, and given its own,
 * which is as long.
 */
fo_err
fo_seal_record(const struct fo_seal *seal, const char *text, size_t len,
    struct fo_buf *line, struct fo_seal *ret)
{
	struct fo_seal next = *seal;
	const size_t begin = line->len;
	size_t hash_at;
	fo_err r;

	if (len > FO_SEAL_EVENT_MAX)
		return FO_ERR_TOO_LONG;
	next.number++;
	fo_buf_addf(line, "R %" PRIu64 " ", next.number);
	hash_at = line->len;
	fo_buf_addf(line, "%s ", seal->hash);
	fo_buf_add(line, text, len);
	if (line->err != FO_OK)
		return line->err;
	if ((r = fo_sha256_text(line->data + begin, line->len - begin,
	    next.hash)) != FO_OK)
		return r;
	memcpy(line->data + hash_at, next.hash, HASH_LEN);
	fo_buf_adds(line, "\n");
	if (line->err != FO_OK)
		return line->err;

	*ret = next;
	return FO_OK;
}
