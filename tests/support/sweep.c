/*
 * Work with each of its calls failing in turn.
 */
#include "sweep.h"

#include <stdbool.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "fuzz/fuzz.h"
#include "host/decide.h"
#include "machine.h"

static struct {
	const struct sweep *work;
	void *arg;
	int runs;
} now;

static void
check(fo_err r)
{
	if (!fuzz_faulted())
		cr_assert_eq(r, FO_OK, "%s, where no call fails: %s",
		    now.work->what, fo_err_word(r));
	else
		cr_expect(r == FO_OK ||
		    fo_event_res(r) == FO_RES_ERROR, "%s, run %d: %s",
		    now.work->what, now.runs, fo_err_word(r));
	if (now.work->memory && fuzz_faulted_memory())
		cr_expect_eq(r, FO_ERR_NOMEM, "%s without memory, run %d: %s",
		    now.work->what, now.runs, fo_err_word(r));
	if (now.work->after != NULL)
		now.work->after(now.arg, r);
}

static void
run(const uint8_t *data, size_t size)
{
	bool held = fuzz_faults_hold();
	size_t open;
	fo_err r;

	(void)data;
	(void)size;
	now.runs++;
	if (now.work->before != NULL)
		now.work->before(now.arg);
	open = machine_descriptors();
	fuzz_faults_release(held);
	r = now.work->act(now.arg);
	held = fuzz_faults_hold();
	cr_expect_eq(machine_descriptors(), open, "%s, run %d leaves a "
	    "descriptor", now.work->what, now.runs);
	check(r);
	fuzz_faults_release(held);
}

void
sweep(const struct sweep *work, void *arg)
{
	const bool all = work->step == 0 || getenv("FIRSTOPS_DEEP") != NULL;

	now.work = work;
	now.arg = arg;
	now.runs = 0;
	run(NULL, 0);
	fuzz_sweep(run, NULL, 0, all ? 1 : work->step);
	run(NULL, 0);
	cr_expect_gt(now.runs, 5, "%s makes no calls", work->what);
}
