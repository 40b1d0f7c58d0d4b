/*
 * The machine's own clock.
 */
#include "clock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/safeopen.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

_Static_assert(sizeof(time_t) >= sizeof(int64_t), "it would end in 2038");

/*
 * CLOCK_BOOTTIME is read first. A caller that is stopped between the two
 * then takes what happened before for younger than it is, and so refuses
 * where it could have accepted, never the other way round.
 */
static fo_err
system_now(void *arg, struct fo_now *ret)
{
	struct timespec boot, real;

	(void)arg;
	if (clock_gettime(CLOCK_BOOTTIME, &boot) != 0 ||
	    clock_gettime(CLOCK_REALTIME, &real) != 0)
		return FO_ERR_IO;

	ret->s = real.tv_sec;
	ret->us = real.tv_nsec / 1000;
	ret->boot_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000;
	return FO_OK;
}

static fo_err
system_boot_id(void *arg, char ret[FO_BOOT_ID_SIZE])
{
	char text[FO_BOOT_ID_SIZE] = "";
	ssize_t n = -1;
	int fd;

	(void)arg;
	if ((fd = fo_open_above_2(AT_FDCWD, BOOT_ID_PATH,
	    O_RDONLY | O_CLOEXEC, 0)) >= 0) {
		n = fo_read_once(fd, text, FO_BOOT_ID_SIZE - 1);
		close(fd);
	}
	if (n != FO_BOOT_ID_SIZE - 1)
		return FO_ERR_IO;

	memcpy(ret, text, sizeof(text));
	return FO_OK;
}

const struct fo_clock fo_clock_system = {
	.now = system_now,
	.boot_id = system_boot_id,
	.arg = NULL,
};
