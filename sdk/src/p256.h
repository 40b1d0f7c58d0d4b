/*
 * P-256 as libcrypto wants it named and encoded.
 */
#ifndef FO_SRC_P256_H
#define FO_SRC_P256_H

#include <string.h>

#include <firstops/jwk.h>

/*
 * EC, fetched by OID (RFC 5480 2.1.1): a name that it knows libcrypto looks up
 * in the engine table of the process first, whatever the library context.
 */
#define FO_EC_OID "1.2.840.10045.2.1"
#define FO_P256_GROUP "prime256v1"

/* An uncompressed point, 04 x y (SEC 1 2.3.3): the only form that we use. */
#define FO_P256_POINT_BYTES (1 + 2 * FO_COORD_BYTES)

/* SEQUENCE of two INTEGERs, 33 bytes at most each. */
#define FO_DER_SIG_MAX (2 + 2 * (2 + 33))

static inline void
fo_p256_point(const struct fo_jwk *jwk,
    unsigned char point[FO_P256_POINT_BYTES])
{
	point[0] = 0x04;
	memcpy(point + 1, jwk->x, FO_COORD_BYTES);
	memcpy(point + 1 + FO_COORD_BYTES, jwk->y, FO_COORD_BYTES);
}

#endif
