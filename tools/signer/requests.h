/*
 * What the signer is asked, and what it answers (sdk/PROTOCOL.md).
 */
#ifndef FO_SIGNER_REQUESTS_H
#define FO_SIGNER_REQUESTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "ring.h"

#define PROMPT_SIZE 1024

struct answer {
	struct fo_buf text;		/* JSON */
	bool last;			/* nothing more is taken from it */
	char prompt[PROMPT_SIZE];	/* not "": ask this, and come again */
};

/*
 * Answer a request. agreed is the prompt that the person said yes to, or NULL;
 * if another one would have to be asked by now, it is. The caller clears
 * answer->text.
 */
void answer_request(struct ring *ring, const char *text, size_t len,
    const char *agreed, struct answer *answer);

/* The answer to what is no request, or may not be asked. */
void answer_refusal(fo_err why, const char *error, struct answer *answer);

#endif
