/*
 * The entry point that libFuzzer calls, for the target that FUZZ_TARGET is.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_run(FUZZ_TARGET, data, size);
	return 0;
}
