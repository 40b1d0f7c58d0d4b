/*
 * Which mutant this process is: FO_MUTANT in the environment, a number.
 *
 * With FO_MUTANT_REACHED=FILE no mutant is chosen; the byte of each one whose
 * place is reached is set in that file, which is mapped and so shared by all
 * processes of a test, however they end.
 */
#include "switch.h"

#include <sys/mman.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define REACHED_SIZE 65536

static int chosen;
static unsigned char *reached;

/* Before the constructors that change tables, which ask. */
__attribute__((constructor(101))) static void
choose(void)
{
	const char *number = getenv("FO_MUTANT");
	const char *path = getenv("FO_MUTANT_REACHED");
	void *map;
	int fd;

	if (number != NULL)
		chosen = (int)strtol(number, NULL, 10);
	if (path == NULL || (fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
		return;
	map = mmap(NULL, REACHED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		reached = map;
}

/* The module is loaded and unloaded, and must leave nothing behind. */
__attribute__((destructor)) static void
forget(void)
{
	if (reached != NULL)
		munmap(reached, REACHED_SIZE);
}

int
fo_mutant(int number)
{
	if (reached != NULL && number < REACHED_SIZE)
		reached[number] = 1;
	return chosen == number;
}
