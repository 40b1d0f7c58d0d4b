/*
 * A pam.d file, read as libpam reads it: includes in place, comments gone.
 */
#ifndef FO_TOOL_PAMD_H
#define FO_TOOL_PAMD_H

#include <stddef.h>

#include <firstops/error.h>

struct pamd_line {
	char *kind;	/* auth, account, password, session */
	char *control;	/* "required", "[success=1 default=ignore]" */
	char *module;	/* without its folder */
	char *args;	/* "" if there are none */
};

struct pamd {
	struct pamd_line *list;
	size_t count;
};

/*
 * Read FOLDER/SERVICE with everything it includes. FO_ERR_NOT_FOUND: there is
 * no such file. Lines that cannot be understood are left out, as libpam does.
 */
FO_MUST_CHECK fo_err pamd_load(const char *folder, const char *service,
    struct pamd *ret_stack);
void pamd_clear(struct pamd *stack);

#endif
