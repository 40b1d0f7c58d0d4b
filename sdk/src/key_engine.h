/*
 * PKCS#11 through OpenSSL's ENGINE API, which is deprecated and of the whole
 * process, and all that Debian 12 has. Built in with FIRSTOPS_ENGINE.
 */
#ifndef FO_SRC_KEY_ENGINE_H
#define FO_SRC_KEY_ENGINE_H

#include <openssl/types.h>

#include <firstops/error.h>
#include <firstops/key.h>

/*
 * uri       pkcs11: (RFC 7512)
 * ask, arg  asked for the PIN where uri has none
 *
 * FO_ERR_FORMAT: no PIN was given, or a wrong one. FO_ERR_NOT_FOUND: no
 * engine, or no such key. *ret_engine is freed after the key. Untouched on
 * failure.
 */
FO_MUST_CHECK fo_err fo_engine_load(const char *uri, fo_passphrase_cb ask,
    void *arg, struct fo_diag *diag, ENGINE **ret_engine,
    EVP_PKEY **ret_pkey);

void fo_engine_free(ENGINE *engine);

#endif
