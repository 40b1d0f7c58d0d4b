/*
 * Tickets of firstopsd: made by one helper, believed by the other.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "firstopsd/ticket.h"

static const struct ticket_key key = { { 1, 2, 3 } };
static const struct ticket_key other = { { 1, 2, 4 } };
#define NOW 1800000000

Test(ticket, names_who_signed_in_until_it_ends)
{
	char ticket[TICKET_SIZE], user[TICKET_USER_MAX + 1];

	cr_assert_eq(ticket_make(&key, "alice", NOW, ticket), FO_OK);
	cr_expect_eq(ticket_check(&key, ticket, NOW, user), FO_OK);
	cr_expect_str_eq(user, "alice");
	cr_expect_eq(ticket_check(&key, ticket, NOW + TICKET_VALID_S - 1,
	    user), FO_OK);
	cr_expect_eq(ticket_check(&key, ticket, NOW + TICKET_VALID_S, user),
	    FO_ERR_STALE);
}

Test(ticket, a_name_has_1_to_64_bytes_of_any_kind)
{
	char ticket[TICKET_SIZE], user[TICKET_USER_MAX + 1], name[66];

	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	name[0] = '.';
	name[1] = '\n';
	cr_assert_eq(ticket_make(&key, name, NOW, ticket), FO_OK);
	cr_expect_eq(ticket_check(&key, ticket, NOW, user), FO_OK);
	cr_expect_str_eq(user, name);
	name[64] = 'a';
	name[65] = '\0';
	cr_expect_eq(ticket_make(&key, name, NOW, ticket), FO_ERR_ARG);
	cr_expect_eq(ticket_make(&key, "", NOW, ticket), FO_ERR_ARG);
}

Test(ticket, of_another_key_or_with_one_byte_changed_is_none)
{
	char ticket[TICKET_SIZE], user[TICKET_USER_MAX + 1] = "untouched";
	size_t len;

	cr_assert_eq(ticket_make(&key, "alice", NOW, ticket), FO_OK);
	cr_expect_eq(ticket_check(&other, ticket, NOW, user),
	    FO_ERR_BAD_SIGNATURE);
	len = strlen(ticket);
	for (size_t i = 0; i < len; i++) {
		const char was = ticket[i];

		ticket[i] = was == 'A' ? 'B' : 'A';
		cr_expect_neq(ticket_check(&key, ticket, NOW, user), FO_OK,
		    "%zu", i);
		ticket[i] = was;
	}
	for (size_t i = 0; i < len; i++) {
		const char was = ticket[i];

		ticket[i] = '\0';
		cr_expect_neq(ticket_check(&key, ticket, NOW, user), FO_OK,
		    "%zu", i);
		ticket[i] = was;
	}
	cr_expect_str_eq(user, "untouched");
}

Test(ticket, what_is_no_ticket_is_none)
{
	static const char *const bad[] = { "", ".", "..", "a.b", "a.b.c",
		"YWxpY2U.1800000001.", "YWxpY2U.1800000001.AAAA" };
	char user[TICKET_USER_MAX + 1], text[400];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_neq(ticket_check(&key, bad[i], NOW, user), FO_OK);
	memset(text, 'A', sizeof(text));
	text[300] = '.';
	text[sizeof(text) - 1] = '\0';
	cr_expect_eq(ticket_check(&key, text, NOW, user), FO_ERR_FORMAT);
}

Test(ticket, the_key_is_made_once_and_is_its_owners_alone)
{
	char folder[] = "/tmp/firstops-ticket-XXXXXX", path[64];
	struct ticket_key first, second;
	struct fo_diag diag = { "" };
	struct stat st;

	cr_assert_not_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/key", folder);
	cr_assert_eq(ticket_key_open(path, &diag, &first), FO_OK);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600U);
	cr_expect_eq(st.st_nlink, 1U);
	cr_assert_eq(ticket_key_open(path, &diag, &second), FO_OK);
	cr_expect_eq(memcmp(&first, &second, sizeof(first)), 0);

	cr_assert_eq(chmod(path, 0640), 0);
	cr_expect_eq(ticket_key_open(path, &diag, &second), FO_ERR_IO);
	cr_expect_not_null(strstr(diag.text, "root alone"), "%s", diag.text);
	cr_assert_eq(truncate(path, 31), 0);
	cr_assert_eq(chmod(path, 0600), 0);
	diag.text[0] = '\0';
	cr_expect_eq(ticket_key_open(path, &diag, &second), FO_ERR_IO);
	cr_expect_neq(diag.text[0], '\0');
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(rmdir(folder), 0);
}
