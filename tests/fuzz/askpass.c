/*
 * Prompts that fo-askpass is asked to answer: none is, unless something that
 * the server cannot choose names the same target.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <firstops/target.h>

#include "askpass/prompt.h"

enum { PROMPT, TARGET, TARGET_PID, HOSTNAME, EUID, NAME, PORT, FIELDS };

/* Is the prefix exactly "(USER@HOST) "? */
static bool
prefix_is(const char *prompt, size_t len, const char *user, const char *host)
{
	const size_t u = strlen(user), h = strlen(host);

	return len == u + h + 4 && prompt[0] == '(' &&
	    memcmp(prompt + 1, user, u) == 0 && prompt[1 + u] == '@' &&
	    memcmp(prompt + 2 + u, host, h) == 0 &&
	    memcmp(prompt + 2 + u + h, ") ", 2) == 0;
}

static bool
is_ours(const char *hostname, const char *host)
{
	const size_t label = strcspn(hostname, ".");

	return strcmp(hostname, host) == 0 || (label > 0 &&
	    strlen(host) == label && strncmp(hostname, host, label) == 0);
}

/* Why may this challenge be answered? */
static void
check(const char *prompt, const struct fo_asking *asking,
    const struct fo_challenge *challenge)
{
	struct fo_target *t = NULL;
	const size_t prefix = challenge->prefix_len;

	if (!fuzz_worked(fo_target_parse(challenge->htu, &t)))
		return;
	if (strcmp(t->service, "sudo") == 0 || strcmp(t->service, "su") == 0 ||
	    strcmp(t->service, "sudo-i") == 0 ||
	    strcmp(t->service, "su-l") == 0) {
		NEED(prefix == 0 && asking->asker_euid == 0);
		NEED(strncmp(asking->asker_name, t->service, 2) == 0);
		NEED(asking->target != NULL ||
		    is_ours(asking->hostname, t->host));
	} else if (asking->target == NULL) {
		NEED(strcmp(t->service, "sshd") == 0);
		NEED(prefix_is(prompt, prefix, t->user, t->host));
		NEED(asking->asker_port == 22);
	} else {
		NEED(prefix == 0 || (prompt[0] == '(' &&
		    memcmp(prompt + prefix - 2, ") ", 2) == 0 &&
		    memchr(prompt, '@', prefix) != NULL));
		NEED(asking->target_pid == 0 ||
		    asking->target_pid == asking->asker_pid);
	}
	if (asking->target != NULL)
		NEED(strcmp(asking->target, challenge->htu) == 0);
	fo_target_free(&t);
}

void
fuzz_on_askpass(const uint8_t *data, size_t size)
{
	struct fo_challenge *challenge = NULL;
	struct fo_diag diag = { "" };
	struct fo_asking asking;
	struct fuzz_fields in;

	fuzz_fields_split(data, size, FIELDS, &in);
	asking = (struct fo_asking) {
		.target = fuzz_known(in.text[TARGET]),
		.target_pid = (pid_t)(fuzz_number(in.text[TARGET_PID]) % 3),
		.hostname = in.text[HOSTNAME],
		.asker_pid = 1,
		.asker_euid = fuzz_number(in.text[EUID]),
		.asker_name = in.text[NAME],
		.asker_port = fuzz_number(in.text[PORT]),
	};
	if (fo_prompt_judge(in.text[PROMPT], &asking, &diag, &challenge) ==
	    FO_OK) {
		check(in.text[PROMPT], &asking, challenge);
	} else {
		NEED(challenge == NULL);
		NEED(diag.text[0] != '\0');
	}
	fo_challenge_free(&challenge);
	fuzz_fields_clear(&in);
}
