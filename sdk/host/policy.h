/*
 * Policies: rules that allow, deny or ask, and how they are weighed.
 *
 * Pure: no clock, no file, no environment. Deny by default; any matching
 * deny wins, then ask, then allow.
 */
#ifndef FO_HOST_POLICY_H
#define FO_HOST_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>

#include "names.h"
#include "source.h"

typedef enum fo_effect {
	FO_EFFECT_DENY = 0,
	FO_EFFECT_ASK,
	FO_EFFECT_ALLOW
} fo_effect;

typedef enum fo_channel {
	FO_CHANNEL_LOGIN,
	FO_CHANNEL_COMMAND,
	FO_CHANNEL_FILE,
	FO_CHANNEL_TOOL,
	FO_CHANNEL_HTTP
} fo_channel;

/* When a rule holds: days and minutes of the day at a fixed offset. */
struct fo_hours {
	unsigned int days;	/* bit 0 Monday ... bit 6 Sunday */
	int from_min;		/* 0 to 1439 */
	int to_min;		/* 0 to 1440, not included; both 0: all day */
	int offset_min;		/* -1439 to 1439 */
};

struct fo_rule {
	char name[FO_NAME_MAX + 1];
	size_t line;
	fo_effect effect;
	fo_channel channel;
	char **services;	/* NULL: no such condition */
	char **accounts;
	char **hosts;
	struct fo_cidr *sources;
	size_t sources_count;	/* 0: no such condition */
	struct fo_hours *hours;	/* NULL: no such condition */
	char **commands;	/* the conditions of the other channels, */
	char **paths;		/* read and checked; */
	char **tools;		/* a login never meets them */
	char **methods;
	char **urls;
};

struct fo_policy {
	char name[FO_NAME_MAX + 1];
	struct fo_rule *rules;
	size_t rules_count;
};

/* name: the file's path; policy: what the file is called. */
FO_MUST_CHECK fo_err fo_policy_parse(const char *name, const char *policy,
    const char *text, size_t len, struct fo_diag *diag,
    struct fo_policy **ret_policy);
void fo_policy_free(struct fo_policy **policy);

/* A login that is asked about. Texts may be NULL: not known. */
struct fo_login {
	const char *service;
	const char *account;
	const char *host;
	struct fo_source source;
	int64_t now;		/* seconds since 1970 */
};

/* What was decided, and by which rule. */
struct fo_verdict {
	fo_effect effect;	  /* zero is deny */
	const char *policy;	  /* borrowed; NULL: no rule matched */
	const char *rule;
};

/* Weigh the login rules of all policies (each once). Never fails. */
void fo_policy_login(const struct fo_policy *const *policies, size_t count,
    const struct fo_login *login, struct fo_verdict *ret_verdict);

const char *fo_effect_word(fo_effect effect);
const char *fo_channel_word(fo_channel channel);

#endif
