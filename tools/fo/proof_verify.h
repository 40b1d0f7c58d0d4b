/*
 * What fo proof verify is asked, one at a time or in a batch.
 */
#ifndef FO_TOOL_PROOF_VERIFY_H
#define FO_TOOL_PROOF_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include <firstops/proof.h>

#include "verb.h"

/* Is this proof one for this request? Borrowed; NULL and -1: not given. */
struct question {
	const char *proof;
	size_t proof_len;
	const char *htm;
	const char *htu;
	const char *jkt;
	const char *nonce;
	const char *access_token;
	int64_t at;
	int64_t max_age_s;
	int64_t clock_skew_s;
};

/*
 * Answer it. FO_ERR_ARG: the question itself is wrong. verifier may be NULL.
 * ret_jkt is the key of a good proof.
 */
FO_MUST_CHECK fo_err proof_judge(const struct question *question,
    struct fo_verifier *verifier, struct fo_diag *diag,
    char ret_jkt[FO_JKT_SIZE]);

/* Answer questions from standard input until its end; the exit code. */
int proof_batch(const struct call *call);

#endif
