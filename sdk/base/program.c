/*
 * What a program of ours does before anything else.
 */
#include "program.h"

#include <openssl/crypto.h>

bool
fo_program_start(void)
{
	return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1;
}
