/*
 * How often somebody may try to log in: counted over all processes of
 * firstopsd-login, in memory that they share.
 */
#ifndef FO_FIRSTOPSD_LIMITS_H
#define FO_FIRSTOPSD_LIMITS_H

struct limits;

/* Shared with every process that is forked later. NULL: no memory. */
struct limits *limits_new(void);

/*
 * Count an attempt of user from rhost. 0: it may go on; else so many seconds
 * from now on it may.
 */
int limits_ask(struct limits *limits, const char *user,
    const char *rhost);

#endif
