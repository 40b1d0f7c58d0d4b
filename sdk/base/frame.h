/*
 * Messages on a stream socket: a length of four bytes, the highest first, and
 * so many bytes. For sockets that block, with SO_RCVTIMEO and SO_SNDTIMEO.
 */
#ifndef FO_BASE_FRAME_H
#define FO_BASE_FRAME_H

#include <stddef.h>

#include <firstops/error.h>

#define FO_FRAME_HEAD 4
#define FO_FRAME_MAX 8192	/* of what comes from outside */

/* The four bytes of a length, and back. */
void fo_frame_head(size_t len, unsigned char ret_head[FO_FRAME_HEAD]);
size_t fo_frame_len(const unsigned char head[FO_FRAME_HEAD]);

/* FO_ERR_ARG: nothing. FO_ERR_IO: the peer is gone, or slow. */
FO_MUST_CHECK fo_err fo_frame_put(int fd, const char *text, size_t len);

/*
 * The caller wipes and frees *ret_text, which ends in a NUL that *ret_len does
 * not count. FO_ERR_FORMAT: no length from 1 to max. FO_ERR_IO: the peer is
 * gone, or slow.
 */
FO_MUST_CHECK fo_err fo_frame_get(int fd, size_t max, char **ret_text,
    size_t *ret_len);

#endif
