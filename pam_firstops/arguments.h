/*
 * The arguments of the module's line in a pam.d file.
 */
#ifndef FO_PAM_ARGUMENTS_H
#define FO_PAM_ARGUMENTS_H

#include <stdbool.h>

#include <firstops/error.h>

struct fo_pam_arguments {
	const char *config_path; /* config=PATH; borrowed from argv */
	bool debug;		 /* an event for "no proof offered", too */
	bool lax;		 /* reserved accounts open to others */
};

/*
 * Read them all. *ret_arguments is always filled, with the defaults where
 * nothing usable was said, so that the event of a wrong line finds its sink.
 *
 * FO_ERR_ARG: an unknown, malformed or repeated argument; the reason names
 * it. There is no warning: a line that is half understood is not obeyed.
 */
FO_MUST_CHECK fo_err fo_pam_arguments_parse(int argc, const char *const *argv,
    struct fo_diag *diag, struct fo_pam_arguments *ret_arguments);

#endif
