/*
 * Memory that runs out when it is told to.
 */
#include "alloc.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Seen by every library of the program. */
#pragma GCC visibility push(default)

/* What glibc's own functions are called for those who replace them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static struct {
	bool open;
	bool all_after;
	long at;
	long count;
} state;

void
alloc_arm(long at, bool all_after)
{
	state.at = at;
	state.all_after = all_after;
	state.count = 0;
}

void
alloc_window(bool open)
{
	state.open = open;
}

long
alloc_count(void)
{
	return state.count;
}

static bool
refused(void)
{
	if (!state.open)
		return false;
	state.count++;
	if (state.at == 0 || state.count < state.at ||
	    (state.count > state.at && !state.all_after))
		return false;

	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return refused() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return refused() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return refused() ? NULL : __libc_realloc(old, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return refused() ? NULL : __libc_memalign(alignment, size);
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *memory = aligned_alloc(alignment, size);

	if (memory == NULL)
		return ENOMEM;

	*ret = memory;
	return 0;
}

#pragma GCC visibility pop

/* ---- before a program -------------------------------------------------- */

static __attribute__((constructor)) void
begin(void)
{
	const char *text = getenv("FAULT_ALLOC");
	char *end;
	long at;

	if (text == NULL)
		return;
	at = strtol(text, &end, 10);
	alloc_arm(at, *end == '+');
	alloc_window(true);
}

static __attribute__((destructor)) void
end(void)
{
	const char *name = getenv("FAULT_ALLOC_COUNT");
	FILE *file;

	if (name == NULL)
		return;
	alloc_window(false);
	if ((file = fopen(name, "w")) == NULL)
		return;
	(void)fprintf(file, "%ld\n", state.count);
	(void)fclose(file);
}
