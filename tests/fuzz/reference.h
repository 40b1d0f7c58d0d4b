/*
 * The plain way to say what code under test says in a fast one: nothing here
 * is clever, so that it can be seen to be right.
 */
#ifndef FO_FUZZ_REFERENCE_H
#define FO_FUZZ_REFERENCE_H

#include <stdbool.h>

#include "host/event_read.h"
#include "host/policy.h"

/* '*' is any run of bytes, '?' one byte, everything else itself. */
bool reference_glob(const char *pattern, const char *text);

/* The effect of all login rules of policies on a login. */
fo_effect reference_login(const struct fo_policy *const *policies,
    size_t count, const struct fo_action *login);

/* Is it pam://HOST/SERVICE/USER, each byte of a part as it is or %XX? */
bool reference_target(const char *htu, const char *host, const char *service,
    const char *user);

/*
 * Ends the program unless text is "@cee:" and one strict JSON object of the
 * 27 keys in their order, at most 1000 bytes, with no byte in it that any
 * later hop could take for an escape.
 */
void reference_event(const char *text);

/*
 * Ends the program unless what was read as an event is one strict JSON object
 * with these values at its keys, and those that are missing are not in it.
 */
void reference_read(const struct fo_event_read *event);

/*
 * Is the value of a key in an event the encoding of this text: all of it, or
 * a start of it with the mark of a cut?
 */
bool reference_event_says(const char *event, const char *key,
    const char *text);

#endif
