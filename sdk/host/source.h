/*
 * Where a client comes from: addresses and CIDR blocks, IPv4-mapped
 * addresses folded to IPv4. Names are never resolved.
 */
#ifndef FO_HOST_SOURCE_H
#define FO_HOST_SOURCE_H

#include <stdbool.h>

#include <firstops/error.h>

struct fo_source {
	int bits;			/* 32 or 128; 0: no address known */
	unsigned char bytes[16];
};

struct fo_cidr {
	struct fo_source base;		/* bits after prefix are zero */
	int prefix;
};

/*
 * Read an address as it stands in PAM_RHOST; brackets and an IPv6 zone are
 * fine. Anything else, NULL and "" included, is "not known": bits is 0.
 */
void fo_source_parse(const char *text, struct fo_source *ret);

/* "10.0.0.0/8", "fd00::/8", "10.2.3.4". FO_ERR_FORMAT otherwise, also when
 * bits after the prefix are set. */
FO_MUST_CHECK fo_err fo_cidr_parse(const char *text, struct fo_cidr *ret);

/* source->bits must not be 0. */
bool fo_cidr_contains(const struct fo_cidr *cidr,
    const struct fo_source *source);

#endif
