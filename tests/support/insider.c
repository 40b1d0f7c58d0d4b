/* Run a command as root from within somebody's session: installed setuid
 * root, as sudo is. */
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	if (argc < 2 || setuid(0) != 0) {
		perror("insider");
		return 127;
	}
	execv(argv[1], argv + 1);
	perror(argv[1]);

	return 127;
}
