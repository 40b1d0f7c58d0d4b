/*
 * Asking the person at the terminal for a key's passphrase.
 */
#include "passphrase.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/wipe.h"

/* One line without its end; -1 if it does not fit or nothing came. */
static int
read_line(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size && read(fd, buf + n, 1) == 1) {
		if (buf[n] == '\n') {
			buf[n] = '\0';
			return (int)n;
		}
		n++;
	}
	fo_wipe(buf, size);

	return -1;
}

int
passphrase_ask(char *buf, size_t size, void *arg)
{
	const char *path = arg;
	struct termios loud, quiet;
	int fd, n = -1;

	if ((fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) == -1)
		return -1;
	if (tcgetattr(fd, &loud) != 0) {
		close(fd);
		return -1;
	}
	quiet = loud;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ICANON;
	dprintf(fd, "Passphrase for %s: ", path);
	if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
		n = read_line(fd, buf, size);
		(void)tcsetattr(fd, TCSAFLUSH, &loud);
	}
	dprintf(fd, "\n");
	close(fd);

	return n;
}
