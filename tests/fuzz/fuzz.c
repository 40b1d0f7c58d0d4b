/*
 * What every target needs: the two runs, the input taken apart.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void
fuzz_broken(const char *what, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: does not hold%s: %s\n", file, line,
	    fuzz_faulted() ? " after a failed call" : "", what);
	abort();
}

/* FNV-1a, so that the same input always meets the same failure. */
static uint32_t
hash_of(const uint8_t *data, size_t size)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 16777619U;
	return hash;
}

void
fuzz_run(fuzz_target *target, const uint8_t *data, size_t size)
{
	fuzz_faults_count();
	target(data, size);
	fuzz_faults_arm(hash_of(data, size));
	target(data, size);
	fuzz_faults_disarm();
}

void
fuzz_sweep(fuzz_target *target, const uint8_t *data, size_t size,
    uint32_t step)
{
	static const fuzz_fault hows[] = { FUZZ_ONCE, FUZZ_FROM_THEN_ON,
		FUZZ_INTERRUPTED };
	bool faulted;

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		faulted = true;
		for (uint32_t nth = hash_of(data, size) % step; faulted;
		    nth += step) {
			fuzz_faults_arm_nth(nth, hows[i]);
			target(data, size);
			faulted = fuzz_faulted();
			fuzz_faults_disarm();
		}
	}
}

bool
fuzz_worked(fo_err r)
{
	NEED(r == FO_OK || fuzz_faulted());
	return r == FO_OK;
}

/* A copy that ends where its memory does, without the NULs in it. */
static char *
copy_of(const uint8_t *data, size_t size)
{
	const bool held = fuzz_faults_hold();
	char *copy = malloc(size + 1);
	size_t len = 0;

	NEED(copy != NULL);
	for (size_t i = 0; i < size; i++)
		if (data[i] != '\0')
			copy[len++] = (char)data[i];
	copy[len] = '\0';
	fuzz_faults_release(held);
	return copy;
}

void
fuzz_fields_split(const uint8_t *data, size_t size, size_t count,
    struct fuzz_fields *ret)
{
	const uint8_t *end = data + size, *nul;

	NEED(count <= FUZZ_FIELDS);
	*ret = (struct fuzz_fields){ { NULL } };
	for (size_t i = 0; i < count; i++) {
		nul = i + 1 == count || data == end ? NULL :
		    memchr(data, '\0', (size_t)(end - data));
		if (nul == NULL)
			nul = end;
		ret->text[i] = copy_of(data, (size_t)(nul - data));
		data = nul == end ? end : nul + 1;
	}
}

void
fuzz_fields_clear(struct fuzz_fields *fields)
{
	for (size_t i = 0; i < FUZZ_FIELDS; i++)
		free(fields->text[i]);
	*fields = (struct fuzz_fields){ { NULL } };
}

const char *
fuzz_known(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

uint32_t
fuzz_number(const char *text)
{
	uint32_t number = 0;

	for (; *text != '\0'; text++)
		number = number * 10 + (uint32_t)(unsigned char)*text - '0';
	return number;
}
