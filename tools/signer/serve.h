/*
 * Clients of the signer: who they are, what they send, what they get.
 */
#ifndef FO_SIGNER_SERVE_H
#define FO_SIGNER_SERVE_H

#include <sys/types.h>

#include "ring.h"

struct server {
	struct ring *ring;
	int listener;
	int signals;	/* a signalfd: one that comes ends serving */
	int confirming;	/* confirm_start's; -1: nobody can be asked */
	uid_t uid;	/* whose clients are served */
	dev_t ns_dev;	/* our user namespace */
	ino_t ns_ino;
};

/* Until a signal comes. */
FO_MUST_CHECK fo_err serve(const struct server *server);

#endif
