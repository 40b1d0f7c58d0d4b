/*
 * Patterns: the matcher says what a plain reading of the two rules says.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "host/glob.h"
#include "reference.h"

void
fuzz_on_glob(const uint8_t *data, size_t size)
{
	struct fuzz_fields in;

	fuzz_fields_split(data, size, 2, &in);
	NEED(fo_glob_match(in.text[0], in.text[1]) ==
	    reference_glob(in.text[0], in.text[1]));
	NEED(fo_glob_match("*", in.text[1]));
	if (strpbrk(in.text[0], "*?") == NULL)
		NEED(fo_glob_match(in.text[0], in.text[1]) ==
		    (strcmp(in.text[0], in.text[1]) == 0));
	fuzz_fields_clear(&in);
}
