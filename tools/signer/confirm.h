/*
 * A process that asks the person by the one program that was named at start.
 * It is forked before there is a key, and is the only one that runs anything.
 */
#ifndef FO_SIGNER_CONFIRM_H
#define FO_SIGNER_CONFIRM_H

#include <stdbool.h>

#include <firstops/error.h>

/*
 * Start it. Prompts go to *ret_fd, one at a time, and for each one byte comes
 * back. When *ret_fd is closed, the process ends, and what it runs.
 */
FO_MUST_CHECK fo_err confirm_start(const char *program, struct fo_diag *diag,
    int *ret_fd);

/* Ask; false if the process is gone. */
bool confirm_ask(int fd, const char *prompt);

/*
 * Nobody waits for the answer any more: the program is ended. An answer comes
 * all the same.
 */
void confirm_cancel(int fd);

/* The answer, once fd can be read. False if the process is gone. */
bool confirm_answer(int fd, bool *ret_yes);

#endif
