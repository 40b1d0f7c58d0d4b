/*
 * The signer's protocol (sdk/PROTOCOL.md), for both of its sides.
 */
#ifndef FO_SRC_SIGNER_H
#define FO_SRC_SIGNER_H

#include <firstops/signer.h>

#include "base/frame.h"

/* So many bytes has the JSON of a message (base/frame.h) at most. */
#define FO_SIGNER_MESSAGE_MAX FO_FRAME_MAX

#define FO_SIGNER_SCHEME "signer:"

/*
 * The key that uri names, "signer:PATH" or "signer:PATH#THUMBPRINT": see
 * fo_key_load.
 */
FO_MUST_CHECK fo_err fo_signer_load(const char *uri, struct fo_diag *diag,
    struct fo_key **ret_key);

/*
 * The URI of the signer's first key. FO_ERR_NOT_FOUND: no signer runs, or it
 * has no key. Of a locked one it is the signer's own.
 */
FO_MUST_CHECK fo_err fo_signer_find(char **ret_uri);

/* Sign with a key that the signer holds. */
FO_MUST_CHECK fo_err fo_signer_sign_with(const struct fo_key *key,
    const struct fo_request *req, char **ret_proof);

#endif
