/*
 * How far a sealed trail has come in a log.
 *
 * The last texts of a trail or of a log: where the last of a trail are the
 * last of a log, the trail has come there. A log that has had fewer so far
 * begins in the middle: then its few have to be the last of the trail. More
 * than one is compared since a log may have the same text twice.
 */
#ifndef FO_HOST_SEAL_TAIL_H
#define FO_HOST_SEAL_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>

#include "base/sha256.h"

#define FO_SEAL_TAIL 64

struct fo_seal_tail {
	unsigned char digest[FO_SEAL_TAIL][FO_SHA256_BYTES];
	uint64_t count;		/* of all, also of those no longer here */
};

FO_MUST_CHECK fo_err fo_seal_tail_add(struct fo_seal_tail *tail,
    const char *text, size_t len);
/* most: so many of the last are compared, at most FO_SEAL_TAIL. */
bool fo_seal_tail_reached(const struct fo_seal_tail *trail,
    const struct fo_seal_tail *log, size_t most);
/* Is the last text of the log among the last of the trail? */
bool fo_seal_tail_has(const struct fo_seal_tail *trail,
    const struct fo_seal_tail *log);

#endif
