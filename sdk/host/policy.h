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
	char **commands;	/* as command.h reads them */
	char **paths;
	char **tools;
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

struct fo_command;

/*
 * What is asked about. Texts may be NULL: not known. What the channel does
 * not have is not looked at.
 */
struct fo_action {
	fo_channel channel;
	const char *service;
	const char *account;
	const char *host;
	struct fo_source source;
	int64_t now;		/* seconds since 1970 */
	const struct fo_command *command;
	const char *path;	/* of a file, as it was written: absolute, */
	const char *resolved;	/* and with all links followed */
	const char *tool;
	const char *method;
	const char *url;	/* normal by RFC 3986 6.2.2 and 6.2.3 */
};

/* What was decided, and by which rule. */
struct fo_verdict {
	fo_effect effect;	  /* zero is deny */
	const char *policy;	  /* borrowed; NULL: no rule matched */
	const char *rule;
};

/* Weigh the rules of all policies (each once). Never fails. */
void fo_policy_weigh(const struct fo_policy *const *policies, size_t count,
    const struct fo_action *action, struct fo_verdict *ret_verdict);

/* The value of a condition, and of a rule: that of its least condition. */
typedef enum fo_truth { FO_FALSE, FO_UNKNOWN, FO_TRUE } fo_truth;

/* Conditions, as the bits that say which of them are unknown. */
enum {
	FO_WHEN_SERVICE = 1 << 0,
	FO_WHEN_ACCOUNT = 1 << 1,
	FO_WHEN_HOST = 1 << 2,
	FO_WHEN_SOURCE = 1 << 3,
	FO_WHEN_TIME = 1 << 4,
	FO_WHEN_COMMAND = 1 << 5,
	FO_WHEN_PATH = 1 << 6,
	FO_WHEN_TOOL = 1 << 7,
	FO_WHEN_METHOD = 1 << 8,
	FO_WHEN_URL = 1 << 9
};

/*
 * What one rule makes of an action: FO_FALSE also where the rule is for
 * another channel. *ret_unknown: the conditions that are unknown. Whether the
 * rule applies is fo_rule_applies.
 */
fo_truth fo_rule_weigh(const struct fo_rule *rule,
    const struct fo_action *action, unsigned int *ret_unknown);

/* What is not known speaks against the action: deny and ask apply then. */
bool fo_rule_applies(const struct fo_rule *rule, fo_truth truth);

/* "service", "account" ...: the name of one such bit. */
const char *fo_when_word(unsigned int bit);

const char *fo_effect_word(fo_effect effect);
const char *fo_channel_word(fo_channel channel);

#endif
