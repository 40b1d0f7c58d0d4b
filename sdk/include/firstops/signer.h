/*
 * The signer: a daemon of the user's own that holds private keys and composes
 * each proof itself (sdk/PROTOCOL.md). Whoever asks it names a request, and
 * never gives it bytes to sign.
 *
 * fo_key_load knows it too: a key named "signer:PATH#THUMBPRINT" signs there,
 * and fo_key_find finds it before the key in a file.
 */
#ifndef FIRSTOPS_SIGNER_H
#define FIRSTOPS_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>
#include <firstops/jwk.h>
#include <firstops/proof.h>

#ifdef __cplusplus
extern "C" {
#endif

/* So many keys, and of each so many bytes of name and of targets, at most. */
#define FO_SIGNER_KEYS_MAX 8
#define FO_SIGNER_NAME_SIZE 65
#define FO_SIGNER_TARGETS_SIZE 513

/* A connection. Not to be used by two threads at once. */
struct fo_signer;

/* What a key in the signer may be used for. Zero-initialise. */
struct fo_signer_terms {
	const char *name;	/* for people; printable ASCII; NULL: none */
	int64_t lifetime_s;	/* 0: until the signer ends */
	/*
	 * patterns with * and ?, apart by spaces, of what an htu is taken for:
	 * http(s) normalised, without query and fragment; NULL: any target
	 */
	const char *targets;
	bool confirm;		/* the person is asked each time */
};

/* A key that the signer holds. */
struct fo_signer_key {
	struct fo_jwk jwk;
	char thumbprint[FO_JKT_SIZE];
	char name[FO_SIGNER_NAME_SIZE];		/* "" without one */
	char targets[FO_SIGNER_TARGETS_SIZE];	/* "" for any */
	int64_t lifetime_s;			/* what is left; 0: no end */
	bool confirm;
};

/* What the signer holds. */
struct fo_signer_state {
	bool locked;
	size_t count;
	struct fo_signer_key keys[FO_SIGNER_KEYS_MAX];
};

/*
 * Where the signer's socket is: $XDG_RUNTIME_DIR/firstops/signer.sock. The
 * caller frees *ret_path with free(). FO_ERR_NOT_FOUND: XDG_RUNTIME_DIR is not
 * set, or not an absolute path.
 */
FO_API FO_MUST_CHECK fo_err fo_signer_path(struct fo_diag *diag,
    char **ret_path);

/*
 * Connect to the signer at path, or where fo_signer_path says if that is
 * NULL. The socket, and who listens there, have to be the caller's own
 * (effective) user.
 *
 * FO_ERR_NOT_FOUND: no socket, or nobody listens. FO_ERR_IO: somebody else's,
 * or it cannot be reached.
 *
 * Of all below: FO_ERR_IO and FO_ERR_FORMAT end the connection, and what is
 * asked on it then fails. An answer is waited for 10 s, that to
 * fo_signer_sign, since a person may be asked, 130 s.
 */
FO_API FO_MUST_CHECK fo_err fo_signer_connect(const char *path,
    struct fo_diag *diag, struct fo_signer **ret_signer);

/*
 * Have a proof made and signed by the key of that thumbprint, or the first one
 * if jkt is NULL. iat and jti are the signer's own: req->iat is not looked
 * at, req->jti must be NULL. Everything else, and who frees *ret_proof, is as
 * for fo_proof_sign; an access token stays here, its hash goes. The proof is
 * checked to be by the key of jkt.
 *
 * FO_ERR_NOT_FOUND: it has no such key. FO_ERR_LOCKED: it is locked.
 * FO_ERR_REFUSED: not a target of this key, or the person said no.
 */
FO_API FO_MUST_CHECK fo_err fo_signer_sign(struct fo_signer *signer,
    const char *jkt, const struct fo_request *req, char **ret_proof);

/*
 * Give it a private key, as unencrypted PEM; terms NULL: any use, no end. One
 * that it has already gets the new terms. FO_ERR_TOO_LONG: it holds no more.
 */
FO_API FO_MUST_CHECK fo_err fo_signer_add(struct fo_signer *signer,
    const char *pem, const struct fo_signer_terms *terms,
    struct fo_diag *diag, char ret_jkt[FO_JKT_SIZE]);

/* Take a key from it, or all if jkt is NULL. FO_ERR_NOT_FOUND: no such key. */
FO_API FO_MUST_CHECK fo_err fo_signer_remove(struct fo_signer *signer,
    const char *jkt, struct fo_diag *diag);

/*
 * Let it sign nothing, and add and remove nothing, until it is unlocked with
 * the same passphrase. FO_ERR_REFUSED: a wrong passphrase.
 */
FO_API FO_MUST_CHECK fo_err fo_signer_lock(struct fo_signer *signer,
    const char *passphrase, struct fo_diag *diag);
FO_API FO_MUST_CHECK fo_err fo_signer_unlock(struct fo_signer *signer,
    const char *passphrase, struct fo_diag *diag);

/* What it holds. A locked one tells nothing but that. */
FO_API FO_MUST_CHECK fo_err fo_signer_list(struct fo_signer *signer,
    struct fo_diag *diag, struct fo_signer_state *ret_state);

/* Close; *signer is NULL afterwards; signer or *signer may be NULL. */
FO_API void fo_signer_free(struct fo_signer **signer);

#ifdef __cplusplus
}
#endif

#endif
