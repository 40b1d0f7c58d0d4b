/*
 * libfirstops: first-class cryptographic identity for agents and people.
 *
 *   key.h        a private ES256 key, from a file or new
 *   jwk.h        its public half and thumbprint
 *   proof.h      DPoP proofs, made and checked
 *   target.h     what a proof is for
 *   challenge.h  the prompt that asks for one
 *   error.h      results in numbers, words and sentences
 */
#ifndef FIRSTOPS_FIRSTOPS_H
#define FIRSTOPS_FIRSTOPS_H

#include <firstops/challenge.h>
#include <firstops/error.h>
#include <firstops/jwk.h>
#include <firstops/key.h>
#include <firstops/proof.h>
#include <firstops/signer.h>
#include <firstops/target.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FO_VERSION "1.0.0"

/* The version of the library that runs, "MAJOR.MINOR.PATCH". */
FO_API const char *fo_version(void);

#ifdef __cplusplus
}
#endif

#endif
