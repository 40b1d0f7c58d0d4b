/*
 * Ending the sessions of a principal that has just been refused.
 */
#ifndef FO_TOOL_SESSIONS_H
#define FO_TOOL_SESSIONS_H

#include "admin.h"

struct json;

/*
 * End every session of the principal, or only those that were opened with
 * the key jkt, within SESSIONS_END_MS, and tell each in an event. What cannot
 * be ended is listed with the remedy. For people that is printed; for
 * machines it goes into json, "sessions" and "left". The principal's file
 * says already that it is refused, so a session that opens meanwhile either
 * is on record here or reads that and fails.
 *
 * The exit code: FO_EXIT_TROUBLE if a session is still open.
 */
int sessions_end(const struct admin *admin,
    const struct fo_principal *principal, const char *jkt,
    struct json *json);

#define SESSIONS_END_MS 2000

#endif
