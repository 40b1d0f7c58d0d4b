/*
 * Keys whose private half cannot leave: in a TPM 2.0, by Debian's
 * tpm2-openssl; on a PKCS#11 token, by a provider or, where there is none, by
 * OpenSSL's ENGINE API.
 */
#ifndef FO_SRC_KEY_DEVICE_H
#define FO_SRC_KEY_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include <firstops/error.h>
#include <firstops/key.h>

#include "base/sha256.h"
#include "verifier.h"

struct fo_device;

/* Does a device hold what uri names, and no file? */
bool fo_device_uri(const char *uri);

/* The key that uri names: see fo_key_load. */
FO_MUST_CHECK fo_err fo_device_load(const char *uri, fo_passphrase_cb ask,
    void *arg, struct fo_diag *diag, struct fo_key **ret_key);

/* A PEM block "TSS2 PRIVATE KEY": a key that one TPM alone can unwrap. */
FO_MUST_CHECK fo_err fo_device_unwrap(const char *pem, size_t len,
    fo_passphrase_cb ask, void *arg, struct fo_diag *diag,
    struct fo_key **ret_key);

/* Is it in a file, for this device alone? Else it cannot be written. */
bool fo_device_wraps(const struct fo_device *device);

/* The public half alone, as a key of libctx (RFC 5280 4.1.2.7). */
FO_MUST_CHECK fo_err fo_device_public(const EVP_PKEY *pkey,
    OSSL_LIB_CTX *libctx, struct fo_diag *diag, EVP_PKEY **ret_public);

/*
 * Have the device sign, one thread at a time. What it gives is checked
 * against the public half before it is used.
 */
FO_MUST_CHECK fo_err fo_device_sign(const struct fo_key *key,
    const unsigned char digest[FO_SHA256_BYTES], struct fo_diag *diag,
    unsigned char ret_sig[FO_SIG_BYTES]);

/* Let it go, after the key of it; NULL is fine. */
void fo_device_free(struct fo_device **device);

#endif
