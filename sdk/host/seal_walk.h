/*
 * A walk along a sealed trail (seal.h), line by line, up to what is wrong
 * first.
 */
#ifndef FO_HOST_SEAL_WALK_H
#define FO_HOST_SEAL_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>
#include <firstops/proof.h>

#include "seal.h"

typedef enum fo_seal_wrong {
	FO_SEAL_EMPTY = 0,	/* nothing yet, not even an S line */
	FO_SEAL_NO_POINT,	/* no checkpoint yet: nothing is proven */
	FO_SEAL_WHOLE,		/* nothing is wrong so far */
	FO_SEAL_UNREADABLE,	/* a line: the reason says why */
	FO_SEAL_NOT_NEXT,	/* the file does not go on where one ended */
	FO_SEAL_OTHER_KEY,	/* S line, or checkpoint: of another key */
	FO_SEAL_BAD_POINT,	/* nobody signed what the checkpoint says */
	FO_SEAL_CHANGED,	/* record first */
	FO_SEAL_MISSING,	/* first to last */
	FO_SEAL_EARLY,		/* last comes before first */
	FO_SEAL_TWICE,		/* first */
	FO_SEAL_LATE,		/* a checkpoint, after more than it signed */
	FO_SEAL_REMADE		/* records first to last, or the S line if
				 * first > last, were not those signed */
} fo_seal_wrong;

/* What is wrong first, and where. */
struct fo_seal_fault {
	fo_seal_wrong wrong;
	bool points;		/* first and last are of checkpoints */
	uint64_t first;
	uint64_t last;
	uint64_t point;		/* the checkpoint that shows it; 0: none */
	uint64_t line;		/* of its file, from 1 */
	struct fo_diag reason;
};

/* A walk along a trail, line by line. */
struct fo_seal_walk {
	const char *jkt;	/* NULL, or the key that must have signed */
	struct fo_verifier *verifier; /* NULL: one is made each time */
	bool chain_only;	/* proofs are not looked at */
	bool begun;		/* the file has had its S line */
	bool anything;		/* there was one at all */
	struct fo_seal seal;	/* up to where all is well */
	uint64_t first;		/* the first record is the one after this */
	uint64_t first_point;
	uint64_t sealed;	/* the record of the last checkpoint */
	uint64_t line;
	uint64_t sought;	/* once something is missing: does it come? */
	bool sought_point;
	bool open_end;		/* a record will say up to where it misses */
	struct fo_seal_fault fault;
};

/* jkt: NULL takes the key that the first line names. Both are borrowed. */
void fo_seal_walk_init(struct fo_seal_walk *walk, const char *jkt,
    struct fo_verifier *verifier);

/* What comes next is another file, which goes on where this one ends. */
void fo_seal_walk_next_file(struct fo_seal_walk *walk);

/*
 * Take the next line, without its newline. FO_OK: all is well up to here.
 * FO_ERR_FORMAT: something is wrong; walk->fault says what was wrong first.
 * Another error: there is no verdict.
 *
 * *ret_line is the line as far as it can be read, with kind 0 if it cannot,
 * whether something is wrong with it or not.
 */
FO_MUST_CHECK fo_err fo_seal_walk_line(struct fo_seal_walk *walk,
    const char *text, size_t len, struct fo_seal_line *ret_line);

/*
 * Could lines that follow still say more of what is wrong? What is missing
 * may come later.
 */
bool fo_seal_walk_goes_on(const struct fo_seal_walk *walk);

#endif
