/*
 * A proof signed within a time: a key may be in the signer, which may ask a
 * person, or in a device that does not answer.
 */
#ifndef FO_TOOL_SIGNING_H
#define FO_TOOL_SIGNING_H

#include <firstops/proof.h>

/*
 * Sign with the key that every client finds (fo_key_find). With a limit that
 * is done in a process of its own, which is ended when the time is over; 0: as
 * long as it takes. The caller frees *ret_proof as fo_proof_sign's; the reason
 * goes to request->diag.
 *
 * FO_ERR_NOT_FOUND: there is no key. FO_ERR_IO: not within the time, too.
 */
FO_MUST_CHECK fo_err signing_proof(const struct fo_request *request,
    int limit_ms, char **ret_proof);

#endif
