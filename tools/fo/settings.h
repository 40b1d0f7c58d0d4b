/*
 * The settings of coding agents, which are theirs and their users': our hook
 * put in and taken out, and everything else left as it is.
 */
#ifndef FO_TOOL_SETTINGS_H
#define FO_TOOL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include <firstops/error.h>

/* Whose settings, and by which words our hook is known in them. */
enum settings_of { SETTINGS_CLAUDE, SETTINGS_CURSOR };

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

/* Do they have our hook, exactly as settings_edit would put it? */
bool settings_have(enum settings_of whose, const char *text, size_t len,
    const char *program);

#endif
