/*
 * Writing a reason into a caller's fo_diag.
 */
#include "diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * A reason may quote a file or a prompt, and ends up on a terminal or in a
 * log: no byte of it starts a new line or an escape sequence there.
 */
static void
drop_control_bytes(char *s)
{
	for (; *s != '\0'; s++) {
		const unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f)
			*s = '?';
	}
}

void
fo_diag_set(struct fo_diag *diag, const char *fmt, ...)
{
	char text[FO_DIAG_SIZE]; /* the arguments may point into diag */
	va_list args;
	int n;

	if (diag == NULL)
		return;
	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n < 0)
		text[0] = '\0';
	drop_control_bytes(text);
	memcpy(diag->text, text, sizeof(text));
}

void
fo_diag_prefix(struct fo_diag *diag, const char *fmt, ...)
{
	char place[FO_DIAG_SIZE];
	va_list args;
	int n;

	if (diag == NULL)
		return;
	va_start(args, fmt);
	n = vsnprintf(place, sizeof(place), fmt, args);
	va_end(args);
	if (n < 0)
		return;
	fo_diag_set(diag, "%s%s%s", place, diag->text[0] != '\0' ? ": " : "",
	    diag->text);
}

const char *
fo_diag_remedy(int e)
{
	switch (e) {
	case ENOSPC:
		return "make room on its file system, for blocks and inodes";
	case EDQUOT:
		return "make room in the owner's quota";
	case EFBIG:
		return "raise the limit on the size of files (ulimit -f)";
	case EROFS:
		return "mount its file system writable";
	case EACCES:
	case EPERM:
		return "run this as the owner of its folder";
	case EMFILE:
	case ENFILE:
		return "raise the limit on open files (ulimit -n)";
	case ENOENT:
		return "it was removed meanwhile, make it anew";
	case EINTR:
	case EAGAIN:
		return "try again";
	case EIO:
		return "look in the kernel's log for what is wrong with the "
		    "disk";
	default:
		return "mend that and try again";
	}
}

void
fo_diag_word(const char *text, char ret_word[FO_DIAG_WORD_SIZE])
{
	size_t n;

	for (n = 0; n < FO_DIAG_WORD_SIZE - 1 && text[n] != '\0'; n++)
		ret_word[n] = (char)(text[n] == ' ' ? '?' : text[n]);
	ret_word[n] = '\0';
}
