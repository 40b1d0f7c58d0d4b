/*
 * A text that grows up to a limit, and remembers that it failed.
 */
#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wipe.h"

#define FIRST_SIZE 64

/*
 * Make room for n more bytes and a NUL. The old memory is wiped by hand
 * because realloc would give it back as it is.
 */
static bool
reserve(struct fo_buf *buf, size_t n)
{
	size_t size, need;
	char *data;

	if (buf->err != FO_OK)
		return false;
	if (n > buf->max - buf->len || buf->len + n == SIZE_MAX) {
		buf->err = FO_ERR_TOO_LONG;
		return false;
	}
	need = buf->len + n + 1;
	if (need <= buf->size)
		return true;

	size = buf->size <= SIZE_MAX / 2 ? buf->size * 2 : need;
	if (size < FIRST_SIZE)
		size = FIRST_SIZE;
	if (size < need)
		size = need;
	/* the room that there is never exceeds what may be added */
	if (buf->max < SIZE_MAX && size > buf->max + 1)
		size = buf->max + 1;
	if ((data = malloc(size)) == NULL) {
		buf->err = FO_ERR_NOMEM;
		return false;
	}
	if (buf->len > 0)
		memcpy(data, buf->data, buf->len);
	data[buf->len] = '\0';
	fo_wipe(buf->data, buf->size);
	free(buf->data);
	buf->data = data;
	buf->size = size;
	return true;
}

void
fo_buf_init(struct fo_buf *buf, size_t max)
{
	*buf = (struct fo_buf){ .max = max, .err = FO_OK };
}

void
fo_buf_init_in(struct fo_buf *buf, char *memory, size_t size)
{
	/* max leaves room for the NUL, so there is always enough. */
	*buf = (struct fo_buf){ .data = memory, .size = size,
		.max = size - 1, .err = FO_OK, .lent = true };
	memory[0] = '\0';
}

void
fo_buf_add(struct fo_buf *buf, const void *data, size_t n)
{
	if (!reserve(buf, n))
		return;
	if (n > 0)
		memcpy(buf->data + buf->len, data, n);
	buf->len += n;
	buf->data[buf->len] = '\0';
}

void
fo_buf_adds(struct fo_buf *buf, const char *s)
{
	fo_buf_add(buf, s, strlen(s));
}

/* Into the room that there is, mostly at the first try; what was there stays. */
void
fo_buf_addf(struct fo_buf *buf, const char *fmt, ...)
{
	const size_t room = buf->err == FO_OK ? buf->size - buf->len : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, fmt,
	    args);
	va_end(args);
	if (n >= 0 && (size_t)n < room) {
		buf->len += (size_t)n;
		return;
	}
	if (room > 0)
		buf->data[buf->len] = '\0';
	if (n < 0) {
		/* over INT_MAX, or no memory for a wide field */
		if (buf->err == FO_OK)
			buf->err = FO_ERR_TOO_LONG;
		return;
	}
	if (!reserve(buf, (size_t)n))
		return;

	va_start(args, fmt);
	(void)vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, args);
	va_end(args);
	buf->len += (size_t)n;
}

fo_err
fo_buf_take(struct fo_buf *buf, char **ret_text)
{
	fo_err r;

	fo_buf_add(buf, "", 0); /* an empty text is a text too */
	if (buf->lent)
		buf->err = FO_ERR_INTERNAL; /* not the caller's to free */
	if ((r = buf->err) == FO_OK) {
		*ret_text = buf->data;
		buf->data = NULL;
	}
	fo_buf_clear(buf);
	return r;
}

void
fo_buf_clear(struct fo_buf *buf)
{
	fo_wipe(buf->data, buf->size);
	if (buf->lent) {
		fo_buf_init_in(buf, buf->data, buf->size);
		return;
	}
	free(buf->data);
	fo_buf_init(buf, buf->max);
}
