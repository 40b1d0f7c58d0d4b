/*
 * System calls of the code under test that fail, one by one as a test says.
 *
 * A program that links test_failing has the linker send these calls here
 * first: clock_gettime connect fchmod fchmodat fchown fdopendir flock fstat
 * fstatat fsync getrandom linkat lstat mkdirat mknodat newlocale openat poll
 * read readdir readlinkat recv renameat renameat2 send sendmsg socket symlinkat
 * unlinkat write.
 */
#ifndef FO_TEST_FAILING_H
#define FO_TEST_FAILING_H

/*
 * From now on the nth such call fails with this errno, nth 0: each. Error 0:
 * it does nothing, and returns 0; -N, of write alone: it writes N bytes at
 * most. Up to four calls may fail at once.
 */
void failing(const char *call, int nth, int error);
/* None fails any more. */
void failing_none(void);
/* From now on clock_gettime says so many seconds more. */
void failing_ahead(int seconds);
/* How often such a call was made since the first failing() for it. */
int failing_calls(const char *call);

#endif
