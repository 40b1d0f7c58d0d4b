/*
 * Agents of the store, as the verbs of `fo agent` see them.
 */
#ifndef FO_TOOL_AGENT_H
#define FO_TOOL_AGENT_H

#include "host/principal.h"

#include "admin.h"

struct json;

/* A time of rfc3339.h, or a word. */
#define AGENT_EXPIRY_SIZE 24

/*
 * All principals of the store, in no order; those whose file cannot be read
 * are counted, and the first reason kept.
 */
struct agents {
	struct fo_principal **list;
	size_t count;
	size_t broken;
	struct fo_diag reason;
};

FO_MUST_CHECK fo_err agents_load(const struct admin *admin,
    struct fo_diag *diag, struct agents *ret_agents);
void agents_clear(struct agents *agents);

/*
 * The agent with this id or name. Reports that there is none, naming the
 * nearest, or that its file cannot be read, and returns the exit code.
 */
int agent_find(const struct admin *admin, const char *word,
    struct fo_principal **ret_agent);

/* When its last key in force expires: text for a table; "never", "-". */
void agent_expiry(const struct fo_principal *agent, int64_t now,
    char ret_text[AGENT_EXPIRY_SIZE]);

/* The agent with all it has. */
struct json *agent_json(const struct fo_principal *agent, int64_t now);

#endif
