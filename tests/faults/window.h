/*
 * What the stand-in module tells the program that it is loaded into.
 */
#ifndef FAULTS_WINDOW_H
#define FAULTS_WINDOW_H

#include <stdbool.h>

#pragma GCC visibility push(default)

/* The module under test is entered, or left. */
void fault_window(bool open);
/* What it answered, before libpam makes anything of it. */
void fault_answer(int answer);

#pragma GCC visibility pop

#endif
