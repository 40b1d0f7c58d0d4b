/*
 * The tests of the decision once more, in a program that keeps what it read,
 * and for which every file is old enough to be kept.
 */
#include "support/failing.h"
#include "support/place.h"

__attribute__((constructor)) static void
keep(void)
{
	place_keeps = true;
	failing_ahead(60);
}

#include "decide.c"
