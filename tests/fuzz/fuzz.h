/*
 * Fuzz targets: one function a parser, which takes bytes and aborts when
 * something that must hold does not.
 *
 * A target runs twice on each input: as it is, then with one of its calls
 * (an allocation, a system call, a call into libcrypto) made to fail, chosen
 * by the input. The same functions are run by libFuzzer and, on the seeds of
 * corpus/, by the ordinary tests.
 */
#ifndef FO_FUZZ_FUZZ_H
#define FO_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>

typedef void fuzz_target(const uint8_t *data, size_t size);

fuzz_target fuzz_on_askpass;
fuzz_target fuzz_on_challenge;
fuzz_target fuzz_on_claims;
fuzz_target fuzz_on_command;
fuzz_target fuzz_on_config;
fuzz_target fuzz_on_event;
fuzz_target fuzz_on_glob;
fuzz_target fuzz_on_group;
fuzz_target fuzz_on_jwk;
fuzz_target fuzz_on_line;
fuzz_target fuzz_on_login;
fuzz_target fuzz_on_module;
fuzz_target fuzz_on_pem;
fuzz_target fuzz_on_policy;
fuzz_target fuzz_on_principal;
fuzz_target fuzz_on_proof;
fuzz_target fuzz_on_record;
fuzz_target fuzz_on_signer;
fuzz_target fuzz_on_target;
fuzz_target fuzz_on_targets;

/* Both runs of a target on an input. */
void fuzz_run(fuzz_target *target, const uint8_t *data, size_t size);
/*
 * A target with each of its calls made to fail in turn; step 3: with one of
 * three, and another of them for another input.
 */
void fuzz_sweep(fuzz_target *target, const uint8_t *data, size_t size,
    uint32_t step);

/* What must hold. Unlike assert it is there in every build. */
#define NEED(e) ((e) ? (void)0 : fuzz_broken(#e, __FILE__, __LINE__))
_Noreturn void fuzz_broken(const char *what, const char *file, int line);

/* ---- input ------------------------------------------------------------ */

#define FUZZ_FIELDS 24

/* An input as texts with a NUL between them; missing ones are "". */
struct fuzz_fields {
	char *text[FUZZ_FIELDS];
};

/* The last of count fields is the rest without the NULs in it. */
void fuzz_fields_split(const uint8_t *data, size_t size, size_t count,
    struct fuzz_fields *ret);
void fuzz_fields_clear(struct fuzz_fields *fields);
/* NULL for "": what a caller gives for a text that is not there. */
const char *fuzz_known(const char *text);
/* A number from a text, whatever it holds. */
uint32_t fuzz_number(const char *text);

/* ---- failures (faults.c) ---------------------------------------------- */

/* How the call whose turn it is fails. */
typedef enum fuzz_fault {
	FUZZ_ONCE,
	FUZZ_FROM_THEN_ON,	/* it, and all calls after it */
	FUZZ_INTERRUPTED,	/* once, by a signal as far as errno says */
} fuzz_fault;

/* From now on calls are counted, for the seed to choose one of as many. */
void fuzz_faults_count(void);
/* From now on one call fails, and perhaps all after it too. */
void fuzz_faults_arm(uint32_t seed);
/* The same; nth calls go well before. */
void fuzz_faults_arm_nth(uint32_t nth, fuzz_fault how);
/* The same; of calls of this name, the others go well. */
void fuzz_faults_arm_call(const char *call, uint32_t nth, fuzz_fault how);
void fuzz_faults_disarm(void);
/* Has a call failed since they were armed? */
bool fuzz_faulted(void);
/* And was the first that did an allocation? */
bool fuzz_faulted_memory(void);
/*
 * For what a target does itself in the middle of the code under test: no
 * call fails between the two.
 */
bool fuzz_faults_hold(void);
void fuzz_faults_release(bool held);
/* Where a connection to the machine's /dev/log goes instead; NULL: nowhere. */
void fuzz_faults_syslog(const char *path);

/*
 * Did a step work that cannot fail but by a fault? True for FO_OK; aborts on
 * anything else if no call was made to fail.
 */
bool fuzz_worked(fo_err r);

#endif
