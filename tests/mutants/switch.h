/*
 * The switch of the build that has mutants compiled in, included into each
 * of its files. No other build has it.
 */
#ifndef FO_MUTANT_SWITCH_H
#define FO_MUTANT_SWITCH_H

/* 1 where mutant number is the chosen one, otherwise 0. */
__attribute__((visibility("hidden"))) int fo_mutant(int number);

#endif
