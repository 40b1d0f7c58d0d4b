/*
 * What a program of ours does before anything else.
 */
#ifndef FO_BASE_PROGRAM_H
#define FO_BASE_PROGRAM_H

#include <stdbool.h>

/*
 * Keep libcrypto from reading a configuration, which could load engines and
 * providers into a process that holds keys. For programs alone: a library
 * leaves the program around it its own configuration. false: libcrypto
 * cannot be used.
 */
bool fo_program_start(void);

#endif
