/*
 * An access group: a name for a list of policies.
 */
#ifndef FO_HOST_GROUP_H
#define FO_HOST_GROUP_H

#include <stddef.h>

#include <firstops/error.h>

#include "names.h"

/* The group that applies to every principal. */
#define FO_GROUP_DEFAULT "default"

struct fo_group {
	char name[FO_NAME_MAX + 1];
	char *description;	/* never NULL */
	char **policies;	/* NULL at end */
};

/* name: the file's path; group: what the file is called. */
FO_MUST_CHECK fo_err fo_group_parse(const char *name, const char *group,
    const char *text, size_t len, struct fo_diag *diag,
    struct fo_group **ret_group);
void fo_group_free(struct fo_group **group);

#endif
