/*
 * A piece of work, done as often as it makes calls that can fail, each time
 * with another of them failing.
 */
#ifndef FO_TEST_SWEEP_H
#define FO_TEST_SWEEP_H

#include <stdbool.h>

#include <firstops/error.h>

struct sweep {
	const char *what;
	/* Each time: what must be there first, or NULL; no call fails. */
	void (*before)(void *arg);
	fo_err (*act)(void *arg);
	/* Each time: what must hold afterwards, or NULL; no call fails. */
	void (*after)(void *arg, fo_err r);
	/* No memory is FO_ERR_NOMEM, and not some other trouble. */
	bool memory;
	/* 0, or for what takes long: one call of so many, but for
	 * FIRSTOPS_DEEP. */
	unsigned int step;
};

/*
 * Also checked: it ends with FO_OK where no call failed, otherwise with
 * FO_OK or with trouble of our own, never with a verdict on anybody; no
 * descriptor stays open. At last it is done once more, and succeeds.
 */
void sweep(const struct sweep *work, void *arg);

#endif
