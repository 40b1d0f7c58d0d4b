/*
 * Secrets leave memory before the memory is given back.
 */
#ifndef FO_BASE_WIPE_H
#define FO_BASE_WIPE_H

#include <stddef.h>

/* Overwrite n bytes in a way that no compiler drops; NULL and 0 are fine. */
void fo_wipe(void *p, size_t n);

/* Wipe n bytes, free, and set *p to NULL; NULLs are fine. */
void fo_wipe_free(char **p, size_t n);

/* Wipe a string up to its NUL, free, and set *s to NULL; NULLs are fine. */
void fo_wipe_string(char **s);

#endif
