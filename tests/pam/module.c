/*
 * The module as a guest in the service's process: what it shows, what it
 * needs, and that it leaves everything as it found it.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <locale.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct world w;

static void
open_world(void)
{
	world_open(&w);
}

static void
close_world(void)
{
	world_close(&w);
}

TestSuite(module, .init = open_world, .fini = close_world);

/* ---- the file ------------------------------------------------------------ */

struct image {
	const unsigned char *data;
	const ElfW(Ehdr) *header;
	const ElfW(Shdr) *sections;
};

static const ElfW(Shdr) *
section(const struct image *image, ElfW(Word) type)
{
	size_t i = 0;

	while (i < image->header->e_shnum && image->sections[i].sh_type != type)
		i++;
	cr_assert_lt(i, (size_t)image->header->e_shnum);
	return &image->sections[i];
}

static struct image
map_module(void)
{
	struct image image;
	struct stat st;
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	void *data;

	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	cr_assert_neq(data, MAP_FAILED);
	(void)close(fd);
	image.data = data;
	image.header = data;
	image.sections = (const void *)(image.data + image.header->e_shoff);
	return image;
}

static bool
listed(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strncmp(name, *list, strlen(*list)) == 0)
			return true;
	return false;
}

Test(module, exports_its_five_entry_points_and_nothing_else)
{
	static const char *const want[] = { "pam_sm_authenticate",
		"pam_sm_setcred", "pam_sm_acct_mgmt", "pam_sm_open_session",
		"pam_sm_close_session", NULL };
	struct image image = map_module();
	const ElfW(Shdr) *table = section(&image, SHT_DYNSYM);
	const ElfW(Sym) *symbols =
	    (const void *)(image.data + table->sh_offset);
	const char *names = (const char *)image.data +
	    image.sections[table->sh_link].sh_offset;
	size_t exported = 0;

	for (size_t i = 0; i < table->sh_size / sizeof(*symbols); i++) {
		if (symbols[i].st_shndx == SHN_UNDEF ||
		    ELF32_ST_BIND(symbols[i].st_info) == STB_LOCAL)
			continue;
		cr_expect(listed(names + symbols[i].st_name, want), "%s",
		    names + symbols[i].st_name);
		exported++;
	}
	cr_expect_eq(exported, 5);
}

Test(module, needs_libpam_libcrypto_yaml_and_libc_alone)
{
	static const char *const may[] = { "libpam.so.", "libcrypto.so.",
		"libyaml-", "libc.so.", "ld-linux", "libasan.so.",
		"libubsan.so.", "libgcov", NULL };
	struct image image = map_module();
	const ElfW(Shdr) *table = section(&image, SHT_DYNAMIC);
	const ElfW(Dyn) *entry = (const void *)(image.data + table->sh_offset);
	const char *names = (const char *)image.data +
	    image.sections[table->sh_link].sh_offset;

	for (; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_NEEDED)
			cr_expect(listed(names + entry->d_un.d_val, may),
			    "%s", names + entry->d_un.d_val);
}

Test(module, can_be_loaded_with_every_symbol_bound)
{
	void *module = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL);

	cr_assert_not_null(module, "%s", dlerror());
	cr_expect_not_null(dlsym(module, "pam_sm_authenticate"));
	cr_expect_not_null(dlsym(module, "pam_sm_setcred"));
	cr_expect_not_null(dlsym(module, "pam_sm_acct_mgmt"));
	cr_expect_not_null(dlsym(module, "pam_sm_open_session"));
	cr_expect_not_null(dlsym(module, "pam_sm_close_session"));
	cr_expect_eq(dlclose(module), 0);
}

/* ---- the guest ----------------------------------------------------------- */

/* A permitted and a refused login, a session, and the end of the handle. */
static void
use_module(void)
{
	struct client client = { .way = CLIENT_SIGNS, .world = &w };
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &client);

	cr_assert_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	if (geteuid() == 0) {
		cr_assert_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
		cr_assert_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	}
	client.htu = "pam://bastion/sudo/deploy";
	cr_assert_eq(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	cr_assert_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

static size_t
open_descriptors(void)
{
	return world_files(&w, "/proc/self/fd");
}

Test(module, leaves_no_descriptor_and_no_umask_behind)
{
	size_t before = open_descriptors();

	umask(077);
	use_module();
	cr_expect_eq(open_descriptors(), before);
	cr_expect_eq(umask(022), 077);
}

Test(module, leaves_signals_as_they_were)
{
	enum { SIGNALS = 32 }; /* the next two are the C library's own */
	struct sigaction before[SIGNALS], after;
	sigset_t blocked, blocked_before;

	cr_assert_eq(sigprocmask(SIG_SETMASK, NULL, &blocked_before), 0);
	for (int s = 1; s < SIGNALS; s++)
		cr_assert_eq(sigaction(s, NULL, &before[s]), 0);
	use_module();
	cr_assert_eq(sigprocmask(SIG_SETMASK, NULL, &blocked), 0);
	for (int s = 1; s < SIGNALS; s++) {
		cr_expect_eq(sigismember(&blocked, s),
		    sigismember(&blocked_before, s), "%d", s);
		cr_assert_eq(sigaction(s, NULL, &after), 0);
		cr_expect(after.sa_handler == before[s].sa_handler &&
		    after.sa_flags == before[s].sa_flags, "%d", s);
	}
}

Test(module, leaves_the_services_openssl_errors_in_their_queue)
{
	ERR_raise(ERR_LIB_USER, 42);
	use_module();
	cr_expect_eq(ERR_GET_REASON(ERR_get_error()), 42);
	cr_expect_eq(ERR_get_error(), 0UL);
}

Test(module, works_in_any_locale)
{
	static const char *const locales[] = { "C", "C.UTF-8", "" };

	for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++) {
		char before[256];

		(void)setlocale(LC_ALL, locales[i]);
		(void)snprintf(before, sizeof(before), "%s",
		    setlocale(LC_ALL, NULL));
		use_module();
		cr_expect_str_eq(setlocale(LC_ALL, NULL), before);
	}
}

Test(module, reads_no_environment_variable)
{
	cr_assert_eq(setenv("FIRSTOPS_ID", "x", 1), 0);
	cr_assert_eq(setenv("FIRSTOPS_PENDING", "x", 1), 0);
	cr_assert_eq(setenv("FO_PRIVATE_KEY_PATH", "/nowhere", 1), 0);
	cr_assert_eq(setenv("OPENSSL_CONF", "/nowhere/openssl.cnf", 1), 0);
	cr_assert_eq(setenv("OPENSSL_MODULES", "/nowhere", 1), 0);
	cr_assert_eq(setenv("TZ", "Pacific/Kiritimati", 1), 0);
	use_module();
	cr_expect_str_eq(getenv("FIRSTOPS_ID"), "x");
}

Test(module, can_be_unloaded_and_loaded_again_many_times)
{
	for (int i = 0; i < 50; i++)
		use_module();
	world_put(&w, "events", "%s", "");
}
