/*
 * What the signer gives up, so that whoever gets hold of it has little.
 */
#ifndef FO_SIGNER_SANDBOX_H
#define FO_SIGNER_SANDBOX_H

#include <firstops/error.h>

/* Before there is a key: no core dump, no tracer, keys in locked memory. */
FO_MUST_CHECK fo_err sandbox_memory(struct fo_diag *diag);

/* Before the first client: no file, no program, no new kind of socket. */
FO_MUST_CHECK fo_err sandbox_calls(struct fo_diag *diag);

#endif
