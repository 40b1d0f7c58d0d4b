/*
 * Proofs for tests, right ones and wrong ones: whatever header and claims a
 * test writes, signed with a key that everybody knows.
 */
#ifndef TESTS_SUPPORT_FORGE_H
#define TESTS_SUPPORT_FORGE_H

#include <stddef.h>

#include <firstops/key.h>

/* The key of RFC 7515 A.3, which is public since it is printed there. */
#define FORGE_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define FORGE_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define FORGE_JKT "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
#define FORGE_XY "\"x\":\"" FORGE_X "\",\"y\":\"" FORGE_Y "\""
#define FORGE_JWK "{\"kty\":\"EC\",\"crv\":\"P-256\"," FORGE_XY "}"
#define FORGE_HEADER \
	"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":" FORGE_JWK "}"

/* The private key; the caller frees it. Aborts on failure. */
struct fo_key *forge_key(void);

/*
 * header "." claims "." signature. The texts are signed as they are, right or
 * wrong. The caller frees the proof. Aborts on failure.
 */
char *forge_proof(const char *header, const char *claims);

/* The same with lengths, for texts with a NUL in them. */
char *forge_proof_bytes(const char *header, size_t header_len,
    const char *claims, size_t claims_len);

/* The same with a signature as given instead of a right one. */
char *forge_unsigned(const char *header, const char *claims,
    const unsigned char *sig, size_t sig_len);

#endif
