/*
 * What a principal is described by on a command line.
 */
#include "describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "out.h"
#include "principal.h"

int
describe_name(const struct call *call, const char *what, const char *name,
    char ret[FO_NAME_MAX + 1])
{
	if (!fo_name_ok(name))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "%s \"%s\": must"
		    " be 1 to %d of a-z 0-9 . _ -, beginning with a letter or"
		    " digit", what, name, FO_NAME_MAX);
	snprintf(ret, FO_NAME_MAX + 1, "%s", name);

	return FO_EXIT_DONE;
}

static int
set_list(const struct call *call, const char *option, const char *text,
    char ***list)
{
	char **made = NULL;
	fo_err r;

	r = list_parse(text != NULL && *text != '\0' ? text : NULL, &made);
	if (r == FO_ERR_NOMEM)
		return fail_err(call, r, NULL, NULL);
	if (r != FO_OK)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "--%s \"%s\": must be names with a comma between them",
		    option, text);
	list_free(list);
	*list = made;

	return FO_EXIT_DONE;
}

int
describe_names(const struct call *call, const char *option, const char *text,
    char ***list)
{
	size_t i;
	int code;

	if ((code = set_list(call, option, text, list)) != FO_EXIT_DONE)
		return code;
	for (i = 0; (*list)[i] != NULL; i++)
		if (!fo_name_ok((*list)[i]))
			return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
			    "--%s: \"%s\" is not a name", option,
			    (*list)[i]);

	return FO_EXIT_DONE;
}

int
describe_accounts(const struct call *call, const char *option,
    const char *text, char ***list)
{
	return set_list(call, option, text, list);
}

int
describe_readable(const struct call *call,
    const struct fo_principal *principal)
{
	struct fo_principal *copy = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	r = principal_copy(principal, &diag, &copy);
	fo_principal_free(&copy);
	if (r == FO_OK)
		return FO_EXIT_DONE;

	return fail(call, r == FO_ERR_FORMAT ? FO_EXIT_USAGE :
	    FO_EXIT_TROUBLE, r, "%s", diag.text[0] != '\0' ? diag.text :
	    fo_err_text(r));
}

/* Is there such a group or policy? Names the nearest one if not. */
static int
check_named(const struct admin *admin, const char *what, fo_store_part part,
    char *const *wanted)
{
	struct fo_diag diag = { "" };
	char **names;
	const char *near;
	size_t i, k;
	int code = FO_EXIT_DONE;
	fo_err r;

	if ((r = admin_names(admin, part, &diag, &names)) != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	for (i = 0; wanted[i] != NULL && code == FO_EXIT_DONE; i++) {
		for (k = 0; names[k] != NULL; k++)
			if (strcmp(names[k], wanted[i]) == 0)
				break;
		if (names[k] != NULL)
			continue;
		near = fo_name_nearest(wanted[i],
		    (const char *const *)names);
		code = near != NULL ?
		    fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
		    "there is no %s \"%s\"; did you mean \"%s\"?", what,
		    wanted[i], near) :
		    fail(admin->call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND,
		    "there is no %s \"%s\"; make %s/%s.d/%s.yaml first",
		    what, wanted[i], admin->store->folder,
		    part == FO_STORE_GROUPS ? "groups" : "policies",
		    wanted[i]);
	}
	list_free(&names);

	return code;
}

int
describe_check(const struct admin *admin,
    const struct fo_principal *principal)
{
	struct fo_policies policies = { 0 };
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if ((code = check_named(admin, "group", FO_STORE_GROUPS,
	    principal->groups)) != 0 ||
	    (code = check_named(admin, "policy", FO_STORE_POLICIES,
	    principal->policies)) != 0)
		return code;
	r = fo_store_policies(admin->store, principal, &diag, &policies);
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	fo_policies_clear(&policies);

	return FO_EXIT_DONE;
}
