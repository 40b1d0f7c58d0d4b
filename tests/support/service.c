/*
 * A service that calls the module.
 */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <firstops/firstops.h>

#include "forge.h"
#include "fuzz/fuzz.h"
#include "fuzz/sign.h"
#include "host/replay.h"

/* ---- the host ---------------------------------------------------------- */

static fo_err
earlier(void *arg, struct fo_now *ret)
{
	const fo_err r = fo_clock_system.now(arg, ret);

	ret->s -= 120;
	ret->boot_ms -= 120 * 1000;
	return r;
}

static void
make_replay(const char *folder)
{
	const struct fo_clock clock = { .now = earlier,
		.boot_id = fo_clock_system.boot_id };
	struct fo_diag diag = { "" };

	cr_assert_eq(fo_replay_make(folder, geteuid(), getegid(), &clock,
	    &diag), FO_OK, "%s", diag.text);
}

/* A list of one file sink, or of none. */
static void
put_sink(const struct service *service, const char *name, char *ret,
    size_t size)
{
	if (name == NULL)
		(void)snprintf(ret, size, "%s", "[]");
	else
		(void)snprintf(ret, size, "[\"file:%s/%s\"]",
		    service->machine.folder, name);
}

void
service_configure(const struct service *service, const char *required,
    const char *best_effort)
{
	char text[1024], first[128], second[128];

	put_sink(service, required, first, sizeof(first));
	put_sink(service, best_effort, second, sizeof(second));
	(void)snprintf(text, sizeof(text), "---\nversion: 1\nhost: bastion\n"
	    "reserved_accounts: [deploy]\nservices:\n"
	    "  sshd: {nonce: always, ask: reserved}\n"
	    "  db: {nonce: auto, ask: all}\n"
	    "replay: {folder: %s/run/replay}\n"
	    "audit: {required: %s, best_effort: %s}\n...\n",
	    service->machine.folder, first, second);
	store_fixture_put(&service->store, "firstops.yaml", text);
}

void
service_open(struct service *service)
{
	char folder[96];

	if (geteuid() != 0)
		cr_skip_test("needs root");
	memset(service, 0, sizeof(*service));
	machine_open(&service->machine);
	store_fixture_open(&service->store);
	store_fixture_agent(&service->store, FIXTURE_ID, FORGE_JKT, "deploy");
	store_fixture_put(&service->store, "policies.d/logins.yaml", "---\n"
	    "version: 1\npolicy: logins\nrules:\n  - rule: all\n"
	    "    effect: allow\n    channel: login\n...\n");
	service_configure(service, "events", NULL);
	(void)snprintf(service->config, sizeof(service->config), "config=%s",
	    service->store.config);
	(void)snprintf(folder, sizeof(folder), "%s/run/replay",
	    service->machine.folder);
	make_replay(folder);
	service_start(service);
}

void
service_close(struct service *service)
{
	fuzz_faults_disarm();
	fake_pam_clear(&service->handle);
	free(service->events);
	store_fixture_close(&service->store);
	machine_close(&service->machine);
}

/* ---- the client -------------------------------------------------------- */

/* A proof for what the prompt asks for; without that, for what is usual. */
static char *
sign_for(const char *prompt)
{
	struct fo_challenge *challenge = NULL;
	char *proof;

	if (fo_challenge_parse(prompt, &challenge) != FO_OK)
		return sign_proof("pam://bastion/db/deploy", NULL);
	proof = sign_proof(challenge->htu, challenge->nonce);
	fo_challenge_free(&challenge);
	return proof;
}

static int
converse(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	const bool held = fuzz_faults_hold();
	struct pam_response *response = calloc(1, sizeof(*response));
	struct service *service = arg;

	cr_assert_eq(n, 1);
	cr_assert_not_null(response);
	*ret_responses = response;
	if (messages[0]->msg_style == PAM_ERROR_MSG) {
		(void)snprintf(service->told, sizeof(service->told), "%s",
		    messages[0]->msg);
		goto out;
	}
	(void)snprintf(service->prompt, sizeof(service->prompt), "%s",
	    messages[0]->msg);
	if (service->meanwhile != NULL)
		service->meanwhile(service);
	response->resp = service->says != NULL ? strdup(service->says) :
	    sign_for(messages[0]->msg);
	cr_assert_not_null(response->resp);
out:
	fuzz_faults_release(held);
	return PAM_SUCCESS;
}

/* ---- the handle -------------------------------------------------------- */

void
service_item(struct service *service, int item, const char *text)
{
	char **at = &service->handle.items[item];

	free(*at);
	*at = NULL;
	if (text != NULL && (*at = strdup(text)) == NULL)
		cr_assert_fail("no memory");
}

void
service_start(struct service *service)
{
	fake_pam_clear(&service->handle);
	machine_remove(&service->machine, "run/pending");
	machine_remove(&service->machine, "run/sessions");
	machine_remove(&service->machine, "events");
	service_item(service, PAM_SERVICE, "sshd");
	service_item(service, PAM_USER, "deploy");
	service_item(service, PAM_RHOST, "10.2.3.4");
	service_item(service, PAM_TTY, "ssh");
	service->handle.conv = (struct pam_conv){ converse, service };
	service->prompt[0] = service->told[0] = '\0';
}

int
service_phase(struct service *service,
    int (*phase)(pam_handle_t *, int, int, const char **), int flags,
    const char *argument)
{
	const char *argv[] = { service->config, argument, NULL };

	return phase(&service->handle, flags, argument != NULL ? 2 : 1, argv);
}

/* ---- what came of it --------------------------------------------------- */

const char *
service_event(struct service *service, const char *ev)
{
	char word[64], *line, *rest;
	const char *found = NULL;

	if (!machine_has(&service->machine, "events"))
		return NULL;
	free(service->events);
	service->events = rest = machine_read(&service->machine, "events");
	(void)snprintf(word, sizeof(word), "\"ev\":\"%s\"", ev);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strstr(line, word) != NULL)
			found = line;
	return found;
}

size_t
service_files(const struct service *service, const char *folder)
{
	return machine_has(&service->machine, folder) ?
	    machine_count(&service->machine, folder) : 0;
}

size_t
service_variables(struct service *service)
{
	static const char *const names[SERVICE_VARIABLES] = { "FIRSTOPS_ID",
		"FIRSTOPS_NAME", "FIRSTOPS_OWNER", "FIRSTOPS_SID",
		"FIRSTOPS_PENDING" };
	size_t n = 0;

	for (size_t i = 0; i < SERVICE_VARIABLES; i++)
		n += pam_getenv(&service->handle, names[i]) != NULL;
	return n;
}
