/*
 * Messages on a stream socket.
 */
#include "frame.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wipe.h"

void
fo_frame_head(size_t len, unsigned char ret_head[FO_FRAME_HEAD])
{
	for (size_t i = 0; i < FO_FRAME_HEAD; i++)
		ret_head[i] = (unsigned char)(len >>
		    (8 * (FO_FRAME_HEAD - 1 - i)) & 0xff);
}

size_t
fo_frame_len(const unsigned char head[FO_FRAME_HEAD])
{
	size_t len = 0;

	for (size_t i = 0; i < FO_FRAME_HEAD; i++)
		len = len << 8 | head[i];
	return len;
}

static fo_err
put(int fd, const void *data, size_t len)
{
	const unsigned char *at = data;

	while (len > 0) {
		const ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FO_ERR_IO;
		at += n;
		len -= (size_t)n;
	}

	return FO_OK;
}

static fo_err
get(int fd, void *data, size_t len)
{
	unsigned char *at = data;

	while (len > 0) {
		const ssize_t n = recv(fd, at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FO_ERR_IO;
		at += n;
		len -= (size_t)n;
	}

	return FO_OK;
}

fo_err
fo_frame_put(int fd, const char *text, size_t len)
{
	unsigned char head[FO_FRAME_HEAD];
	fo_err r;

	if (len == 0 || len > UINT32_MAX)
		return FO_ERR_ARG;
	fo_frame_head(len, head);
	if ((r = put(fd, head, sizeof(head))) != FO_OK)
		return r;
	return put(fd, text, len);
}

fo_err
fo_frame_get(int fd, size_t max, char **ret_text, size_t *ret_len)
{
	unsigned char head[FO_FRAME_HEAD];
	char *text;
	size_t len;
	fo_err r;

	if ((r = get(fd, head, sizeof(head))) != FO_OK)
		return r;
	len = fo_frame_len(head);
	if (len == 0 || len > max)
		return FO_ERR_FORMAT;
	if ((text = malloc(len + 1)) == NULL)
		return FO_ERR_NOMEM;
	if ((r = get(fd, text, len)) != FO_OK) {
		fo_wipe_free(&text, len);
		return r;
	}
	text[len] = '\0';

	*ret_text = text;
	*ret_len = len;
	return FO_OK;
}
