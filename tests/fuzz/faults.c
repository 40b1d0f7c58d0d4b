/*
 * Calls made to fail, one by one, by a seeded choice or in turn.
 *
 * The linker sends what our code calls here first (--wrap), see
 * fuzz.cmake. Shared libraries are not reached that way: libcrypto fails call
 * by call, libyaml is given memory of ours.
 *
 * State is per thread: libFuzzer's own threads never fail.
 */
#include "fuzz.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <search.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>

static _Thread_local struct {
	bool armed;
	bool counting;		/* instead of failing */
	bool faulted;
	bool of_memory;		/* was the first an allocation? */
	fuzz_fault how;
	bool frame_failed;	/* of numbers, see BN_CTX_get */
	uint32_t countdown;
	uint32_t calls;
	const char *only;	/* calls of this name; NULL: all */
	const char *syslog_path;
} state;

void
fuzz_faults_count(void)
{
	state.armed = state.counting = true;
	state.calls = 0;
	state.only = NULL;
}

void
fuzz_faults_arm_nth(uint32_t nth, fuzz_fault how)
{
	state.armed = true;
	state.counting = false;
	state.faulted = false;
	state.how = how;
	state.countdown = nth;
	state.only = NULL;
}

void
fuzz_faults_arm_call(const char *call, uint32_t nth, fuzz_fault how)
{
	fuzz_faults_arm_nth(nth, how);
	state.only = call;
}

void
fuzz_faults_arm(uint32_t seed)
{
	const fuzz_fault how = (seed & 3) == 0 ? FUZZ_FROM_THEN_ON :
	    FUZZ_ONCE;

	fuzz_faults_arm_nth(state.calls > 0 ? (seed >> 2) % state.calls : 0,
	    how);
}

void
fuzz_faults_disarm(void)
{
	state.armed = false;
	state.faulted = false;
}

bool
fuzz_faulted(void)
{
	return state.faulted;
}

bool
fuzz_faulted_memory(void)
{
	return state.faulted && state.of_memory;
}

bool
fuzz_faults_hold(void)
{
	const bool held = state.armed;

	state.armed = false;
	return held;
}

void
fuzz_faults_release(bool held)
{
	state.armed = held;
}

void
fuzz_faults_syslog(const char *path)
{
	state.syslog_path = path;
}

/* Is it this call's turn to fail? */
static bool
fails(const char *call, int error)
{
	if (!state.armed ||
	    (state.only != NULL && strcmp(state.only, call) != 0) ||
	    (state.faulted && state.how != FUZZ_FROM_THEN_ON))
		return false;
	if (state.counting) {
		state.calls++;
		return false;
	}
	if (!state.faulted && state.countdown-- > 0)
		return false;

	if (!state.faulted)
		state.of_memory = error == ENOMEM;
	state.faulted = true;
	errno = state.how == FUZZ_INTERRUPTED ? EINTR : error;
	return true;
}

/*
 * A function that fails in its turn, and otherwise is the real one:
 * type, name, parameters, arguments, what it returns and sets errno to when
 * it fails.
 */
#define WRAP(type, name, params, args, failure, error)			\
	type __real_##name params;					\
	type __wrap_##name params;					\
	type								\
	__wrap_##name params						\
	{								\
		return fails(#name, error) ? (failure) :		\
		    __real_##name args;					\
	}								\
	_Static_assert(1, "takes the semicolon")

/* ---- memory ------------------------------------------------------------ */

WRAP(void *, malloc, (size_t n), (n), NULL, ENOMEM);
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL, ENOMEM);
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL, ENOMEM);
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size),
    NULL, ENOMEM);
WRAP(char *, strdup, (const char *s), (s), NULL, ENOMEM);
WRAP(char *, strndup, (const char *s, size_t n), (s, n), NULL, ENOMEM);

/* What its pointer is after a failure: nothing to free or to read. */
static char undefined[1];

int __wrap_asprintf(char **ret, const char *format, ...);

int
__wrap_asprintf(char **ret, const char *format, ...)
{
	va_list ap;
	int n;

	if (fails("asprintf", ENOMEM)) {
		*ret = undefined;
		return -1;
	}
	va_start(ap, format);
	n = vasprintf(ret, format, ap);
	va_end(ap);
	return n;
}

/* What asprintf is where _FORTIFY_SOURCE is set. */
int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...);

int
__wrap___asprintf_chk(char **ret, int flag, const char *format, ...)
{
	va_list ap;
	int n;

	(void)flag;
	if (fails("asprintf", ENOMEM)) {
		*ret = undefined;
		return -1;
	}
	va_start(ap, format);
	n = vasprintf(ret, format, ap);
	va_end(ap);
	return n;
}

/* ---- the system -------------------------------------------------------- */

WRAP(ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n), -1, EIO);
WRAP(ssize_t, write, (int fd, const void *buf, size_t n), (fd, buf, n), -1,
    ENOSPC);
WRAP(ssize_t, pwrite, (int fd, const void *buf, size_t n, off_t at),
    (fd, buf, n, at), -1, ENOSPC);
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), -1, EIO);
WRAP(int, fstat, (int fd, struct stat *st), (fd, st), -1, EIO);
WRAP(int, lstat, (const char *path, struct stat *st), (path, st), -1, EIO);
WRAP(int, fstatat, (int fd, const char *path, struct stat *st, int flags),
    (fd, path, st, flags), -1, EIO);
WRAP(ssize_t, readlink, (const char *path, char *buf, size_t n),
    (path, buf, n), -1, EIO);
WRAP(int, statfs, (const char *path, struct statfs *fs), (path, fs), -1, EIO);
WRAP(void *, tsearch, (const void *key, void **root,
    int (*compare)(const void *a, const void *b)), (key, root, compare), NULL,
    ENOMEM);
WRAP(ssize_t, readlinkat, (int fd, const char *path, char *buf, size_t n),
    (fd, path, buf, n), -1, EIO);
WRAP(int, mknodat, (int fd, const char *path, mode_t mode, dev_t dev),
    (fd, path, mode, dev), -1, ENOSPC);
WRAP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode),
    -1, ENOSPC);
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags),
    -1, EROFS);
WRAP(int, linkat, (int from, const char *path, int to, const char *name,
    int flags), (from, path, to, name, flags), -1, EMLINK);
WRAP(int, symlinkat, (const char *text, int fd, const char *path),
    (text, fd, path), -1, ENOSPC);
WRAP(int, renameat, (int from, const char *path, int to, const char *name),
    (from, path, to, name), -1, EROFS);
WRAP(int, renameat2, (int from, const char *path, int to, const char *name,
    unsigned int flags), (from, path, to, name, flags), -1, EINVAL);
WRAP(int, faccessat, (int fd, const char *path, int mode, int flags),
    (fd, path, mode, flags), -1, EACCES);

/* Nobody pulls the plug here, and the disk is slow. */
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	(void)fd;
	return fails("fsync", EIO) ? -1 : 0;
}

WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EPERM);
WRAP(int, fchmodat, (int fd, const char *path, mode_t mode, int flags),
    (fd, path, mode, flags), -1, EPERM);
WRAP(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group), -1,
    EPERM);
WRAP(DIR *, fdopendir, (int fd), (fd), NULL, EMFILE);
WRAP(int, flock, (int fd, int how), (fd, how), -1, EWOULDBLOCK);
WRAP(int, socket, (int family, int type, int protocol),
    (family, type, protocol), -1, EMFILE);
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
    (fd, message, flags), -1, ECONNREFUSED);
WRAP(int, poll, (struct pollfd *fds, nfds_t n, int ms), (fds, n, ms), -1,
    EINVAL);
WRAP(struct dirent *, readdir, (DIR *dir), (dir), NULL, EIO);
WRAP(int, access, (const char *path, int mode), (path, mode), -1, EACCES);
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), -1, ENOSPC);
WRAP(int, mkostemp, (char *path, int flags), (path, flags), -1, ENOSPC);
WRAP(int, rename, (const char *path, const char *name), (path, name), -1,
    EROFS);
WRAP(int, unlink, (const char *path), (path), -1, EROFS);
WRAP(char *, realpath, (const char *path, char *real), (path, real), NULL,
    EACCES);
WRAP(struct passwd *, getpwuid, (uid_t user), (user), NULL, EIO);
WRAP(int, clock_gettime, (clockid_t id, struct timespec *t), (id, t), -1,
    EINVAL);
WRAP(int, pthread_sigmask, (int how, const sigset_t *set, sigset_t *before),
    (how, set, before), EINVAL, 0);
WRAP(int, pthread_mutex_init, (pthread_mutex_t *mutex,
    const pthread_mutexattr_t *attr), (mutex, attr), ENOMEM, ENOMEM);
WRAP(int, pthread_mutex_lock, (pthread_mutex_t *mutex), (mutex), EINVAL,
    EINVAL);
WRAP(int, sigpending, (sigset_t *set), (set), -1, EFAULT);
WRAP(int, sigtimedwait, (const sigset_t *set, siginfo_t *info,
    const struct timespec *t), (set, info, t), -1, EAGAIN);
WRAP(locale_t, newlocale, (int mask, const char *name, locale_t base),
    (mask, name, base), (locale_t)0, ENOMEM);
WRAP(ssize_t, getrandom, (void *buf, size_t n, unsigned int flags),
    (buf, n, flags), -1, EAGAIN);

/* We duplicate descriptors, and gcov locks its files. */
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);

int
__wrap_fcntl(int fd, int command, ...)
{
	struct flock *lock = NULL;
	va_list ap;
	int n = 0;

	va_start(ap, command);
	if (command == F_SETLK || command == F_SETLKW)
		lock = va_arg(ap, struct flock *);
	else
		n = va_arg(ap, int);
	va_end(ap);
	if (lock != NULL)
		return __real_fcntl(fd, command, lock);
	if (command == F_DUPFD_CLOEXEC && fails("fcntl", EMFILE))
		return -1;
	return __real_fcntl(fd, command, n);
}

/* The descriptor is gone whatever is said about what was written. */
int __real_close(int fd);
int __wrap_close(int fd);

int
__wrap_close(int fd)
{
	const int n = __real_close(fd);

	return fails("close", EIO) ? -1 : n;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int
__wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return fails("open", EMFILE) ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);

int
__wrap_openat(int fd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return fails("openat", EMFILE) ? -1 :
	    __real_openat(fd, path, flags, mode);
}

/* No target ever writes to the machine's own syslog. */
int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	struct sockaddr_un instead = { .sun_family = AF_UNIX };
	int n;

	if (fails("connect", ECONNREFUSED))
		return -1;
	if (to->sa_family != AF_UNIX)
		return __real_connect(fd, to, len);
	if (state.syslog_path == NULL) {
		errno = ENOENT;
		return -1;
	}
	n = snprintf(instead.sun_path, sizeof(instead.sun_path), "%s",
	    state.syslog_path);
	NEED(n > 0 && (size_t)n < sizeof(instead.sun_path));
	return __real_connect(fd, (const struct sockaddr *)&instead,
	    sizeof(instead));
}

/* ---- libyaml ----------------------------------------------------------- */

/* The library calls these by name, so that a program's own come first. */
#define FOR_LIBYAML __attribute__((visibility("default")))

FOR_LIBYAML void *yaml_malloc(size_t n);
FOR_LIBYAML void *yaml_realloc(void *p, size_t n);
FOR_LIBYAML unsigned char *yaml_strdup(const unsigned char *s);

void *
yaml_malloc(size_t n)
{
	return malloc(n > 0 ? n : 1);
}

void *
yaml_realloc(void *p, size_t n)
{
	return realloc(p, n > 0 ? n : 1);
}

unsigned char *
yaml_strdup(const unsigned char *s)
{
	return s != NULL ? (unsigned char *)strdup((const char *)s) : NULL;
}

/* ---- libcrypto --------------------------------------------------------- */

WRAP(OSSL_LIB_CTX *, OSSL_LIB_CTX_new, (void), (), NULL, 0);
WRAP(BN_CTX *, BN_CTX_new_ex, (OSSL_LIB_CTX *lc), (lc), NULL, 0);
WRAP(BN_CTX *, BN_CTX_secure_new_ex, (OSSL_LIB_CTX *lc), (lc), NULL, 0);
WRAP(BIGNUM *, BN_bin2bn, (const unsigned char *s, int len, BIGNUM *bn),
    (s, len, bn), NULL, 0);
WRAP(int, BN_bn2binpad, (const BIGNUM *bn, unsigned char *to, int len),
    (bn, to, len), -1, 0);
WRAP(int, BN_mod_mul, (BIGNUM *r, const BIGNUM *a, const BIGNUM *b,
    const BIGNUM *m, BN_CTX *ctx), (r, a, b, m, ctx), 0, 0);
WRAP(int, BN_mod_add, (BIGNUM *r, const BIGNUM *a, const BIGNUM *b,
    const BIGNUM *m, BN_CTX *ctx), (r, a, b, m, ctx), 0, 0);
WRAP(int, BN_mod_sqr, (BIGNUM *r, const BIGNUM *a, const BIGNUM *m,
    BN_CTX *ctx), (r, a, m, ctx), 0, 0);
WRAP(int, EC_GROUP_get_curve, (const EC_GROUP *group, BIGNUM *p, BIGNUM *a,
    BIGNUM *b, BN_CTX *ctx), (group, p, a, b, ctx), 0, 0);
WRAP(int, BN_nnmod, (BIGNUM *r, const BIGNUM *a, const BIGNUM *m,
    BN_CTX *ctx), (r, a, m, ctx), 0, 0);
WRAP(BIGNUM *, BN_dup, (const BIGNUM *a), (a), NULL, 0);
WRAP(int, BN_sub_word, (BIGNUM *a, BN_ULONG w), (a, w), 0, 0);
WRAP(int, BN_mod_exp_mont, (BIGNUM *r, const BIGNUM *a, const BIGNUM *p,
    const BIGNUM *m, BN_CTX *ctx, BN_MONT_CTX *mont), (r, a, p, m, ctx, mont),
    0, 0);
WRAP(EC_GROUP *, EC_GROUP_new_by_curve_name_ex, (OSSL_LIB_CTX *lc,
    const char *properties, int nid), (lc, properties, nid), NULL, 0);
WRAP(EC_POINT *, EC_POINT_new, (const EC_GROUP *group), (group), NULL, 0);
WRAP(int, EC_POINT_mul, (const EC_GROUP *group, EC_POINT *r, const BIGNUM *n,
    const EC_POINT *q, const BIGNUM *m, BN_CTX *ctx),
    (group, r, n, q, m, ctx), 0, 0);
WRAP(int, EC_POINT_oct2point, (const EC_GROUP *group, EC_POINT *p,
    const unsigned char *buf, size_t len, BN_CTX *ctx),
    (group, p, buf, len, ctx), 0, 0);
WRAP(size_t, EC_POINT_point2oct, (const EC_GROUP *group, const EC_POINT *p,
    point_conversion_form_t form, unsigned char *buf, size_t len,
    BN_CTX *ctx), (group, p, form, buf, len, ctx), 0, 0);
WRAP(int, EC_POINT_get_affine_coordinates, (const EC_GROUP *group,
    const EC_POINT *p, BIGNUM *x, BIGNUM *y, BN_CTX *ctx),
    (group, p, x, y, ctx), 0, 0);
WRAP(int, EVP_Q_digest, (OSSL_LIB_CTX *lc, const char *name,
    const char *properties, const void *data, size_t n, unsigned char *md,
    size_t *ret_len), (lc, name, properties, data, n, md, ret_len), 0, 0);
WRAP(int, RAND_bytes, (unsigned char *buf, int n), (buf, n), 0, 0);

/* Slow on purpose, and as good with one round as with many in here. */
int __real_PKCS5_PBKDF2_HMAC(const char *text, int len,
    const unsigned char *salt, int salt_len, int rounds, const EVP_MD *md,
    int n, unsigned char *ret);
int __wrap_PKCS5_PBKDF2_HMAC(const char *text, int len,
    const unsigned char *salt, int salt_len, int rounds, const EVP_MD *md,
    int n, unsigned char *ret);

int
__wrap_PKCS5_PBKDF2_HMAC(const char *text, int len,
    const unsigned char *salt, int salt_len, int rounds, const EVP_MD *md,
    int n, unsigned char *ret)
{
	(void)rounds;
	return fails("PKCS5_PBKDF2_HMAC", 0) ? 0 :
	    __real_PKCS5_PBKDF2_HMAC(text, len, salt, salt_len, 1, md, n, ret);
}

WRAP(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_name, (OSSL_LIB_CTX *lc,
    const char *name, const char *properties), (lc, name, properties), NULL,
    0);
WRAP(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_pkey, (OSSL_LIB_CTX *lc,
    EVP_PKEY *pkey, const char *properties), (lc, pkey, properties), NULL, 0);
WRAP(int, EVP_PKEY_keygen_init, (EVP_PKEY_CTX *ctx), (ctx), 0, 0);
WRAP(int, EVP_PKEY_CTX_set_params, (EVP_PKEY_CTX *ctx,
    const OSSL_PARAM *params), (ctx, params), 0, 0);
WRAP(int, EVP_PKEY_generate, (EVP_PKEY_CTX *ctx, EVP_PKEY **pkey),
    (ctx, pkey), 0, 0);
WRAP(int, EVP_PKEY_get_group_name, (const EVP_PKEY *pkey, char *name,
    size_t size, size_t *ret_len), (pkey, name, size, ret_len), 0, 0);
WRAP(int, EVP_PKEY_get_int_param, (const EVP_PKEY *pkey, const char *name,
    int *ret), (pkey, name, ret), 0, 0);
WRAP(ECDSA_SIG *, d2i_ECDSA_SIG, (ECDSA_SIG **sig, const unsigned char **der,
    long len), (sig, der, len), NULL, 0);
WRAP(int, SHA256_Init, (SHA256_CTX *ctx), (ctx), 0, 0);
WRAP(int, SHA256_Update, (SHA256_CTX *ctx, const void *data, size_t len),
    (ctx, data, len), 0, 0);
WRAP(int, SHA256_Final, (unsigned char *md, SHA256_CTX *ctx), (md, ctx), 0,
    0);
WRAP(int, OSSL_DECODER_CTX_set_passphrase, (OSSL_DECODER_CTX *ctx,
    const unsigned char *text, size_t len), (ctx, text, len), 0, 0);
WRAP(int, EVP_PKEY_check, (EVP_PKEY_CTX *ctx), (ctx), -1, 0);
WRAP(int, EVP_PKEY_sign_init, (EVP_PKEY_CTX *ctx), (ctx), 0, 0);
WRAP(int, EVP_PKEY_sign, (EVP_PKEY_CTX *ctx, unsigned char *sig,
    size_t *sig_len, const unsigned char *tbs, size_t len),
    (ctx, sig, sig_len, tbs, len), 0, 0);
WRAP(int, EVP_PKEY_get_bn_param, (const EVP_PKEY *pkey, const char *name,
    BIGNUM **bn), (pkey, name, bn), 0, 0);
WRAP(int, EVP_PKEY_is_a, (const EVP_PKEY *pkey, const char *name),
    (pkey, name), 0, 0);
WRAP(int, EVP_PKEY_get_params, (const EVP_PKEY *pkey, OSSL_PARAM *params),
    (pkey, params), 0, 0);
WRAP(int, OSSL_PARAM_get_BN, (const OSSL_PARAM *param, BIGNUM **bn),
    (param, bn), 0, 0);
WRAP(OSSL_DECODER_CTX *, OSSL_DECODER_CTX_new_for_pkey, (EVP_PKEY **pkey,
    const char *type, const char *structure, const char *keytype,
    int selection, OSSL_LIB_CTX *lc, const char *properties),
    (pkey, type, structure, keytype, selection, lc, properties), NULL, 0);
WRAP(int, OSSL_DECODER_from_data, (OSSL_DECODER_CTX *ctx,
    const unsigned char **data, size_t *len), (ctx, data, len), 0, 0);
WRAP(OSSL_ENCODER_CTX *, OSSL_ENCODER_CTX_new_for_pkey, (const EVP_PKEY *pkey,
    int selection, const char *type, const char *structure,
    const char *properties), (pkey, selection, type, structure, properties),
    NULL, 0);
WRAP(int, OSSL_ENCODER_to_data, (OSSL_ENCODER_CTX *ctx, unsigned char **data,
    size_t *len), (ctx, data, len), 0, 0);
WRAP(OSSL_PROVIDER *, OSSL_PROVIDER_load, (OSSL_LIB_CTX *lc,
    const char *name), (lc, name), NULL, 0);
WRAP(OSSL_STORE_CTX *, OSSL_STORE_open_ex, (const char *uri,
    OSSL_LIB_CTX *lc, const char *properties, const UI_METHOD *ui,
    void *ui_arg, const OSSL_PARAM *params, OSSL_STORE_post_process_info_fn f,
    void *arg), (uri, lc, properties, ui, ui_arg, params, f, arg), NULL, 0);
WRAP(UI_METHOD *, UI_UTIL_wrap_read_pem_callback, (pem_password_cb *ask,
    int writing), (ask, writing), NULL, 0);
WRAP(int, OSSL_DECODER_CTX_set_pem_password_cb, (OSSL_DECODER_CTX *ctx,
    pem_password_cb *ask, void *arg), (ctx, ask, arg), 0, 0);
WRAP(int, i2d_PUBKEY, (const EVP_PKEY *pkey, unsigned char **der),
    (pkey, der), -1, 0);
WRAP(EVP_PKEY *, d2i_PUBKEY_ex, (EVP_PKEY **pkey, const unsigned char **der,
    long len, OSSL_LIB_CTX *lc, const char *properties),
    (pkey, der, len, lc, properties), NULL, 0);

/*
 * BN_CTX_get(3): once it has failed, it does until BN_CTX_end; callers look
 * at the last number alone.
 */
BIGNUM *__real_BN_CTX_get(BN_CTX *ctx);
BIGNUM *__wrap_BN_CTX_get(BN_CTX *ctx);

BIGNUM *
__wrap_BN_CTX_get(BN_CTX *ctx)
{
	if (fails("BN_CTX_get", 0))
		state.frame_failed = true;
	return state.frame_failed ? NULL : __real_BN_CTX_get(ctx);
}

void __real_BN_CTX_end(BN_CTX *ctx);
void __wrap_BN_CTX_end(BN_CTX *ctx);

void
__wrap_BN_CTX_end(BN_CTX *ctx)
{
	state.frame_failed = false;
	__real_BN_CTX_end(ctx);
}
