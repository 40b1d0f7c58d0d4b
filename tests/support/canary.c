/*
 * A test that passes and leaks: run under the address sanitizer it must count
 * as failed, or leaks in the other tests would go unseen.
 */
#include <stdlib.h>

#include <criterion/criterion.h>

void *volatile kept;

Test(canary, leaks_on_purpose)
{
	kept = malloc(17);
	cr_assert(kept != NULL);
	kept = NULL;
}
