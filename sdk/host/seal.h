/*
 * A sealed trail: events in a file in which each is chained to all before it,
 * and the chain is signed every so often.
 *
 *   S 1 HOST JKT TIME K N HASH	whose trail, which key, since when
 *   R N HASH @cee:{...}	the record N, an event
 *   C K N HASH PROOF		the checkpoint K, after record N
 *   E K N HASH PROOF		the same, where the sealing ended in order
 *
 * A line ends in a newline; records and checkpoints count from 1 without a
 * gap. An S line is the first of its file. Where a file goes on after another
 * one, it has the other's last K, N and HASH; where it does not, "0 0 -".
 *
 * The chain: the HASH of a record is SHA-256 over its line with the HASH
 * before it in the place of its own, "R N HASH @cee:{...}"; before the first
 * of a file that is SHA-256 over the S line. Checkpoints have the HASH of the
 * record before them and are not chained: their own number K and the proof
 * hold them in their places.
 *
 * PROOF is a DPoP proof by the key JKT, htm SEAL, htu
 * firstops-seal:HOST:C:K:N:HASH, or :E: where the sealing ended. Its iat is
 * when that was.
 *
 * Nothing here knows a clock, a file or what is printed.
 */
#ifndef FO_HOST_SEAL_H
#define FO_HOST_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>
#include <firstops/key.h>
#include <firstops/proof.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "event_read.h"
#include "names.h"

#define FO_SEAL_VERSION 1
#define FO_SEAL_HTM "SEAL"
/* An event of a later version may have so much. */
#define FO_SEAL_EVENT_MAX 65536
/* No line of a trail is longer, without its newline. */
#define FO_SEAL_LINE_MAX (FO_SEAL_EVENT_MAX + 128)

/* ---- lines ------------------------------------------------------------- */

/* A line, read. What is not of its kind is 0 and "". */
struct fo_seal_line {
	char kind;		/* 'S', 'R', 'C', 'E'; 0: none of them */
	uint64_t point;		/* K */
	uint64_t number;	/* N */
	char hash[FO_SHA256_TEXT_SIZE];	/* HASH; of S: before, "" for "-" */
	char host[FO_HOST_MAX + 1];
	char jkt[FO_JKT_SIZE];
	int64_t time_s;		/* of S; of C and E when they were signed */
	const char *text;	/* of C and E: PROOF; part of what was read */
	size_t len;
	struct fo_event_read event; /* of R */
};

/*
 * Read a line without its newline. Of the proof only its shape is looked at.
 * FO_ERR_FORMAT: it is none; the reason says why.
 */
FO_MUST_CHECK fo_err fo_seal_line_read(const char *text, size_t len,
    struct fo_diag *diag, struct fo_seal_line *ret);

/*
 * Is a checkpoint one that this key signed on this host? Sets line->time_s.
 * verifier: NULL, or one that is used again.
 *
 * FO_ERR_UNKNOWN_KEY: another key signed it; the reason says which. Other
 * words of refusal: nobody signed what it says.
 */
FO_MUST_CHECK fo_err fo_seal_point_check(struct fo_seal_line *line,
    const char *host, const char *jkt, struct fo_verifier *verifier,
    struct fo_diag *diag);

/* ---- writing ----------------------------------------------------------- */

/* How far a trail has come. */
struct fo_seal {
	char host[FO_HOST_MAX + 1];
	char jkt[FO_JKT_SIZE];
	uint64_t point;		/* of the last checkpoint */
	uint64_t number;	/* of the last record */
	char hash[FO_SHA256_TEXT_SIZE]; /* of the last record, or the S line */
};

/*
 * Each of these appends one line, with its newline, and says how far the
 * trail has come once that line is written: ret may be what was given, and is
 * untouched on failure. The caller looks at line->err, which is returned too.
 */

/* after: the trail that this file goes on with; point and number 0: none. */
FO_MUST_CHECK fo_err fo_seal_start(const struct fo_seal *after,
    const char *host, const char *jkt, int64_t time_s, struct fo_buf *line,
    struct fo_seal *ret);
FO_MUST_CHECK fo_err fo_seal_record(const struct fo_seal *seal,
    const char *text, size_t len, struct fo_buf *line, struct fo_seal *ret);
/* kind: 'C' or 'E'. */
FO_MUST_CHECK fo_err fo_seal_point(const struct fo_seal *seal, char kind,
    const struct fo_key *key, int64_t now_s, struct fo_diag *diag,
    struct fo_buf *line, struct fo_seal *ret);

#endif
