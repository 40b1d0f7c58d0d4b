/*
 * How far a sealed trail has come in a log.
 */
#include "seal_tail.h"

#include <string.h>

fo_err
fo_seal_tail_add(struct fo_seal_tail *tail, const char *text, size_t len)
{
	fo_err r;

	r = fo_sha256(text, len, tail->digest[tail->count % FO_SEAL_TAIL]);
	if (r == FO_OK)
		tail->count++;

	return r;
}

/* The one that was added so many before the last. */
static const unsigned char *
before_last(const struct fo_seal_tail *tail, uint64_t ago)
{
	return tail->digest[(tail->count - 1 - ago) % FO_SEAL_TAIL];
}

static bool
is_same(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, FO_SHA256_BYTES) == 0;
}

bool
fo_seal_tail_reached(const struct fo_seal_tail *trail,
    const struct fo_seal_tail *log, size_t most)
{
	uint64_t i, n = most < FO_SEAL_TAIL ? most : FO_SEAL_TAIL;

	n = n < trail->count ? n : trail->count;
	n = n < log->count ? n : log->count;
	for (i = 0; i < n; i++)
		if (!is_same(before_last(trail, i), before_last(log, i)))
			return false;

	return n > 0;
}

bool
fo_seal_tail_has(const struct fo_seal_tail *trail,
    const struct fo_seal_tail *log)
{
	uint64_t i;

	if (log->count == 0)
		return false;
	for (i = 0; i < FO_SEAL_TAIL && i < trail->count; i++)
		if (is_same(before_last(trail, i), before_last(log, 0)))
			return true;

	return false;
}
