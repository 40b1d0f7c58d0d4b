/*
 * Messages on a stream socket: whole, or not at all.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/frame.h"
#include "support/failing.h"

#define LONG ((size_t)1024 * 1024) /* more than a socket holds */

static int ours, theirs;

static void
make_pair(void)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
	    0);
	ours = ends[0];
	theirs = ends[1];
}

static void
close_pair(void)
{
	failing_none();
	(void)close(ours);
	(void)close(theirs);
}

TestSuite(frame, .init = make_pair, .fini = close_pair, .timeout = 60);

/* These bytes come, and then no more. */
static void
comes(const char *bytes, size_t len)
{
	cr_assert_eq(write(theirs, bytes, len), (ssize_t)len);
	cr_assert_eq(shutdown(theirs, SHUT_WR), 0);
}

static void
refused(size_t max, fo_err want)
{
	char kept[] = "untouched", *text = kept;
	size_t len = 7;

	cr_expect_eq(fo_frame_get(ours, max, &text, &len), want);
	cr_expect_eq(text, kept);
	cr_expect_eq(len, 7);
}

Test(frame, a_length_has_four_bytes_the_highest_first)
{
	static const struct {
		size_t len;
		unsigned char head[FO_FRAME_HEAD];
	} cases[] = {
		{ 0, { 0, 0, 0, 0 } },
		{ 1, { 0, 0, 0, 1 } },
		{ 0x01020304, { 1, 2, 3, 4 } },
		{ UINT32_MAX, { 0xff, 0xff, 0xff, 0xff } },
	};
	unsigned char head[FO_FRAME_HEAD];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fo_frame_head(cases[i].len, head);
		cr_expect_eq(memcmp(head, cases[i].head, sizeof(head)), 0,
		    "%zu", cases[i].len);
		cr_expect_eq(fo_frame_len(cases[i].head), cases[i].len);
	}
}

Test(frame, a_message_is_its_length_and_its_bytes)
{
	char bytes[16];

	cr_assert_eq(fo_frame_put(ours, "a\0b", 3), FO_OK);
	cr_assert_eq(close(ours), 0);
	ours = -1;
	cr_assert_eq(read(theirs, bytes, sizeof(bytes)), 7);
	cr_expect_eq(memcmp(bytes, "\0\0\0\3a\0b", 7), 0);
	cr_expect_eq(read(theirs, bytes, sizeof(bytes)), 0);
}

Test(frame, messages_come_one_by_one_each_with_a_nul_behind_it)
{
	char *text = NULL;
	size_t len = 0;

	cr_assert_eq(fo_frame_put(theirs, "first", 5), FO_OK);
	cr_assert_eq(fo_frame_put(theirs, "2", 1), FO_OK);
	cr_assert_eq(fo_frame_get(ours, 5, &text, &len), FO_OK);
	cr_expect_eq(len, 5);
	cr_expect_eq(memcmp(text, "first", 6), 0);
	free(text);
	cr_assert_eq(fo_frame_get(ours, 5, &text, &len), FO_OK);
	cr_expect_eq(len, 1);
	cr_expect_eq(memcmp(text, "2", 2), 0);
	free(text);
}

static void *
put_long(void *text)
{
	cr_expect_eq(fo_frame_put(theirs, text, LONG), FO_OK);
	return NULL;
}

Test(frame, a_message_that_fits_in_no_socket_comes_whole)
{
	char *sent = malloc(LONG), *text = NULL;
	pthread_t thread;
	size_t len = 0;

	cr_assert_not_null(sent);
	for (size_t i = 0; i < LONG; i++)
		sent[i] = (char)(i % 251);
	cr_assert_eq(pthread_create(&thread, NULL, put_long, sent), 0);
	cr_assert_eq(fo_frame_get(ours, LONG, &text, &len), FO_OK);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_eq(len, LONG);
	cr_expect_eq(memcmp(text, sent, LONG), 0);
	free(text);
	free(sent);
}

Test(frame, nothing_and_what_no_length_can_say_is_not_sent)
{
	char byte;

	cr_expect_eq(fo_frame_put(ours, "", 0), FO_ERR_ARG);
#if SIZE_MAX > UINT32_MAX
	cr_expect_eq(fo_frame_put(ours, "", (size_t)UINT32_MAX + 1),
	    FO_ERR_ARG);
#endif
	cr_expect_eq(recv(theirs, &byte, 1, MSG_DONTWAIT), -1);
	cr_expect_eq(errno, EAGAIN);
}

Test(frame, nothing_and_more_than_the_most_is_refused_by_its_length)
{
	comes("\0\0\0\0" "\0\0\0\6sixsix", 14);
	refused(5, FO_ERR_FORMAT);
	refused(5, FO_ERR_FORMAT);
}

Test(frame, the_most_is_taken)
{
	char *text = NULL;
	size_t len = 0;

	comes("\0\0\0\6sixsix", 10);
	cr_assert_eq(fo_frame_get(ours, 6, &text, &len), FO_OK);
	cr_expect_str_eq(text, "sixsix");
	free(text);
}

Test(frame, what_ends_early_is_no_message)
{
	static const char whole[] = "\0\0\0\6sixsix";

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		comes(whole, len);
		refused(6, FO_ERR_IO);
		close_pair();
		make_pair();
	}
}

Test(frame, who_does_not_answer_in_time_is_gone)
{
	const struct timeval limit = { .tv_usec = 1000 };

	cr_assert_eq(setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit)), 0);
	refused(6, FO_ERR_IO);
	cr_assert_eq(write(theirs, "\0\0\0\6six", 7), 7);
	refused(6, FO_ERR_IO);
}

Test(frame, who_does_not_take_it_in_time_or_at_all_is_gone)
{
	const struct timeval limit = { .tv_usec = 1000 };
	char *text = calloc(1, LONG);

	cr_assert_not_null(text);
	cr_assert_eq(setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof(limit)), 0);
	cr_expect_eq(fo_frame_put(ours, text, LONG), FO_ERR_IO);
	cr_assert_eq(close(theirs), 0);
	theirs = -1;
	/* and no SIGPIPE ends this test */
	cr_expect_eq(fo_frame_put(ours, text, 1), FO_ERR_IO);
	free(text);
}

Test(frame, a_signal_in_between_ends_nothing)
{
	char *text = NULL;
	size_t len = 0;

	for (int nth = 1; nth <= 2; nth++) {
		failing("send", nth, EINTR);
		cr_expect_eq(fo_frame_put(theirs, "text", 4), FO_OK);
		cr_expect_eq(failing_calls("send"), 3);
		failing("recv", nth, EINTR);
		cr_assert_eq(fo_frame_get(ours, 4, &text, &len), FO_OK);
		cr_expect_eq(failing_calls("recv"), 3);
		cr_expect_str_eq(text, "text");
		free(text);
	}
}

Test(frame, any_other_error_does)
{
	failing("send", 2, ENOBUFS);
	cr_expect_eq(fo_frame_put(theirs, "text", 4), FO_ERR_IO);
	/* its length is on its way, and its text comes, too late */
	cr_assert_eq(write(theirs, "text", 4), 4);
	failing("recv", 2, ENOMEM);
	refused(4, FO_ERR_IO);
	/* nor is what takes nothing asked again and again */
	failing("send", 1, 0);
	cr_expect_eq(fo_frame_put(theirs, "text", 4), FO_ERR_IO);
}
