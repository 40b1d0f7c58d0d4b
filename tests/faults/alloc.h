/*
 * Memory that runs out when it is told to.
 *
 * Stands in for malloc and its relatives in the whole program and all of its
 * libraries. Loaded before a program (LD_PRELOAD) it is told by the
 * environment: FAULT_ALLOC=N refuses the Nth allocation, N+ also all after
 * it, 0 none, and the count of all goes to the file FAULT_ALLOC_COUNT. Into
 * the file FAULT_ALLOC_PLACES go the numbers of those that are the first by
 * their callers up to main: the others fail in no other place.
 */
#ifndef FAULTS_ALLOC_H
#define FAULTS_ALLOC_H

#include <stdbool.h>

/* From here to its end; begins to count anew. at 0: refuse none. */
void alloc_arm(long at, bool all_after);
/* Only what happens while it is open is counted and refused. */
void alloc_window(bool open);
long alloc_count(void);

#endif
