/*
 * A verb of fo: what it is called, what it takes, what it does.
 *
 * Each verb is a file that defines one struct verb; main.c lists them all.
 * Options, help text and the parser's complaints all come from that struct,
 * so a verb says everything about itself once.
 */
#ifndef FO_TOOL_VERB_H
#define FO_TOOL_VERB_H

#include <stdbool.h>

#include "host/principal.h"

#define VERB_MAX_OPTIONS 16

/* What fo exits with; `fo ssh` and `fo run` exit with what they ran does. */
enum {
	FO_EXIT_DONE = 0,
	FO_EXIT_DENIED = 1,	/* refused, not found, problems found */
	FO_EXIT_USAGE = 2,	/* the command line cannot be understood */
	FO_EXIT_TROUBLE = 3,	/* it could not be done, or found out */
	FO_EXIT_BLOCK = 2	/* of a hook, which is no yes with this only */
};

/* An option, always long: --name, or --name VALUE. */
struct verb_option {
	const char *name;	/* NULL ends the list */
	const char *value;	/* how help calls its value; NULL: a flag */
	const char *what;
};

struct call;

struct verb {
	const char *name;	/* "agent create" */
	const char *synopsis;	/* what follows the name */
	const char *summary;	/* one line, for the list of verbs */
	const char *text;	/* what it does */
	const char *example;
	const char *exits;	/* NULL: 0, 2 and 3 as they always are */
	const struct verb_option *options; /* NULL: none of its own */
	int min_operands;
	int max_operands;	/* -1: any number */
	bool store;		/* works on a store: takes --config */
	bool json;		/* takes --json */
	fo_kind kind;		/* of fo agent or fo human */
	bool rest;		/* what follows the first operand is not ours */
	bool foreign;		/* nor is what begins with one dash, or is -- */
	int (*run)(const struct call *call);
};

/* A verb being run: what the command line said. Texts are argv's. */
struct call {
	const struct verb *verb;
	const char *option[VERB_MAX_OPTIONS]; /* by index; "" for a flag */
	const char *config;
	bool json;
	int argc;		/* operands alone */
	char **argv;
};

/* All verbs, in the order of the help text, NULL at end. */
extern const struct verb *const verbs[];

extern const struct verb verb_init;
extern const struct verb verb_agent_create;
extern const struct verb verb_agent_list;
extern const struct verb verb_agent_show;
extern const struct verb verb_agent_edit;
extern const struct verb verb_agent_rotate;
extern const struct verb verb_agent_suspend;
extern const struct verb verb_agent_resume;
extern const struct verb verb_agent_revoke;
extern const struct verb verb_agent_delete;
extern const struct verb verb_human_create;
extern const struct verb verb_human_list;
extern const struct verb verb_human_show;
extern const struct verb verb_human_edit;
extern const struct verb verb_human_rotate;
extern const struct verb verb_human_suspend;
extern const struct verb verb_human_resume;
extern const struct verb verb_human_revoke;
extern const struct verb verb_human_delete;
extern const struct verb verb_policy_check;
extern const struct verb verb_policy_test;
extern const struct verb verb_policy_explain;
extern const struct verb verb_check;
extern const struct verb verb_hook_claude;
extern const struct verb verb_hook_cursor;
extern const struct verb verb_auth_login;
extern const struct verb verb_auth_logout;
extern const struct verb verb_auth_rotate;
extern const struct verb verb_auth_status;
extern const struct verb verb_setup_claude;
extern const struct verb verb_setup_cursor;
extern const struct verb verb_signer;
extern const struct verb verb_signer_add;
extern const struct verb verb_signer_list;
extern const struct verb verb_signer_lock;
extern const struct verb verb_signer_remove;
extern const struct verb verb_signer_unlock;
extern const struct verb verb_key_generate;
extern const struct verb verb_key_jwk;
extern const struct verb verb_key_thumbprint;
extern const struct verb verb_proof_sign;
extern const struct verb verb_proof_verify;
extern const struct verb verb_verify;
extern const struct verb verb_store_check;
extern const struct verb verb_store_index;
extern const struct verb verb_store_replay;
extern const struct verb verb_ssh;
extern const struct verb verb_run;
extern const struct verb verb_target;
extern const struct verb verb_audit;
extern const struct verb verb_audit_seal;
extern const struct verb verb_audit_verify;
extern const struct verb verb_who;
extern const struct verb verb_doctor;
extern const struct verb verb_completion;
extern const struct verb verb_manual;
extern const struct verb verb_version;
extern const struct verb verb_help;

#endif
