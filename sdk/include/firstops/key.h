/*
 * A private ES256 key (EC P-256): what an agent or a person holds.
 *
 * A key has a library context of its own (OSSL_LIB_CTX), so that the
 * program's OpenSSL configuration and providers stay out of it. One key may
 * sign in several threads at once.
 */
#ifndef FIRSTOPS_KEY_H
#define FIRSTOPS_KEY_H

#include <stddef.h>

#include <firstops/error.h>
#include <firstops/jwk.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fo_key;

/*
 * Asked for the passphrase of an encrypted key.
 *
 * buf, size  where to write it, NUL included.
 * arg        what the caller of fo_key_load gave.
 *
 * Returns the length of the passphrase, or a negative number to give up. The
 * library wipes buf after use.
 */
typedef int (*fo_passphrase_cb)(char *buf, size_t size, void *arg);

/* Make a new key pair. The caller frees it with fo_key_free. */
FO_API FO_MUST_CHECK fo_err fo_key_generate(struct fo_key **ret_key);

/*
 * The same in a TPM 2.0, which signs and never gives the private half away.
 * fo_key_to_pem writes what this TPM alone can use ("TSS2 PRIVATE KEY").
 *
 * FO_ERR_NOT_FOUND: OpenSSL's provider tpm2 is not installed. FO_ERR_IO: no
 * TPM answers. The TPM's own libraries print such trouble to standard error,
 * unless TSS2_LOG=all+NONE is in the environment.
 */
FO_API FO_MUST_CHECK fo_err fo_key_generate_tpm(struct fo_diag *diag,
    struct fo_key **ret_key);

/*
 * Load a private key from a PEM file, SEC1 ("EC PRIVATE KEY"), PKCS#8
 * ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY") or a TPM's ("TSS2 PRIVATE KEY"); or
 * name one that cannot leave its device, which signs each proof then.
 *
 * uri   a path, or a file: URI; handle:0x81000001 for a key that stays in the
 *       TPM; pkcs11: (RFC 7512) for one on a token, with "?module-path=..."
 *       where p11-kit does not know its module; signer:PATH#THUMBPRINT for one
 *       that the signer at this socket holds (signer.h), without PATH the
 *       user's own, without #THUMBPRINT its first.
 * ask   called for the passphrase of an encrypted key, or for the PIN of a
 *       token if uri has none (pin-value, pin-source); NULL refuses.
 * diag  NULL, or where the reason goes: which file, what is wrong with it,
 *       how to mend it.
 *
 * FO_ERR_NOT_FOUND: no such file, no such key in the device or the signer, or
 * OpenSSL's provider for it is not installed. FO_ERR_IO: it cannot be read.
 * FO_ERR_LOCKED: the signer is locked.
 * FO_ERR_FORMAT: no private key in it, damaged, or the passphrase is wrong.
 * FO_ERR_BAD_KEY: a key, but not EC P-256.
 */
FO_API FO_MUST_CHECK fo_err fo_key_load(const char *uri, fo_passphrase_cb ask,
    void *arg, struct fo_diag *diag, struct fo_key **ret_key);

/* The same from PEM text in memory; pem is borrowed and not wiped. */
FO_API FO_MUST_CHECK fo_err fo_key_from_pem(const char *pem, size_t len,
    fo_passphrase_cb ask, void *arg, struct fo_diag *diag,
    struct fo_key **ret_key);

/*
 * Where a client finds its key when it is not told: path if not NULL, else
 * what FO_PRIVATE_KEY_PATH names, else the first key of the signer below
 * XDG_RUNTIME_DIR (signer.h), else ~/.config/firstops/key.pem (or under
 * XDG_CONFIG_HOME). Reads these environment variables and nothing else. A
 * signer that has no key, or does not answer, is passed over; a locked one is
 * not.
 *
 * The caller frees *ret_uri with free(). FO_ERR_NOT_FOUND: none of them.
 */
FO_API FO_MUST_CHECK fo_err fo_key_find(const char *path,
    struct fo_diag *diag, char **ret_uri);

/*
 * Write the private key as unencrypted PKCS#8 PEM with a closing newline.
 * FO_ERR_BAD_KEY: it is one that cannot leave its device, or the signer.
 * The caller wipes and frees *ret_pem with fo_key_pem_free.
 */
FO_API FO_MUST_CHECK fo_err fo_key_to_pem(const struct fo_key *key,
    char **ret_pem);

/* Wipe and free a PEM text; NULL is fine; *pem is NULL afterwards. */
FO_API void fo_key_pem_free(char **pem);

/* The public half. Untouched on failure. */
FO_API FO_MUST_CHECK fo_err fo_key_jwk(const struct fo_key *key,
    struct fo_jwk *ret_jwk);

/* The thumbprint of the public half: see fo_jwk_thumbprint. */
FO_API FO_MUST_CHECK fo_err fo_key_thumbprint(const struct fo_key *key,
    char ret_jkt[FO_JKT_SIZE]);

/* Wipe and free; *key is NULL afterwards; key or *key may be NULL. */
FO_API void fo_key_free(struct fo_key **key);

#ifdef __cplusplus
}
#endif

#endif
