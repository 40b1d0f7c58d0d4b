/*
 * PAM items as hostile clients and careless services fill them: missing,
 * empty, too long, with line ends, escape sequences and bytes that are no
 * text. Nobody gets in by them, nobody is kept out by those that name
 * nobody, and every event stays one line that says them truly.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/cee.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LONGEST (64 * 1024)

static struct world w;
static char letters[LONGEST + 1], lines[LONGEST + 1], high[LONGEST + 1];
static char fits[257], fits_not[258];

static const char *const values[] = { NULL, "", "-", "--", "plain", " ", "a b",
	"line\nline", "\r\n", "x\n@cee:{\"msg\":\"agent root permitted\"}",
	"\x1b[2J\x1b]0;title\a", "\x9b" "31m", "quote\"back\\slash'",
	"%41%~%", "%~", "\",\"res\":\"permit\",\"x\":\"",
	"\x01\x02\x1f\x7f\t\v", "\xc3\xa4\xe2\x82\xac", "\xff\xfe\xc0\x80",
	"\xed\xa0\x80", "\xf4\x90\x80\x80", "../../etc/passwd", "%s%n%s%n",
	fits, fits_not, letters, lines, high };

static const int types[] = { PAM_RUSER, PAM_RHOST, PAM_TTY };
static const char *const keys[] = { "ruser", "src", "tty" };

static void
open_world(void)
{
	world_open(&w);
	memset(letters, 'a', LONGEST);
	memset(lines, '\n', LONGEST);
	memset(high, 0xff, LONGEST);
	memset(fits, 'b', sizeof(fits) - 1);
	memset(fits_not, 'c', sizeof(fits_not) - 1);
	/* Services that have no file of their own land in this one. */
	world_service(&w, "other", "debug");
	world_service(&w, "db", "debug");
}

static void
close_world(void)
{
	world_close(&w);
}

TestSuite(items, .init = open_world, .fini = close_world);

static struct client
signs(void)
{
	return (struct client) { .way = CLIENT_SIGNS, .world = &w,
		.text = "secret" };
}

/* ---- what an event says of a value --------------------------------------- */

/* The value as events write it, if nothing had to be cut. */
static char *
written(const char *value)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(f);
	if (value == NULL || value[0] == '\0')
		(void)fputs("-", f);
	else if (strcmp(value, "-") == 0)
		(void)fputs("%2D", f);
	else
		for (; *value != '\0'; value++)
			(void)fprintf(f, *value < 0x20 || *value > 0x7e ||
			    strchr("\"%\\", *value) != NULL ? "%%%02X" : "%c",
			    (unsigned int)(unsigned char)*value);
	cr_assert_eq(fclose(f), 0);
	return text;
}

/* The event has this value, whole, or as much of it as there was room for. */
static void
expect_says(const char *event, const char *key, const char *value)
{
	const char *got = cee_get(event, key);
	char *want = written(value);
	size_t n = strlen(got);

	if (n > 2 && strcmp(got + n - 2, "%~") == 0)
		cr_expect(strncmp(got, want, n - 2) == 0 &&
		    strlen(want) > n - 2, "%s: %s", key, event);
	else
		cr_expect_str_eq(got, want, "%s", key);
	free(want);
}

static void
check_events(const struct client *client)
{
	world_keeps_secrets(&w, client);
	for (size_t i = 0; i < w.events_count; i++)
		cee_check(w.events[i]);
}

/* ---- items that name nobody ---------------------------------------------- */

static void
set_item(pam_handle_t *pamh, int type, const char *value)
{
	cr_assert_eq(pam_set_item(pamh, type, value), PAM_SUCCESS);
}

/* Every phase there is, as root; without root there are no sessions. */
static void
expect_whole_login(pam_handle_t *pamh, const struct client *client)
{
	cr_expect_eq(world_phase(pam_authenticate, pamh, 0), PAM_SUCCESS);
	cr_expect_eq(world_phase(pam_acct_mgmt, pamh, 0), PAM_SUCCESS);
	cr_expect_eq(world_phase(pam_setcred, pamh, PAM_ESTABLISH_CRED),
	    PAM_SUCCESS);
	if (geteuid() == 0) {
		cr_expect_eq(world_phase(pam_open_session, pamh, 0),
		    PAM_SUCCESS);
		cr_expect_eq(world_phase(pam_close_session, pamh, 0),
		    PAM_SUCCESS);
	}
	check_events(client);
	cr_assert_eq(w.events_count, geteuid() == 0 ? 3 : 1);
}

/* One login with chosen items: bit i of which says that types[i] has it. */
static void
log_in_with(const char *value, unsigned int which)
{
	struct client client = signs();
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &client);

	world_put(&w, "events", "%s", "");
	for (size_t i = 0; i < COUNT(types); i++)
		set_item(pamh, types[i], (which >> i & 1) != 0 ? value :
		    "plain");
	expect_whole_login(pamh, &client);
	for (size_t i = 0; i < COUNT(types); i++)
		for (size_t j = 0; j < w.events_count; j++)
			expect_says(w.events[j], keys[i],
			    (which >> i & 1) != 0 ? value : "plain");
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

Test(items, that_name_nobody_keep_nobody_out_whatever_they_are)
{
	for (size_t i = 0; i < COUNT(values); i++)
		for (unsigned int which = 1; which < 8; which++)
			log_in_with(values[i], which);
}

/* Through the record that lies between two processes, as sshd has them. */
Test(items, survive_on_the_way_to_another_process_whatever_they_are)
{
	if (geteuid() != 0)
		cr_skip_test("needs root: only root keeps login records");
	for (size_t i = 0; i < COUNT(values); i++) {
		struct client client = signs();
		pam_handle_t *one = world_start(&w, "sshd", "deploy", &client);
		pam_handle_t *two = world_start(&w, "sshd", "deploy", &client);
		char variable[128];

		for (size_t j = 0; j < COUNT(types); j++)
			set_item(one, types[j], values[i]);
		cr_assert_eq(world_phase(pam_authenticate, one, 0),
		    PAM_SUCCESS);
		(void)snprintf(variable, sizeof(variable),
		    "FIRSTOPS_PENDING=%s", pam_getenv(one,
		    "FIRSTOPS_PENDING"));
		cr_assert_eq(pam_putenv(two, variable), PAM_SUCCESS);
		cr_expect_eq(world_phase(pam_setcred, two,
		    PAM_ESTABLISH_CRED), PAM_SUCCESS);
		cr_expect_eq(world_phase(pam_open_session, two, 0),
		    PAM_SUCCESS);
		cr_expect_eq(world_phase(pam_close_session, two, 0),
		    PAM_SUCCESS);
		cr_expect_eq(pam_end(one, PAM_SUCCESS), PAM_SUCCESS);
		cr_expect_eq(pam_end(two, PAM_SUCCESS), PAM_SUCCESS);
	}
}

/* ---- items that name somebody -------------------------------------------- */

/* The prompt goes to terminals and into other programs' lines. */
static void
expect_harmless_prompt(const struct client *client)
{
	cr_expect_lt(strlen(client->prompt), (size_t)PAM_MAX_MSG_SIZE);
	for (const char *p = client->prompt; *p != '\0'; p++)
		cr_expect(*p >= 0x20 && *p <= 0x7e, "byte %d", (int)*p);
}

/*
 * One try under these names, as a client that signs whatever it is asked to
 * sign: it is refused, or was not asked, and so are all later phases.
 */
static void
expect_no_login(const char *service, const char *user)
{
	struct client client = signs();
	pam_handle_t *pamh;
	int r;

	client.name = user == NULL ? "" : user;
	pamh = world_start(&w, service, user, &client);
	world_put(&w, "events", "%s", "");
	r = world_phase(pam_authenticate, pamh, 0);
	cr_expect(r == PAM_AUTH_ERR || r == PAM_CRED_INSUFFICIENT ||
	    r == PAM_SERVICE_ERR, "%d", r);
	expect_harmless_prompt(&client);
	check_events(&client);
	cr_assert_eq(w.events_count, 1);
	cr_expect_str_neq(cee_get(w.events[0], "res"), "permit");
	cr_expect_str_eq(cee_get(w.events[0], "id"),
	    r == PAM_AUTH_ERR ? AGENT_ID : "-");
	r = world_phase(pam_acct_mgmt, pamh, 0);
	cr_expect(r == IGNORED || r == PAM_PERM_DENIED ||
	    r == PAM_SERVICE_ERR, "%d", r);
	r = world_phase(pam_open_session, pamh, 0);
	cr_expect(r == IGNORED || r == PAM_SERVICE_ERR, "%d", r);
	check_events(&client);
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

Test(items, let_nobody_in_under_a_user_that_is_no_account)
{
	for (size_t i = 0; i < COUNT(values); i++)
		expect_no_login("db", values[i]);
}

Test(items, let_nobody_in_at_a_service_that_no_rule_names)
{
	/* libpam itself cannot do without any service */
	for (size_t i = 1; i < COUNT(values); i++)
		expect_no_login(values[i], "robot");
}

Test(items, let_nobody_in_when_all_of_them_are_hostile)
{
	for (size_t i = 1; i < COUNT(values); i++)
		expect_no_login(values[i], values[i]);
}

/* ---- missing and empty, in every combination ----------------------------- */

Test(items, that_are_missing_or_empty_matter_where_they_name_somebody)
{
	static const char *const some[] = { "plain", "", NULL };

	for (size_t i = 0; i < 2 * 3 * 3 * 3 * 3; i++) {
		const char *const service = i % 2 == 0 ? "db" : "";
		const char *const user = i / 2 % 3 == 0 ? "robot" :
		    some[i / 2 % 3];
		struct client client = signs();
		pam_handle_t *pamh;
		const bool named = i / 2 % 3 == 0 && i % 2 == 0;

		client.name = ""; /* what libpam is told when it asks */
		pamh = world_start(&w, service, user, &client);
		set_item(pamh, PAM_RUSER, some[i / 6 % 3]);
		set_item(pamh, PAM_RHOST, some[i / 18 % 3]);
		set_item(pamh, PAM_TTY, some[i / 54 % 3]);
		world_put(&w, "events", "%s", "");
		cr_expect_eq(world_phase(pam_authenticate, pamh, 0), named ?
		    PAM_SUCCESS : i % 2 == 0 ? PAM_CRED_INSUFFICIENT :
		    PAM_SERVICE_ERR, "combination %zu", i);
		check_events(&client);
		cr_assert_eq(w.events_count, 1);
		cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
	}
}
