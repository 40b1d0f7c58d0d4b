/*
 * Which entries of a log are wanted.
 */
#ifndef FO_TOOL_AUDIT_FILTER_H
#define FO_TOOL_AUDIT_FILTER_H

#include <stdbool.h>

#include <firstops/error.h>

#include "audit.h"

/* What a command line says; NULL: whichever. Borrowed. */
struct filter_text {
	const char *principal;
	const char *owner;
	const char *account;
	const char *service;
	const char *result;
	const char *why;
	const char *sid;
	const char *since;
	const char *until;
	const char *on;
	bool verified;
};

struct filter {
	struct filter_text text;
	struct log_span span;
};

/* FO_ERR_ARG: the reason says which text means nothing. */
FO_MUST_CHECK fo_err filter_read(const struct filter_text *text,
    struct fo_diag *diag, struct filter *ret);

/* An entry whose time is not known is in every span. */
bool filter_takes(const struct filter *filter, const struct audit_entry *entry);

#endif
