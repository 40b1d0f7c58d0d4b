/*
 * Conversation functions as services get them wrong: whatever they return,
 * leave out or answer, the module says no, and says it in time.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cee.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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

TestSuite(conversation, .init = open_world, .fini = close_world);

/* Results that are not success, the last ones of no meaning at all. */
static const int failures[] = { PAM_CONV_ERR, PAM_CONV_AGAIN, PAM_BUF_ERR,
	PAM_INCOMPLETE, PAM_ABORT, PAM_IGNORE, PAM_AUTH_ERR, PAM_USER_UNKNOWN,
	PAM_SYSTEM_ERR, -1, 255, INT_MAX, INT_MIN };

/* A service's conversation function, and how it goes wrong. */
struct voice {
	int result;			/* to a question */
	int text_result;		/* to an error text */
	const char *text;		/* the answer; NULL: none */
	size_t responses;		/* how many it allocates */
	struct pam_response *leaves;	/* with a result of failure */
	char *second;			/* answer to what nobody asked */
	void (*meanwhile)(pam_handle_t *pamh);
	pam_handle_t *pamh;
	int asked;
	struct client client;		/* what it was asked and told */
};

static int
speak(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	struct voice *voice = arg;
	struct client *seen = &voice->client;
	const bool question = messages[0]->msg_style == PAM_PROMPT_ECHO_OFF;
	const int result = question ? voice->result : voice->text_result;
	struct pam_response *responses;

	cr_assert_eq(n, 1);
	voice->asked += question;
	(void)snprintf(question ? seen->prompt : seen->message,
	    question ? sizeof(seen->prompt) : sizeof(seen->message), "%s",
	    messages[0]->msg);
	if (question && voice->meanwhile != NULL)
		voice->meanwhile(voice->pamh);
	*ret_responses = voice->leaves;
	if (result != PAM_SUCCESS || voice->responses == 0)
		return result;

	responses = calloc(voice->responses, sizeof(*responses));
	cr_assert_not_null(responses);
	if (voice->text != NULL)
		responses[0].resp = strdup(voice->text);
	for (size_t i = 0; i < voice->responses; i++)
		responses[i].resp_retcode = 77;
	if (voice->responses > 1)
		responses[1].resp = voice->second;
	*ret_responses = responses;
	return PAM_SUCCESS;
}

static pam_handle_t *
start(const char *service, const char *user, struct voice *voice)
{
	const struct pam_conv conv = { speak, voice };
	pam_handle_t *pamh = NULL;

	cr_assert_eq(pam_start_confdir(service, user, &conv, w.confdir,
	    &pamh), PAM_SUCCESS);
	voice->pamh = pamh;
	world_put(&w, "events", "%s", "");
	return pamh;
}

/* The one event of this try: its answer, its reason, and no secret in it. */
static void
expect_event(const struct voice *voice, int rc, const char *why)
{
	char text[16];

	world_keeps_secrets(&w, &voice->client);
	cr_assert_eq(w.events_count, 1);
	cee_check(w.events[0]);
	(void)snprintf(text, sizeof(text), "%d", rc);
	cr_expect_str_eq(cee_get(w.events[0], "rc"), text);
	cr_expect_str_eq(cee_get(w.events[0], "why"), why);
}

/* For a reserved account, for which even "no proof" is an event. */
static void
expect_answer(struct voice *voice, int want, const char *why)
{
	pam_handle_t *pamh = start("sshd", "deploy", voice);

	cr_expect_eq(world_phase(pam_authenticate, pamh, 0), want);
	cr_expect_eq(voice->asked, 1);
	expect_event(voice, want, why);
	cr_expect_eq(world_phase(pam_acct_mgmt, pamh, 0), PAM_PERM_DENIED);
	cr_expect_eq(pam_end(pamh, want), PAM_SUCCESS);
}

/* ---- no answer ----------------------------------------------------------- */

Test(conversation, that_is_no_function_gives_no_proof)
{
	const struct pam_conv conv = { NULL, NULL };
	struct voice nobody = { 0 };
	pam_handle_t *pamh = NULL;

	cr_assert_eq(pam_start_confdir("sshd", "deploy", &conv, w.confdir,
	    &pamh), PAM_SUCCESS);
	cr_expect_eq(world_phase(pam_authenticate, pamh, 0),
	    PAM_CRED_INSUFFICIENT);
	expect_event(&nobody, PAM_CRED_INSUFFICIENT, "no_proof");
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

Test(conversation, that_is_no_function_cannot_be_told_of_a_refusal)
{
	const struct pam_conv conv = { NULL, NULL };
	struct voice nobody = { 0 };
	pam_handle_t *pamh = NULL;
	char *proof = world_proof(&w, "pam://elsewhere/db/robot", NULL);

	cr_assert_eq(pam_start_confdir("db", "robot", &conv, w.confdir,
	    &pamh), PAM_SUCCESS);
	world_token(pamh, proof);
	cr_expect_eq(world_phase(pam_authenticate, pamh, 0), PAM_AUTH_ERR);
	expect_event(&nobody, PAM_AUTH_ERR, "wrong_htu");
	fo_proof_text_free(&proof);
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

Test(conversation, that_fails_in_any_way_gives_no_proof)
{
	for (size_t i = 0; i < COUNT(failures); i++) {
		struct voice voice = { .result = failures[i] };

		expect_answer(&voice, PAM_CRED_INSUFFICIENT, "no_proof");
	}
}

/* What a conversation that failed leaves behind is not looked at. */
Test(conversation, that_fails_may_leave_any_pointer)
{
	for (size_t i = 0; i < COUNT(failures); i++) {
		union {
			uintptr_t number;
			struct pam_response *pointer;
		} nowhere = { .number = 8 };
		struct voice voice = { .result = failures[i],
			.leaves = nowhere.pointer };

		expect_answer(&voice, PAM_CRED_INSUFFICIENT, "no_proof");
	}
}

Test(conversation, that_succeeds_without_responses_or_text_gives_no_proof)
{
	struct voice no_responses = { .responses = 0 };
	struct voice no_text = { .responses = 1 };

	expect_answer(&no_responses, PAM_CRED_INSUFFICIENT, "no_proof");
	expect_answer(&no_text, PAM_CRED_INSUFFICIENT, "no_proof");
}

/* ---- answers that are no proof ------------------------------------------- */

/* Such an answer belongs to the next module, and arrives there as it is. */
static void
expect_handed_on(const char *text)
{
	struct voice voice = { .text = text, .responses = 1 };
	pam_handle_t *pamh = start("sshd", "deploy", &voice);

	cr_expect_eq(world_phase(pam_authenticate, pamh, 0),
	    PAM_CRED_INSUFFICIENT);
	cr_assert_not_null(world_left(pamh));
	cr_expect(strcmp(world_left(pamh), text) == 0, "%zu bytes",
	    strlen(text));
	expect_event(&voice, PAM_CRED_INSUFFICIENT, "no_proof");
	if (text[0] != '\0')
		cr_expect_null(strstr(w.events[0], text));
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

static char *
repeated(char c, size_t n)
{
	char *text = malloc(n + 1);

	cr_assert_not_null(text);
	memset(text, c, n);
	text[n] = '\0';
	return text;
}

Test(conversation, of_any_length_hands_a_password_on)
{
	static const size_t lengths[] = { 0, 1, 511, 512, 513, 4095, 4096,
		4097, 65536, 1024 * 1024 };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		char *text = repeated('~', lengths[i]);

		expect_handed_on(text);
		free(text);
	}
}

Test(conversation, of_any_byte_hands_a_password_on)
{
	for (int byte = 1; byte < 256; byte++) {
		char text[] = { '~', (char)byte, '~', '\0' };

		expect_handed_on(text);
	}
}

/* Beside its own alphabet a proof has no byte, wherever that stands. */
Test(conversation, with_a_byte_that_no_proof_has_gives_none)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_.";

	for (int byte = 1; byte < 256; byte++) {
		char *text;

		if (strchr(alphabet, byte) != NULL)
			continue;
		text = repeated('A', 300);
		memcpy(text, "eyJ", 3);
		text[100] = text[200] = '.';
		text[byte % 300] = (char)byte;
		expect_handed_on(text);
		free(text);
	}
}

/* ---- answers that look like a proof -------------------------------------- */

Test(conversation, of_any_length_is_refused_what_only_looks_like_a_proof)
{
	static const size_t lengths[] = { 100, 510, 513, 4095, 4096, 4097,
		65536, 1024 * 1024 };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		char *text = repeated('A', lengths[i]);
		struct voice voice = { .text = text, .responses = 1 };
		pam_handle_t *pamh;

		memcpy(text, "eyJ", 3);
		text[40] = text[80] = '.';
		pamh = start("sshd", "deploy", &voice);
		cr_expect_eq(world_phase(pam_authenticate, pamh, 0),
		    PAM_AUTH_ERR);
		cr_expect_null(world_left(pamh));
		expect_event(&voice, PAM_AUTH_ERR, "malformed");
		cr_expect_null(strstr(w.events[0], "AAAAAAAAAAAAAAAA"));
		cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
		free(text);
	}
}

/* The first answer counts; nobody looks at the codes beside answers. */
Test(conversation, with_more_answers_than_questions_gives_the_first)
{
	char *right = world_proof(&w, "pam://bastion/db/robot", NULL);
	char *wrong = world_proof(&w, "pam://elsewhere/db/robot", NULL);

	for (size_t i = 0; i < 2; i++) {
		struct voice voice = { .text = i == 0 ? wrong : right,
			.responses = 32, .second = i == 0 ? right : wrong };
		const int want = i == 0 ? PAM_AUTH_ERR : PAM_SUCCESS;
		pam_handle_t *pamh = start("db", "robot", &voice);

		cr_expect_eq(world_phase(pam_authenticate, pamh, 0), want);
		expect_event(&voice, want, i == 0 ? "wrong_htu" : "ok");
		cr_expect_eq(pam_end(pamh, want), PAM_SUCCESS);
	}
	fo_proof_text_free(&right);
	fo_proof_text_free(&wrong);
}

/* ---- while it is asked --------------------------------------------------- */

static void
become_root(pam_handle_t *pamh)
{
	cr_assert_eq(pam_set_item(pamh, PAM_USER, "root"), PAM_SUCCESS);
}

/*
 * The challenge and the decision are for the user of the call; the service
 * that changed its mind meets the difference in the next phase.
 */
Test(conversation, that_changes_the_user_lets_in_neither)
{
	char *proof = world_proof(&w, "pam://bastion/db/robot", NULL);
	struct voice voice = { .text = proof, .responses = 1,
		.meanwhile = become_root };
	pam_handle_t *pamh = start("db", "robot", &voice);

	cr_expect_eq(world_phase(pam_authenticate, pamh, 0), PAM_SUCCESS);
	expect_event(&voice, PAM_SUCCESS, "ok");
	cr_expect_str_eq(cee_get(w.events[0], "user"), "robot");
	world_put(&w, "events", "%s", "");
	cr_expect_eq(world_phase(pam_acct_mgmt, pamh, 0), PAM_PERM_DENIED);
	expect_event(&voice, PAM_PERM_DENIED, "user_changed");
	fo_proof_text_free(&proof);
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

/* ---- told of a refusal --------------------------------------------------- */

Test(conversation, may_do_anything_with_the_text_of_a_refusal)
{
	char *proof = world_proof(&w, "pam://elsewhere/db/robot", NULL);

	for (size_t i = 0; i <= COUNT(failures); i++) {
		struct voice voice = { .text = proof, .responses = 1,
			.text_result = i == 0 ? PAM_SUCCESS :
			    failures[i - 1] };
		pam_handle_t *pamh = start("db", "robot", &voice);

		cr_expect_eq(world_phase(pam_authenticate, pamh, 0),
		    PAM_AUTH_ERR);
		cr_expect_eq(strncmp(voice.client.message, "FirstOps: ", 10),
		    0);
		expect_event(&voice, PAM_AUTH_ERR, "wrong_htu");
		cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
	}
	fo_proof_text_free(&proof);
}
