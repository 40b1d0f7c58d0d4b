/*
 * What can be wrong with a process that calls PAM.
 */
#ifndef TEST_TROUBLE_H
#define TEST_TROUBLE_H

#include <stdbool.h>

/*
 * Bring the calling process into a trouble, "NAME" or "NAME=VALUE", for the
 * rest of its life. false: there is no such trouble, or it cannot be had.
 *
 *   close=FD        a descriptor is closed
 *   nofile=N, fsize=N, nproc=N, memlock=N, core=N
 *                   that resource limit, soft and hard
 *   as=KIB          RLIMIT_AS leaves KIB more than there is now
 *   ignore=SIGNAL   a signal, by its number, is ignored
 *   block           all signals are blocked
 *   storm=US        an alarm each US microseconds, interrupting every call
 *   umask=OCTAL
 *   cwd             the working folder does not exist any more
 *   chroot=PATH
 *   user=UID        and the group of the same number
 *   configuration   libcrypto has read the machine's openssl.cnf
 *   engine=PATH     an OpenSSL engine gets every algorithm
 *   properties=TEXT default properties of OpenSSL's algorithms
 *   lies            libcrypto finds a digest zero, and junk a signature
 */
bool trouble(const char *word);

/* How many alarms came. */
int trouble_alarms(void);

#endif
