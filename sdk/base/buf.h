/*
 * A text that grows up to a limit, and remembers that it failed.
 *
 * Appending to a failed buffer does nothing; the caller looks once, when it
 * takes the text. What a buffer held is wiped when it grows or goes.
 */
#ifndef FO_BASE_BUF_H
#define FO_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include <firstops/error.h>

struct fo_buf {
	char *data;	/* NUL-terminated once anything was appended */
	size_t len;	/* without the NUL */
	size_t size;	/* of data */
	bool lent;	/* data is somebody else's memory */
	size_t max;	/* len never exceeds this */
	fo_err err;	/* FO_OK, FO_ERR_NOMEM or FO_ERR_TOO_LONG */
};

/* An empty buffer for at most max bytes. */
void fo_buf_init(struct fo_buf *buf, size_t max);

/*
 * An empty buffer in size bytes of the caller's, which outlive it: such a
 * buffer allocates nothing. Its text stays where it is: to take it fails with
 * FO_ERR_INTERNAL.
 */
void fo_buf_init_in(struct fo_buf *buf, char *memory, size_t size);

void fo_buf_add(struct fo_buf *buf, const void *data, size_t n);
void fo_buf_adds(struct fo_buf *buf, const char *s);
void fo_buf_addf(struct fo_buf *buf, const char *fmt, ...) FO_PRINTF(2, 3);

/*
 * Hand the text over; the caller frees it. Returns buf->err, and on failure
 * leaves *ret_text alone. The buffer is empty afterwards either way.
 */
FO_MUST_CHECK fo_err fo_buf_take(struct fo_buf *buf, char **ret_text);

/* Wipe what is left, and free it unless it was lent. */
void fo_buf_clear(struct fo_buf *buf);

#endif
