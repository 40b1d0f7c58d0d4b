/*
 * What may still act for a principal whose sessions have been ended, and how
 * an admin ends that.
 */
#ifndef FO_TOOL_REMAINS_H
#define FO_TOOL_REMAINS_H

#include "admin.h"

struct json;

/*
 * List what no session record leads to: connections at services that open no
 * session, crontabs, queued jobs and lingering units of its accounts, and
 * processes of those accounts. Printed for people, put into json as "left"
 * for machines.
 */
void remains_list(const struct admin *admin,
    const struct fo_principal *principal, struct json *json);

#endif
