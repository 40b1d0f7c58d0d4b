/*
 * What firstopsd's helpers have in common: a socket that systemd made, whose
 * peers are the web part's, and a process of its own for each of them.
 */
#ifndef FO_FIRSTOPSD_HELPER_H
#define FO_FIRSTOPSD_HELPER_H

#include <stddef.h>
#include <sys/types.h>

/* The socket that was passed (sd_listen_fds(3)), or -1. */
int helper_socket(void);

/*
 * Accept for ever. A peer of another user than web is closed unheard; of the
 * others each gets a process that runs one and does not come back. At most so
 * many at once: those after them wait.
 */
_Noreturn void helper_serve(int listener, uid_t web, size_t at_once,
    void (*one)(int fd, const void *arg), const void *arg);

#endif
