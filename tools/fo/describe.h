/*
 * What a principal is described by on a command line: names and lists, and
 * whether the store knows them.
 */
#ifndef FO_TOOL_DESCRIBE_H
#define FO_TOOL_DESCRIBE_H

#include "host/names.h"
#include "host/principal.h"
#include "host/store.h"

#include "admin.h"

/* Options that create and edit share, by what help says of them. */
#define DESCRIBE_GROUPS { "groups", "A,B", "its access groups" }
#define DESCRIBE_POLICIES { "policies", "A,B", "policies of its own" }
#define DESCRIBE_ACCOUNTS { "accounts", "A,S:B", "accounts it may become:" \
    " anywhere, or at service S" }

/*
 * Each reports what is wrong with a value and returns the exit code. option
 * is the option's name. A list replaces *list; NULL and "" are empty ones.
 */
int describe_name(const struct call *call, const char *what,
    const char *name, char ret[FO_NAME_MAX + 1]);
int describe_names(const struct call *call, const char *option,
    const char *text, char ***list);
int describe_accounts(const struct call *call, const char *option,
    const char *text, char ***list);

/* Would the store's reader take what would be written of this principal? */
int describe_readable(const struct call *call,
    const struct fo_principal *principal);

/* Does the store have the groups and policies that it names? */
int describe_check(const struct admin *admin,
    const struct fo_principal *principal);

#endif
