/*
 * Tickets: that somebody signed in, as the login helper saw it and the store
 * helper believes it. The web part carries them and cannot make one, so who
 * takes the web part over is nobody but those who sign in there.
 *
 *   USER "." EXPIRES "." MAC     USER and MAC in base64url
 */
#ifndef FO_FIRSTOPSD_TICKET_H
#define FO_FIRSTOPSD_TICKET_H

#include <stdint.h>

#include <firstops/error.h>

#define TICKET_VALID_S ((int64_t)8 * 3600)
#define TICKET_USER_MAX 64
#define TICKET_SIZE 192
#define TICKET_KEY_BYTES 32

/* What both helpers know, and nobody else. */
struct ticket_key {
	unsigned char bytes[TICKET_KEY_BYTES];
};

/*
 * Read the key from a file of root's, mode 0600, which the first to ask makes.
 * A new one ends all tickets.
 */
FO_MUST_CHECK fo_err ticket_key_open(const char *path, struct fo_diag *diag,
    struct ticket_key *ret_key);

/* now in seconds since 1970. FO_ERR_ARG: no user's name. */
FO_MUST_CHECK fo_err ticket_make(const struct ticket_key *key,
    const char *user, int64_t now, char ret_ticket[TICKET_SIZE]);

/* FO_ERR_FORMAT, FO_ERR_BAD_SIGNATURE: not one of ours. FO_ERR_STALE. */
FO_MUST_CHECK fo_err ticket_check(const struct ticket_key *key,
    const char *ticket, int64_t now, char ret_user[TICKET_USER_MAX + 1]);

#endif
