/*
 * Asking the person at the terminal for a key's passphrase.
 */
#ifndef FO_TOOL_PASSPHRASE_H
#define FO_TOOL_PASSPHRASE_H

#include <stddef.h>

/*
 * A fo_passphrase_cb: asks on /dev/tty without echo, arg is the key's path.
 * Gives up where there is no terminal.
 */
int passphrase_ask(char *buf, size_t size, void *arg);

#endif
