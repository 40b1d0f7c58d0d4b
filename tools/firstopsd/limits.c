/*
 * Attempts of the last minute, by user, by address and in all.
 *
 * A table in shared memory, looked through from end to end. What is a minute
 * old is free again, and no more attempts are let through in a minute than
 * there is room for, so nobody is forgotten while it matters.
 */
#include "limits.h"

#include <sys/mman.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/sha256.h"

#define WINDOW_S 60
#define USER_MAX 10
#define ADDRESS_MAX 30
#define ALL_MAX 300
#define PLACES (2 * ALL_MAX + 1)

struct place {
	unsigned char name[FO_SHA256_BYTES];
	int64_t since;		/* seconds; 0: free */
	int count;
};

struct limits {
	pthread_mutex_t lock;
	struct place places[PLACES];
};

struct limits *
limits_new(void)
{
	struct limits *limits = mmap(NULL, sizeof(*limits),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t how;

	if (limits == MAP_FAILED)
		return NULL;
	if (pthread_mutexattr_init(&how) != 0 ||
	    pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED) != 0 ||
	    pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST) != 0 ||
	    pthread_mutex_init(&limits->lock, &how) != 0) {
		(void)munmap(limits, sizeof(*limits));
		return NULL;
	}
	(void)pthread_mutexattr_destroy(&how);

	return limits;
}

static int64_t
seconds(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec + 1; /* 0 means free */
}

/* The place of this name, or a free one; NULL: there is none. */
static struct place *
find(struct limits *limits, const unsigned char name[FO_SHA256_BYTES],
    int64_t now)
{
	struct place *free_one = NULL;

	for (size_t i = 0; i < PLACES; i++) {
		struct place *place = &limits->places[i];

		if (place->since != 0 && now - place->since >= WINDOW_S)
			place->since = 0;
		if (place->since == 0)
			free_one = place;
		else if (memcmp(place->name, name, FO_SHA256_BYTES) == 0)
			return place;
	}
	if (free_one != NULL) {
		memcpy(free_one->name, name, FO_SHA256_BYTES);
		free_one->since = now;
		free_one->count = 0;
	}

	return free_one;
}

/* What kind it is of is part of its name: a user may be called an address. */
static int
count(struct limits *limits, const char *kind, const char *text, int max,
    int64_t now)
{
	unsigned char name[FO_SHA256_BYTES];
	struct place *place;
	struct fo_buf buf;
	char memory[256];

	fo_buf_init_in(&buf, memory, sizeof(memory));
	fo_buf_addf(&buf, "%s:%s", kind, text);
	if (buf.err != FO_OK ||
	    fo_sha256(buf.data, buf.len, name) != FO_OK ||
	    (place = find(limits, name, now)) == NULL)
		return WINDOW_S;
	if (place->count == max)
		return (int)(place->since + WINDOW_S - now);
	place->count++;

	return 0;
}

int
limits_ask(struct limits *limits, const char *user, const char *rhost)
{
	const int64_t now = seconds();
	int wait_s, r = pthread_mutex_lock(&limits->lock);

	/* whoever held it died: what it counted may be one too many */
	if (r == EOWNERDEAD)
		r = pthread_mutex_consistent(&limits->lock);
	if (r != 0)
		return WINDOW_S;
	if ((wait_s = count(limits, "all", "", ALL_MAX, now)) == 0 &&
	    (wait_s = count(limits, "address", rhost, ADDRESS_MAX, now)) == 0)
		wait_s = count(limits, "user", user, USER_MAX, now);
	(void)pthread_mutex_unlock(&limits->lock);

	return wait_s;
}
