/*
 * Where time comes from: one struct, so that tests own it.
 */
#ifndef FO_HOST_CLOCK_H
#define FO_HOST_CLOCK_H

#include <stdint.h>

#include <firstops/error.h>

#define FO_BOOT_ID_SIZE 37	/* a uuid and NUL */

struct fo_now {
	int64_t s;		/* CLOCK_REALTIME */
	int64_t us;		/* 0 to 999999 */
	int64_t boot_ms;	/* CLOCK_BOOTTIME */
};

struct fo_clock {
	/* FO_OK, or FO_ERR_IO. */
	fo_err (*now)(void *arg, struct fo_now *ret);
	fo_err (*boot_id)(void *arg, char ret[FO_BOOT_ID_SIZE]);
	void *arg;
};

/* The machine's own clock, and /proc/sys/kernel/random/boot_id. */
extern const struct fo_clock fo_clock_system;

#endif
