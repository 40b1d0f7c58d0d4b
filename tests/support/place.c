/*
 * A host where somebody logs in.
 */
#include "place.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "cee.h"

static const char policy_text[] = "---\nversion: 1\npolicy: logins\nrules:\n"
    "  - rule: agents-in\n    effect: allow\n    channel: login\n"
    "    when: {service: [sshd, postgresql]}\n...\n";

bool place_keeps;

static int
answer(fo_err why)
{
	return why == FO_OK ? 0 : 7;
}

static fo_err
prepare(void *arg, const struct fo_decision *decision, struct fo_diag *diag)
{
	struct place *p = arg;

	(void)decision;
	p->prepared++;
	if (p->prepare_with != FO_OK)
		memcpy(diag->text, "no room", sizeof("no room"));
	return p->prepare_with;
}

void
place_configure(struct place *p, const char *audit)
{
	struct fo_diag diag = { .text = "" };
	char text[1024];

	(void)snprintf(text, sizeof(text), "---\nversion: 1\nhost: bastion\n"
	    "aliases: [bastion.example.com]\n"
	    "proof: {max_age_s: 60, clock_skew_s: 15}\n"
	    "services:\n  postgresql: {nonce: auto}\n"
	    "replay: {folder: %s/run/replay}\naudit: %s\n...\n",
	    p->machine.folder, audit);
	store_fixture_put(&p->store, "firstops.yaml", text);
	fo_config_free(&p->config);
	cr_assert_eq(fo_store_config(p->store.store, &diag, &p->config),
	    FO_OK, "%s", diag.text);
	p->authority.config = p->config;
}

static void
place_listen(struct place *p)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	p->log_path = machine_path(&p->machine, "log");
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", p->log_path);
	p->log_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	cr_assert_geq(p->log_fd, 0);
	cr_assert_eq(bind(p->log_fd, (struct sockaddr *)&at, sizeof(at)), 0);
}

/* The replay folder, as if it had been there since the machine started. */
static void
place_replay(struct place *p)
{
	static const char *const parts[] = { "run", "run/replay" };
	char own[64], birth[96], *path;

	(void)snprintf(own, sizeof(own), "run/replay/%lu",
	    (unsigned long)geteuid());
	for (size_t i = 0; i < 3; i++) {
		path = machine_path(&p->machine, i < 2 ? parts[i] : own);
		cr_assert_eq(mkdir(path, i < 2 ? 0755 : 0700), 0);
		free(path);
	}
	(void)snprintf(birth, sizeof(birth), "%s 0\n", p->machine.boot_id);
	path = NULL;
	cr_assert_geq(asprintf(&path, "%s/birth", own), 0);
	machine_write(&p->machine, path, birth);
	free(path);
}

void
place_open(struct place *p)
{
	*p = (struct place){ .log_fd = -1, .keep = FO_KEEP_NONE };
	machine_open(&p->machine);
	store_fixture_open(&p->store);
	store_fixture_put(&p->store, "policies.d/logins.yaml", policy_text);
	store_fixture_agent(&p->store, FIXTURE_ID, FORGE_JKT, "deploy");
	place_configure(p, "{required: [syslog]}");
	place_listen(p);
	place_replay(p);
	p->authority.store = p->store.store;
	p->authority.clock = &p->machine.clock;
	p->authority.audit_tag = "test";
	p->authority.audit_socket = p->log_path;
	if (place_keeps) {
		cr_assert_eq(fo_store_keep(p->store.store), FO_OK);
		p->authority.keep = &p->keep;
	}
	p->claims = (struct claims){ FORGE_HEADER, "aaaaaaaaaaaaaaaa", "PAM",
		PLACE_HTU, PLACE_NONCE, MACHINE_NOW };
	p->attempt = (struct fo_attempt){ .nonce = PLACE_NONCE,
		.service = "sshd", .account = "deploy", .rhost = "10.2.3.4",
		.tty = "ssh", .prepare = prepare, .arg = p, .rc = answer };
}

void
place_close(struct place *p)
{
	fo_keep_clear(&p->keep);
	fo_config_free(&p->config);
	free(p->proof);
	free(p->log_path);
	close(p->log_fd);
	store_fixture_close(&p->store);
	machine_close(&p->machine);
}

void
place_sign(struct place *p)
{
	const struct claims *c = &p->claims;
	char text[2048], nonce[64] = "";

	if (c->nonce != NULL)
		(void)snprintf(nonce, sizeof(nonce), ",\"nonce\":\"%s\"",
		    c->nonce);
	(void)snprintf(text, sizeof(text), "{\"jti\":\"%s\",\"htm\":\"%s\","
	    "\"htu\":\"%s\",\"iat\":%lld%s}", c->jti, c->htm, c->htu,
	    (long long)c->iat, nonce);
	free(p->proof);
	p->proof = forge_proof(c->header, text);
	p->attempt.proof = p->proof;
	p->attempt.proof_len = strlen(p->proof);
}

fo_err
place_decide(struct place *p)
{
	return fo_decide(&p->authority, &p->attempt, &p->decision);
}

fo_err
place_offer(struct place *p)
{
	place_sign(p);
	return place_decide(p);
}

const char *
place_event(const struct place *p)
{
	static char text[4096];
	const ssize_t n = recv(p->log_fd, text, sizeof(text) - 1, 0);
	const char *event;

	if (n <= 0)
		return NULL;
	text[n] = '\0';
	event = strchr(text, '@');
	cr_assert_not_null(event, "%s", text);
	cee_check(event);
	return event;
}

size_t
place_spent(const struct place *p)
{
	char own[64], minute[96];

	(void)snprintf(own, sizeof(own), "run/replay/%lu",
	    (unsigned long)geteuid());
	(void)snprintf(minute, sizeof(minute), "%s/%lld", own,
	    (long long)(MACHINE_NOW / 60));
	return machine_count(&p->machine, minute);
}
