/*
 * Keys on a command line: a private one to sign with, a public one to name.
 */
#ifndef FO_TOOL_KEY_H
#define FO_TOOL_KEY_H

#include <firstops/jwk.h>
#include <firstops/key.h>

#include "verb.h"

/* No key file is longer. */
#define KEY_MAX_BYTES 16384

/*
 * Load the private key that the caller signs with: path, or where
 * fo_key_find looks. Reports what is wrong and returns the exit code.
 */
int key_load(const struct call *call, const char *path,
    struct fo_key **ret_key);

/*
 * Read the public key out of a text: a private key in PEM, a public JWK, or
 * an OpenSSH public key line. path is where it comes from, for reasons. The
 * point is checked to be on the curve.
 */
FO_MUST_CHECK fo_err key_read_public(const char *path, const char *text,
    size_t len, struct fo_diag *diag, struct fo_jwk *ret_jwk);

/*
 * The public key that the first operand names, a file or a key in a device;
 * without one, of the key that fo signs with. Reports what is wrong and
 * returns the exit code.
 */
int key_named(const struct call *call, struct fo_jwk *ret_jwk);

#endif
