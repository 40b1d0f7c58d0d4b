/*
 * The version of the library that runs.
 */
#include <firstops/firstops.h>

const char *
fo_version(void)
{
	return FO_VERSION;
}
