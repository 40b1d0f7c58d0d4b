/*
 * Memory that runs out when it is told to.
 */
#include "alloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#define PLACES 16384	/* a power of two, and more than there are */
#define DEPTH 64

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

/* Where allocations were made: a hash of the callers, and the first. */
static struct {
	bool wanted;
	uint64_t hash[PLACES];
	long first[PLACES];
} places;

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

struct callers {
	uint64_t hash;
	int depth;
};

static _Unwind_Reason_Code
add_caller(struct _Unwind_Context *context, void *arg)
{
	struct callers *callers = arg;

	callers->hash = (callers->hash ^ _Unwind_GetIP(context)) *
	    UINT64_C(1099511628211);
	return ++callers->depth < DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* Remember the allocation that is being counted if it is a place's first. */
static void
note_place(void)
{
	struct callers callers = { .hash = UINT64_C(14695981039346656037) };
	size_t i;

	state.open = false; /* what the unwinder needs is its own */
	(void)_Unwind_Backtrace(add_caller, &callers);
	state.open = true;
	for (i = callers.hash % PLACES; places.first[i] != 0 &&
	    places.hash[i] != callers.hash; i = (i + 1) % PLACES)
		;
	if (places.first[i] == 0) {
		places.hash[i] = callers.hash;
		places.first[i] = state.count;
	}
}

static bool
refused(void)
{
	if (!state.open)
		return false;
	state.count++;
	if (places.wanted)
		note_place();
	if (state.at == 0 || state.count < state.at ||
	    (state.count > state.at && !state.all_after))
		return false;

	errno = ENOMEM;
	return true;
}

/* The function that ours stands in for. */
static void
find_next(const char *name, void *ret_function, size_t size)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	memcpy(ret_function, &symbol, size);
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

/*
 * glibc's own do not survive what they cannot allocate (nss_database_get, up
 * to 2.36 at least): here each is one allocation, and the answer no memory.
 */
struct passwd *
getpwnam(const char *name)
{
	struct passwd *(*real)(const char *) = NULL;
	const bool open = state.open;
	struct passwd *found;

	if (refused())
		return NULL;
	state.open = false;
	find_next("getpwnam", &real, sizeof(real));
	found = real(name);
	state.open = open;

	return found;
}

struct passwd *
getpwuid(uid_t uid)
{
	struct passwd *(*real)(uid_t) = NULL;
	const bool open = state.open;
	struct passwd *found;

	if (refused())
		return NULL;
	state.open = false;
	find_next("getpwuid", &real, sizeof(real));
	found = real(uid);
	state.open = open;

	return found;
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
	places.wanted = getenv("FAULT_ALLOC_PLACES") != NULL;
	at = strtol(text, &end, 10);
	alloc_arm(at, *end == '+');
	alloc_window(true);
}

static void
tell(const char *variable, void (*write)(FILE *to))
{
	const char *name = getenv(variable);
	FILE *file;

	if (name == NULL || (file = fopen(name, "w")) == NULL)
		return;
	write(file);
	(void)fclose(file);
}

static void
tell_count(FILE *to)
{
	(void)fprintf(to, "%ld\n", state.count);
}

static void
tell_places(FILE *to)
{
	for (size_t i = 0; i < PLACES; i++)
		if (places.first[i] != 0)
			(void)fprintf(to, "%ld\n", places.first[i]);
}

static __attribute__((destructor)) void
end(void)
{
	alloc_window(false);
	tell("FAULT_ALLOC_COUNT", tell_count);
	tell("FAULT_ALLOC_PLACES", tell_places);
}
