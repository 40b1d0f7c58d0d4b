/*
 * Which prompts fo-askpass answers: the judgement alone, without a look at
 * the world.
 *
 * Whoever runs a server chooses the text of its prompts, and may relay a
 * challenge that another server has just issued; an answer would let them in
 * there. So the target of a challenge counts only if something that the
 * server cannot choose names it too: ssh's own "(USER@HOST) " before the
 * server's text, a root process of this machine, or a target that was fixed
 * before connecting.
 */
#ifndef FO_ASKPASS_PROMPT_H
#define FO_ASKPASS_PROMPT_H

#include <sys/types.h>

#include <firstops/challenge.h>
#include <firstops/error.h>

/* What is known beside the prompt itself. */
struct fo_asking {
	const char *target;	 /* fixed beforehand (FO_TARGET), or NULL */
	pid_t target_pid;	 /* the ssh it is for (FO_TARGET_PID); 0: any */
	const char *hostname;	 /* this machine's; "" is not known */
	pid_t asker_pid;	 /* the process that asks: our parent */
	uid_t asker_euid;	 /* (uid_t)-1 is not known */
	const char *asker_name;	 /* its command name; "" is not known */
	unsigned int asker_port; /* its TCP peer's port; 0 is not known */
};

/*
 * Is this a challenge whose target is where the answer will go?
 *
 * FO_OK: *ret_challenge is what to sign; the caller frees it.
 * FO_ERR_NOT_FOUND: some other prompt. FO_ERR_FORMAT: a challenge, but not
 * alone or not well-formed. FO_ERR_WRONG_HTU: its target is not, or not
 * known to be, where the answer would go. FO_ERR_ARG: asking->target is no
 * pam: target. FO_ERR_NOMEM. diag has the reason and the remedy.
 */
FO_MUST_CHECK fo_err fo_prompt_judge(const char *prompt,
    const struct fo_asking *asking, struct fo_diag *diag,
    struct fo_challenge **ret_challenge);

#endif
