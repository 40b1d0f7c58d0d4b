/*
 * fo: identities for agents, from the command line.
 *
 * One table of verbs; each is a file of its own (verb.h). This file finds the
 * verb, has its options read, runs it, and sees to it that what was printed
 * has arrived.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/program.h"
#include "host/names.h"

#include "help.h"
#include "json.h"
#include "options.h"
#include "out.h"
#include "verb.h"

const struct verb *const verbs[] = {
	&verb_init,
	&verb_agent_create,
	&verb_agent_list,
	&verb_agent_show,
	&verb_agent_edit,
	&verb_agent_rotate,
	&verb_agent_suspend,
	&verb_agent_resume,
	&verb_agent_revoke,
	&verb_agent_delete,
	&verb_human_create,
	&verb_human_list,
	&verb_human_show,
	&verb_human_edit,
	&verb_human_rotate,
	&verb_human_suspend,
	&verb_human_resume,
	&verb_human_revoke,
	&verb_human_delete,
	&verb_policy_check,
	&verb_policy_test,
	&verb_policy_explain,
	&verb_store_check,
	&verb_store_index,
	&verb_store_replay,
	&verb_audit,
	&verb_audit_seal,
	&verb_audit_verify,
	&verb_who,
	&verb_doctor,
	&verb_auth_login,
	&verb_auth_status,
	&verb_auth_rotate,
	&verb_auth_logout,
	&verb_setup_claude,
	&verb_setup_cursor,
	&verb_check,
	&verb_hook_claude,
	&verb_hook_cursor,
	&verb_signer,
	&verb_signer_add,
	&verb_signer_list,
	&verb_signer_remove,
	&verb_signer_lock,
	&verb_signer_unlock,
	&verb_key_generate,
	&verb_key_jwk,
	&verb_key_thumbprint,
	&verb_proof_sign,
	&verb_proof_verify,
	&verb_verify,
	&verb_ssh,
	&verb_run,
	&verb_target,
	&verb_completion,
	&verb_manual,
	&verb_version,
	&verb_help,
	NULL
};

/* Run the verb whose words begin at argv[0]; used is how many there are. */
static int
run(const struct verb *verb, int used, int argc, char **argv)
{
	struct call call;
	bool help = false;
	int code;

	code = options_parse(verb, argc - (used - 1), argv + (used - 1),
	    &call, &help);
	if (code != FO_EXIT_DONE)
		return code;
	if (help) {
		help_verb(verb, stdout);
		return FO_EXIT_DONE;
	}

	return verb->run(&call);
}

/* Where even that fails, a hook must not be taken for a yes. */
static int
trouble(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "hook") == 0 ? FO_EXIT_BLOCK :
	    FO_EXIT_TROUBLE;
}

int
main(int argc, char **argv)
{
	const struct verb *verb;
	int code, used = 0;

	/* an error when writing is seen and told, not a sudden end */
	signal(SIGPIPE, SIG_IGN);
	json_start();
	/* the TPM's libraries print what we report */
	(void)setenv("TSS2_LOG", "all+NONE", 0);
	if (!fo_program_start()) {
		note("fo: libcrypto cannot be used; is libssl3 installed"
		    " whole?");
		return trouble(argc, argv);
	}
	if (argc < 2) {
		help_overview(stderr);
		return FO_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0)
		argv[1] += 2;
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help_overview(stdout);
		code = FO_EXIT_DONE;
	} else if ((verb = help_find(argc - 1, argv + 1, &used)) != NULL) {
		code = run(verb, used, argc - 1, argv + 1);
	} else {
		code = FO_EXIT_USAGE;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		note("fo: standard output: the result could not be written%s",
		    code == FO_EXIT_DONE ? "; what was asked for is done" :
		    "");
		return trouble(argc, argv);
	}

	return code;
}
