/*
 * The settings of coding agents, which are theirs and their users': our hook
 * put in and taken out, and everything else left as it is.
 */
#ifndef FO_TOOL_SETTINGS_H
#define FO_TOOL_SETTINGS_H

#include <stddef.h>

#include <firstops/error.h>

/* Whose settings, and by which words our hook is known in them. */
enum settings_of { SETTINGS_CLAUDE, SETTINGS_CURSOR };

/* How our hook is in them. */
enum settings_state {
	SETTINGS_WITHOUT,
	SETTINGS_OTHER,		/* in part, of another form, or another fo's */
	SETTINGS_OFF,		/* as it should be, and all hooks turned off */
	SETTINGS_WITH		/* just as settings_edit would put it */
};

/*
 * Settings as they would be with our hook (program: the path of fo) or, where
 * program is NULL, without. text NULL: there are none yet. *ret_text is NULL
 * if nothing is left that is worth a file; the caller frees it.
 *
 * FO_ERR_FORMAT: text is no such settings; the reason says why, and nothing is
 * to be written.
 */
FO_MUST_CHECK fo_err settings_edit(enum settings_of whose, const char *text,
    size_t len, const char *program, struct fo_diag *diag, char **ret_text);

/* Look. FO_ERR_FORMAT as above. */
FO_MUST_CHECK fo_err settings_look(enum settings_of whose, const char *text,
    size_t len, const char *program, struct fo_diag *diag,
    enum settings_state *ret_state);

#endif
