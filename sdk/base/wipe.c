/*
 * Secrets leave memory before the memory is given back.
 */
#include "wipe.h"

#include <stdlib.h>
#include <string.h>

void
fo_wipe(void *p, size_t n)
{
	if (p != NULL && n > 0)
		explicit_bzero(p, n);
}

void
fo_wipe_free(char **p, size_t n)
{
	if (p == NULL || *p == NULL)
		return;
	fo_wipe(*p, n);
	free(*p);
	*p = NULL;
}

void
fo_wipe_string(char **s)
{
	if (s == NULL || *s == NULL)
		return;
	fo_wipe(*s, strlen(*s));
	free(*s);
	*s = NULL;
}
