/*
 * What the signer gives up, so that whoever gets hold of it has little.
 */
#ifndef FO_SIGNER_SANDBOX_H
#define FO_SIGNER_SANDBOX_H

#include <stdbool.h>

#include <firstops/error.h>

/* Before libcrypto is used: what it gives back is wiped. */
FO_MUST_CHECK bool sandbox_begin(void);

/* Before there is a key: no core dump, no tracer, keys in locked memory. */
FO_MUST_CHECK fo_err sandbox_memory(struct fo_diag *diag);

/*
 * Before the first client: no program, no code that was not there. devices: a
 * key is in one, whose driver may open files and sockets; else no file and no
 * socket is opened any more.
 */
FO_MUST_CHECK fo_err sandbox_calls(bool devices, struct fo_diag *diag);

#endif
