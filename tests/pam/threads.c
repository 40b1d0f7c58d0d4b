/*
 * Logins at once in threads of one process, and around a fork: each has its
 * own verdict and its own event, and a login belongs to one of two twins.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/cee.h"

#define THREADS 8
#define SECONDS 2
#define SECONDS_DEEP 60

static struct world w;

static void
open_world(void)
{
	world_open(&w);
}

static void
close_world(void)
{
	world_close(&w);
}

TestSuite(threads, .init = open_world, .fini = close_world);

/* ---- threads ------------------------------------------------------------- */

/* Who logs in, in one thread. No assertion there: the test's own makes it. */
struct actor {
	pthread_t thread;
	unsigned int number;
	time_t end;
	char nonce[FO_NONCE_SIZE];	/* of the last challenge */
	size_t permits, refusals;
	char trouble[256];		/* what should not have happened */
};

/* Sign what is asked for; every third time for another target. */
static char *
sign(struct actor *actor, const char *prompt)
{
	struct fo_challenge *challenge = NULL;
	struct fo_request request = { .htm = FO_HTM_PAM,
		.iat = time(NULL) };
	char *proof = NULL;

	if (fo_challenge_parse(prompt, &challenge) != FO_OK)
		return NULL;
	if (strcmp(challenge->nonce, actor->nonce) == 0)
		(void)snprintf(actor->trouble, sizeof(actor->trouble),
		    "the same nonce twice");
	memcpy(actor->nonce, challenge->nonce, sizeof(actor->nonce));
	request.htu = actor->number % 3 == 0 ? "pam://bastion/sshd/nobody" :
	    challenge->htu;
	request.nonce = challenge->nonce;
	if (fo_proof_sign(w.key, &request, &proof) != FO_OK)
		proof = NULL;
	fo_challenge_free(&challenge);
	return proof;
}

static int
converse(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	struct pam_response *responses;

	if (n != 1 || (responses = calloc(1, sizeof(*responses))) == NULL)
		return PAM_BUF_ERR;
	if (messages[0]->msg_style == PAM_PROMPT_ECHO_OFF)
		responses->resp = sign(arg, messages[0]->msg);
	*ret_responses = responses;
	return PAM_SUCCESS;
}

static bool
is(struct actor *actor, const char *phase, int got, int want)
{
	if (got == want)
		return true;
	(void)snprintf(actor->trouble, sizeof(actor->trouble),
	    "%s of login %u: %d, not %d", phase, actor->number, got, want);
	return false;
}

/* What follows auth, for who was let in. */
static void
go_on(struct actor *actor, pam_handle_t *pamh)
{
	if (!is(actor, "account", pam_acct_mgmt(pamh, 0), PAM_SUCCESS) ||
	    !is(actor, "setcred", pam_setcred(pamh, PAM_ESTABLISH_CRED),
	    PAM_SUCCESS))
		return;
	if (geteuid() == 0 &&
	    is(actor, "open", pam_open_session(pamh, 0), PAM_SUCCESS))
		(void)is(actor, "close", pam_close_session(pamh, 0),
		    PAM_SUCCESS);
	actor->permits++;
}

static void
log_in(struct actor *actor)
{
	const struct pam_conv conv = { converse, actor };
	const bool wrong = actor->number % 3 == 0;
	pam_handle_t *pamh = NULL;
	int r;

	if (!is(actor, "start", pam_start_confdir(actor->number % 2 == 0 ?
	    "sshd" : "db", "deploy", &conv, w.confdir, &pamh), PAM_SUCCESS))
		return;
	r = pam_authenticate(pamh, 0);
	if (is(actor, "auth", r, wrong ? PAM_AUTH_ERR : PAM_SUCCESS)) {
		if (wrong)
			actor->refusals++;
		else
			go_on(actor, pamh);
	}
	(void)pam_end(pamh, r);
}

static void *
act(void *arg)
{
	struct actor *actor = arg;

	while (actor->trouble[0] == '\0' && time(NULL) < actor->end) {
		log_in(actor);
		actor->number++;
	}
	return NULL;
}

/* Every line of the sink is one whole event; how many there are of a kind. */
static void
count_events(size_t *ret_permits, size_t *ret_refusals)
{
	char path[256], *line = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/events", w.folder);
	cr_assert_not_null(f = fopen(path, "r"));
	while ((n = getline(&line, &size, f)) > 0) {
		line[n - 1] = '\0';
		if (line[0] == '\0')
			continue;
		cee_check(line);
		if (strcmp(cee_get(line, "ev"), "auth") != 0)
			continue;
		*ret_permits += strcmp(cee_get(line, "res"), "permit") == 0;
		*ret_refusals += strcmp(cee_get(line, "why"),
		    "wrong_htu") == 0;
	}
	(void)fclose(f);
	free(line);
}

Test(threads, log_in_at_once_each_with_its_own_verdict)
{
	const time_t end = time(NULL) + (getenv("FIRSTOPS_DEEP") != NULL ?
	    SECONDS_DEEP : SECONDS);
	size_t permits = 0, refusals = 0, seen = 0, refused = 0;
	struct actor actors[THREADS] = { 0 };

	for (unsigned int i = 0; i < THREADS; i++) {
		actors[i].number = i;
		actors[i].end = end;
		cr_assert_eq(pthread_create(&actors[i].thread, NULL, act,
		    &actors[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		cr_assert_eq(pthread_join(actors[i].thread, NULL), 0);
		cr_expect_str_empty(actors[i].trouble);
		permits += actors[i].permits;
		refusals += actors[i].refusals;
	}
	count_events(&seen, &refused);
	cr_log_info("%zu permitted, %zu refused", permits, refusals);
	cr_expect_gt(permits, THREADS);
	cr_expect_gt(refusals, THREADS);
	cr_expect_eq(seen, permits);
	cr_expect_eq(refused, refusals);
	cr_expect_eq(world_files(&w, "run/pending"), 0);
	cr_expect_eq(world_files(&w, "run/sessions"), 0);
}

/* ---- fork ---------------------------------------------------------------- */

/*
 * Run this in a child process and wait for its end; the child has no
 * assertions, its exit code is what it came to.
 */
static int
in_child(int (*what)(pam_handle_t *pamh), pam_handle_t *pamh)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(what(pamh));
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "%d", status);
	return WEXITSTATUS(status);
}

static int
authenticate(pam_handle_t *pamh)
{
	return pam_authenticate(pamh, 0);
}

static int
open_session(pam_handle_t *pamh)
{
	const int r = pam_setcred(pamh, PAM_ESTABLISH_CRED);

	return r == PAM_SUCCESS ? pam_open_session(pamh, 0) : r;
}

static int
go_all_the_way(pam_handle_t *pamh)
{
	int r;

	if ((r = pam_authenticate(pamh, 0)) != PAM_SUCCESS ||
	    (r = pam_acct_mgmt(pamh, 0)) != PAM_SUCCESS)
		return r;
	if (geteuid() != 0)
		return PAM_SUCCESS;
	if ((r = open_session(pamh)) != PAM_SUCCESS)
		return r;
	return pam_close_session(pamh, 0);
}

static pam_handle_t *
start(struct client *client)
{
	*client = (struct client) { .way = CLIENT_SIGNS, .world = &w };
	return world_start(&w, "sshd", "deploy", client);
}

/* The value of key in event i; freed by the caller. */
static char *
value(size_t i, const char *key)
{
	char *text = strdup(cee_get(w.events[i], key));

	cr_assert_not_null(text);
	return text;
}

Test(threads, of_twins_made_before_auth_each_has_a_login_of_its_own)
{
	struct client client;
	pam_handle_t *pamh = start(&client);
	static const char *const keys[] = { "sid", "proof", "pid" };

	cr_expect_eq(in_child(go_all_the_way, pamh), PAM_SUCCESS);
	cr_expect_eq(go_all_the_way(pamh), PAM_SUCCESS);
	world_events(&w);
	cr_assert_eq(w.events_count, geteuid() == 0 ? 6 : 2);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *one = value(0, keys[i]);
		char *two = value(w.events_count / 2, keys[i]);

		cr_expect_str_neq(one, two, "%s", keys[i]);
		free(one);
		free(two);
	}
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

/* A library context made before the fork serves both. */
Test(threads, of_twins_made_after_a_login_both_can_log_in_again)
{
	struct client client;
	pam_handle_t *pamh = start(&client);

	cr_expect_eq(go_all_the_way(pamh), PAM_SUCCESS);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(in_child(go_all_the_way, pamh), PAM_SUCCESS);
		cr_expect_eq(go_all_the_way(pamh), PAM_SUCCESS);
	}
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

/* A login that only the child had is none of its parent's. */
Test(threads, of_twins_made_before_auth_one_has_nothing_of_the_others)
{
	struct client client;
	pam_handle_t *pamh = start(&client);

	cr_expect_eq(in_child(authenticate, pamh), PAM_SUCCESS);
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_ID"));
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	cr_expect_eq(pam_open_session(pamh, 0), IGNORED);
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

static pam_handle_t *
logged_in(struct client *client)
{
	pam_handle_t *pamh;

	if (geteuid() != 0)
		cr_skip_test("needs root: only root keeps login records");
	pamh = start(client);
	cr_assert_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	return pamh;
}

/* One login is one session, whichever of the twins opens it. */
Test(threads, of_twins_made_after_auth_one_at_a_time_has_the_session)
{
	struct client client;
	pam_handle_t *pamh = logged_in(&client);

	cr_expect_eq(open_session(pamh), PAM_SUCCESS);
	cr_expect_eq(in_child(open_session, pamh), PAM_SESSION_ERR);
	cr_expect_eq(world_files(&w, "run/sessions"), 1);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(world_files(&w, "run/sessions"), 0);
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

static int
set_credentials(pam_handle_t *pamh)
{
	return pam_setcred(pamh, PAM_ESTABLISH_CRED);
}

/*
 * The record that lies between processes is taken once: by a twin, and then
 * by nobody who knows its name.
 */
Test(threads, of_twins_made_after_auth_one_takes_the_record)
{
	struct client client, other;
	pam_handle_t *pamh = logged_in(&client), *late = start(&other);
	char variable[128];

	(void)snprintf(variable, sizeof(variable), "FIRSTOPS_PENDING=%s",
	    pam_getenv(pamh, "FIRSTOPS_PENDING"));
	cr_assert_eq(pam_putenv(late, variable), PAM_SUCCESS);
	cr_expect_eq(world_files(&w, "run/pending"), 1);
	cr_expect_eq(in_child(set_credentials, pamh), PAM_SUCCESS);
	cr_expect_eq(world_files(&w, "run/pending"), 0);
	cr_expect_eq(open_session(late), PAM_SESSION_ERR);
	/* the parent goes on with what it has in its own hands */
	cr_expect_eq(open_session(pamh), PAM_SUCCESS);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
	cr_expect_eq(pam_end(late, PAM_SUCCESS), PAM_SUCCESS);
}

/* A child that ends without pam_end, as many do, leaves its parent's login. */
Test(threads, of_twins_made_after_auth_may_open_it_in_the_child)
{
	struct client client;
	pam_handle_t *pamh = logged_in(&client);

	cr_expect_eq(in_child(open_session, pamh), PAM_SUCCESS);
	world_events(&w);
	cr_assert_eq(w.events_count, 2);
	cr_expect_str_eq(cee_get(w.events[1], "ev"), "session_open");
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}
