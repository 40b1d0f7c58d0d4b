/*
 * Which prompts fo-askpass answers: above all, which it does not.
 */
#include <sys/prctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "askpass/asker.h"
#include "askpass/prompt.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SSHD "pam://bastion/sshd/deploy"
#define SUDO "pam://bastion/sudo/deploy"
#define MARKER(htu) "[FirstOps DPoP htu=" htu " nonce=Q2hhbGxlbmdlMTIz]"
#define CHALLENGE(htu) MARKER(htu) " Password or proof: "
#define PREFIX "(deploy@bastion) "

/* ssh, connected to port 22, asks. */
static const struct fo_asking by_ssh = {
	.hostname = "laptop",
	.asker_pid = 100,
	.asker_euid = 1000,
	.asker_name = "ssh",
	.asker_port = 22,
};

/* sudo of the machine bastion asks. */
static const struct fo_asking by_sudo = {
	.hostname = "bastion",
	.asker_pid = 100,
	.asker_euid = 0,
	.asker_name = "sudo",
};

static fo_err
judge(const char *prompt, const struct fo_asking *asking)
{
	struct fo_challenge *challenge = NULL;
	struct fo_diag diag = { "" };
	fo_err r = fo_prompt_judge(prompt, asking, &diag, &challenge);

	cr_expect_eq(r == FO_OK, challenge != NULL);
	cr_expect_eq(r == FO_OK, diag.text[0] == '\0', "a refusal has a "
	    "reason, and nothing else has");
	cr_expect_null(strchr(diag.text, '\n'));
	cr_expect_null(strstr(diag.text, "Q2hhbGxl"), "no nonce in reasons");
	fo_challenge_free(&challenge);
	return r;
}

static void
expect_reason(const char *prompt, const struct fo_asking *asking,
    const char *words)
{
	struct fo_challenge *challenge = NULL;
	struct fo_diag diag = { "" };

	cr_expect_neq(fo_prompt_judge(prompt, asking, &diag, &challenge),
	    FO_OK);
	cr_expect_not_null(strstr(diag.text, words), "\"%s\" has no \"%s\"",
	    diag.text, words);
}

/* ---- over ssh ---------------------------------------------------------- */

Test(askpass_ssh, answers_the_server_that_ssh_names)
{
	struct fo_challenge *challenge = NULL;

	cr_assert_eq(fo_prompt_judge(PREFIX CHALLENGE(SSHD), &by_ssh, NULL,
	    &challenge), FO_OK);
	cr_expect_str_eq(challenge->htu, SSHD);
	cr_expect_str_eq(challenge->nonce, "Q2hhbGxlbmdlMTIz");
	fo_challenge_free(&challenge);
}

Test(askpass_ssh, answers_an_account_with_an_at_sign)
{
	cr_expect_eq(judge("(a@b@bastion) "
	    CHALLENGE("pam://bastion/sshd/a%40b"), &by_ssh), FO_OK);
}

/* Each is the prompt above with one thing changed. */
static const struct { const char *why, *prompt; fo_err want; } hostile[] = {
	{ "another host", "(deploy@evil) " CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "another account", "(root@bastion) " CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "a host with a longer name", "(deploy@bastion.evil) "
	    CHALLENGE(SSHD), FO_ERR_WRONG_HTU },
	{ "a host with a shorter name", "(deploy@bastio) " CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "a host in capitals", "(deploy@Bastion) " CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "a port", "(deploy@bastion:2222) " CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "a port in ssh's notation", "(deploy@[bastion]:2222) "
	    CHALLENGE(SSHD), FO_ERR_WRONG_HTU },
	{ "an imitated prefix after ssh's own",
	    "(deploy@evil) (deploy@bastion) " CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "ssh's own twice", PREFIX PREFIX CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "an imitated prefix that is an account's name",
	    "(deploy@evil) (deploy@bastion) "
	    CHALLENGE("pam://bastion/sshd/deploy%40evil%29%20%28deploy"),
	    FO_ERR_WRONG_HTU },
	{ "an imitated prefix that is a host's name",
	    "(deploy@evil) (deploy@bastion) "
	    CHALLENGE("pam://evil%29%20%28deploy%40bastion/sshd/deploy"),
	    FO_ERR_WRONG_HTU },
	{ "a host's name with an at sign", "(a@b@c) "
	    CHALLENGE("pam://b%40c/sshd/a"), FO_ERR_WRONG_HTU },
	{ "words before the marker", PREFIX "Hello " CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "words before the prefix", "Hello " PREFIX CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "a space before the prefix", " " PREFIX CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "no space after the prefix", "(deploy@bastion)" CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "two spaces after the prefix", PREFIX " " CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "other brackets", "[deploy@bastion] " CHALLENGE(SSHD),
	    FO_ERR_WRONG_HTU },
	{ "our own host's su", PREFIX CHALLENGE("pam://bastion/su/deploy"),
	    FO_ERR_WRONG_HTU },
	{ "our own host's sudo", PREFIX CHALLENGE(SUDO), FO_ERR_WRONG_HTU },
	{ "our own host's login",
	    PREFIX CHALLENGE("pam://bastion/login/deploy"),
	    FO_ERR_WRONG_HTU },
	{ "sshd in capitals", PREFIX CHALLENGE("pam://bastion/SSHD/deploy"),
	    FO_ERR_WRONG_HTU },
	{ "no prefix (an older ssh)", CHALLENGE(SSHD), FO_ERR_WRONG_HTU },
	{ "two markers", PREFIX CHALLENGE(SSHD) CHALLENGE(SSHD),
	    FO_ERR_FORMAT },
	{ "two markers, the first for another host",
	    PREFIX MARKER("pam://db/sshd/deploy") " " CHALLENGE(SSHD),
	    FO_ERR_FORMAT },
	{ "a line before", "welcome\n" PREFIX CHALLENGE(SSHD),
	    FO_ERR_FORMAT },
	{ "a line after the prefix", PREFIX "\n" CHALLENGE(SSHD),
	    FO_ERR_FORMAT },
	{ "a line after", PREFIX CHALLENGE(SSHD) "\nagain", FO_ERR_FORMAT },
	{ "a newline at the end", PREFIX CHALLENGE(SSHD) "\n",
	    FO_ERR_FORMAT },
	{ "words after", PREFIX CHALLENGE(SSHD) "please", FO_ERR_FORMAT },
	{ "an escape sequence that hides the prefix",
	    "(deploy@evil) \033[2K\r" PREFIX CHALLENGE(SSHD), FO_ERR_FORMAT },
	{ "a backspace", PREFIX "\b" CHALLENGE(SSHD), FO_ERR_FORMAT },
	{ "a byte over 127", PREFIX "\xe2\x80\x8b" CHALLENGE(SSHD),
	    FO_ERR_FORMAT },
	{ "no closing words", PREFIX MARKER(SSHD), FO_ERR_FORMAT },
	{ "a target of the web", PREFIX CHALLENGE("https://bastion/sshd"),
	    FO_ERR_FORMAT },
	{ "a target with a step up",
	    PREFIX CHALLENGE("pam://bastion/x/../sshd/deploy"),
	    FO_ERR_FORMAT },
	{ "a target with a NUL",
	    PREFIX CHALLENGE("pam://bastion/sshd/deploy%00"), FO_ERR_FORMAT },
	{ "a host-key question", "The authenticity of host 'bastion "
	    "(10.0.0.1)' can't be established.\nED25519 key fingerprint is "
	    "SHA256:x.\nAre you sure you want to continue connecting "
	    "(yes/no/[fingerprint])? ", FO_ERR_NOT_FOUND },
	{ "a host-key question asked again",
	    "Please type 'yes', 'no' or the fingerprint: ",
	    FO_ERR_NOT_FOUND },
	{ "a git prompt for a name", "Username for 'https://git.example': ",
	    FO_ERR_NOT_FOUND },
	{ "a git prompt for a password",
	    "Password for 'https://me@git.example': ", FO_ERR_NOT_FOUND },
	{ "a git prompt with a challenge in its address",
	    "Username for 'https://" CHALLENGE(SSHD) "': ", FO_ERR_FORMAT },
	{ "a password prompt", "(deploy@bastion) Password: ",
	    FO_ERR_NOT_FOUND },
	{ "a passphrase prompt",
	    "Enter passphrase for key '/home/deploy/.ssh/id_ed25519': ",
	    FO_ERR_NOT_FOUND },
	{ "sudo's own prompt", "[sudo] password for deploy: ",
	    FO_ERR_NOT_FOUND },
	{ "an empty prompt", "", FO_ERR_NOT_FOUND },
};

Test(askpass_ssh, answers_no_prompt_with_one_thing_changed)
{
	for (size_t i = 0; i < COUNT(hostile); i++)
		cr_expect_eq(judge(hostile[i].prompt, &by_ssh),
		    hostile[i].want, "%s", hostile[i].why);
}

Test(askpass_ssh, answers_none_of_them_to_sudo_either)
{
	for (size_t i = 0; i < COUNT(hostile); i++)
		cr_expect_neq(judge(hostile[i].prompt, &by_sudo), FO_OK,
		    "%s", hostile[i].why);
}

Test(askpass_ssh, answers_on_port_22_only)
{
	static const unsigned int ports[] = { 0, 21, 23, 2222, 65535 };

	for (size_t i = 0; i < COUNT(ports); i++) {
		struct fo_asking asking = by_ssh;

		asking.asker_port = ports[i];
		cr_expect_eq(judge(PREFIX CHALLENGE(SSHD), &asking),
		    FO_ERR_WRONG_HTU, "port %u", ports[i]);
	}
}

Test(askpass_ssh, tells_the_commands_that_mend_an_alias)
{
	struct fo_asking other_port = by_ssh;

	expect_reason("(deploy@web) " CHALLENGE(SSHD), &by_ssh,
	    "fo target add web --host bastion && fo ssh deploy@web");
	other_port.asker_port = 2222;
	expect_reason(PREFIX CHALLENGE(SSHD), &other_port,
	    "fo target add bastion:2222 --host bastion && "
	    "fo ssh deploy@bastion -p 2222");
	expect_reason(CHALLENGE(SSHD), &by_ssh, "fo ssh");
}

/* The server chose the words, and a shell or an agent may run them. */
Test(askpass_ssh, shows_no_command_that_a_server_wrote)
{
	static const char *const prompts[] = {
		"(deploy@web) " CHALLENGE("pam://$(reboot)/sshd/deploy"),
		"(deploy@web) " CHALLENGE("pam://bastion/sshd/a;reboot"),
		"(deploy@web) " CHALLENGE("pam://a%60reboot%60/sshd/deploy"),
		"(deploy@web) " CHALLENGE("pam://-oProxyCommand/sshd/deploy"),
		"(deploy@web) " CHALLENGE("pam://bastion/sshd/-lroot"),
		"(deploy@web;reboot) " CHALLENGE(SSHD),
		"(deploy@evil) (deploy@web) " CHALLENGE(SSHD),
	};

	for (size_t i = 0; i < COUNT(prompts); i++) {
		struct fo_challenge *challenge = NULL;
		struct fo_diag diag = { "" };

		cr_expect_eq(fo_prompt_judge(prompts[i], &by_ssh, &diag,
		    &challenge), FO_ERR_WRONG_HTU);
		cr_expect_null(strstr(diag.text, "&&"), "%s", diag.text);
		cr_expect_null(strstr(diag.text, "--host"), "%s", diag.text);
	}
}

/* ---- sudo and su of this machine ---------------------------------------- */

Test(askpass_local, answers_sudo_of_this_host)
{
	static const struct { const char *service, *prompt, *name; } cases[] = {
		{ "sudo", CHALLENGE(SUDO), "sudo" },
		{ "sudoedit", CHALLENGE(SUDO), "sudoedit" },
		{ "sudo -i", CHALLENGE("pam://bastion/sudo-i/deploy"),
		    "sudo" },
		{ "su", CHALLENGE("pam://bastion/su/deploy"), "su" },
		{ "su -", CHALLENGE("pam://bastion/su-l/deploy"), "su" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fo_asking asking = by_sudo;

		asking.asker_name = cases[i].name;
		cr_expect_eq(judge(cases[i].prompt, &asking), FO_OK, "%s",
		    cases[i].service);
	}
}

Test(askpass_local, knows_this_host_up_to_the_first_dot)
{
	static const struct { const char *name; fo_err want; } cases[] = {
		{ "bastion", FO_OK },
		{ "bastion.example.com", FO_OK },
		{ "bastion2", FO_ERR_WRONG_HTU },
		{ "bastio", FO_ERR_WRONG_HTU },
		{ "Bastion", FO_ERR_WRONG_HTU },
		{ "laptop.bastion", FO_ERR_WRONG_HTU },
		{ ".bastion", FO_ERR_WRONG_HTU },
		{ "", FO_ERR_WRONG_HTU },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fo_asking asking = by_sudo;

		asking.hostname = cases[i].name;
		cr_expect_eq(judge(CHALLENGE(SUDO), &asking), cases[i].want,
		    "%s", cases[i].name);
	}
}

Test(askpass_local, takes_the_whole_name_of_this_host)
{
	struct fo_asking asking = by_sudo;

	asking.hostname = "bastion.example.com";
	cr_expect_eq(judge(CHALLENGE("pam://bastion.example.com/sudo/deploy"),
	    &asking), FO_OK);
	cr_expect_eq(judge(CHALLENGE("pam://bastion.example/sudo/deploy"),
	    &asking), FO_ERR_WRONG_HTU);
}

Test(askpass_local, answers_nobody_who_only_looks_like_sudo)
{
	static const struct {
		const char *why;
		uid_t euid;
		const char *name;
	} cases[] = {
		{ "not root", 1000, "sudo" },
		{ "nobody knows", (uid_t)-1, "sudo" },
		{ "ssh run by root", 0, "ssh" },
		{ "su for sudo", 0, "su" },
		{ "a longer name", 0, "sudo2" },
		{ "a name in capitals", 0, "SUDO" },
		{ "no name", 0, "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fo_asking asking = by_sudo;

		asking.asker_euid = cases[i].euid;
		asking.asker_name = cases[i].name;
		cr_expect_eq(judge(CHALLENGE(SUDO), &asking),
		    FO_ERR_WRONG_HTU, "%s", cases[i].why);
	}
}

Test(askpass_local, answers_no_other_service_to_sudo)
{
	static const char *const prompts[] = {
		CHALLENGE(SSHD),
		CHALLENGE("pam://bastion/su/deploy"),
		CHALLENGE("pam://bastion/login/deploy"),
		CHALLENGE("pam://bastion/sudo2/deploy"),
		PREFIX CHALLENGE(SUDO),
		"x " CHALLENGE(SUDO),
		" " CHALLENGE(SUDO),
	};

	for (size_t i = 0; i < COUNT(prompts); i++)
		cr_expect_eq(judge(prompts[i], &by_sudo), FO_ERR_WRONG_HTU,
		    "%s", prompts[i]);
}

/* ---- a target fixed beforehand ------------------------------------------- */

static struct fo_asking
expecting(const char *target)
{
	struct fo_asking asking = by_ssh;

	asking.target = target;
	asking.asker_port = 2222;
	return asking;
}

Test(askpass_target, answers_behind_any_prefix_of_ssh)
{
	static const char *const prompts[] = {
		PREFIX CHALLENGE(SSHD),
		"(deploy@127.0.0.1) " CHALLENGE(SSHD),
		"(deploy@web) " CHALLENGE(SSHD),
		"(a@b@fe80::1%eth0) " CHALLENGE(SSHD),
		CHALLENGE(SSHD),
	};
	const struct fo_asking asking = expecting(SSHD);

	for (size_t i = 0; i < COUNT(prompts); i++)
		cr_expect_eq(judge(prompts[i], &asking), FO_OK, "%s",
		    prompts[i]);
}

Test(askpass_target, answers_no_other_target)
{
	static const char *const prompts[] = {
		PREFIX CHALLENGE("pam://db/sshd/deploy"),
		PREFIX CHALLENGE("pam://bastion/sshd/root"),
		PREFIX CHALLENGE("pam://bastion/su/deploy"),
		PREFIX CHALLENGE("pam://bastion/sshd/deploy2"),
		PREFIX CHALLENGE("pam://bastion/sshd/%64eploy"),
		CHALLENGE(SUDO),
	};
	const struct fo_asking asking = expecting(SSHD);

	for (size_t i = 0; i < COUNT(prompts); i++)
		cr_expect_eq(judge(prompts[i], &asking), FO_ERR_WRONG_HTU,
		    "%s", prompts[i]);
}

Test(askpass_target, still_takes_the_prompt_as_a_whole)
{
	static const char *const prompts[] = {
		"(deploy@evil) (deploy@bastion) " CHALLENGE(SSHD),
		PREFIX "Hello " CHALLENGE(SSHD),
		"Hello " CHALLENGE(SSHD),
		" " CHALLENGE(SSHD),
		"() " CHALLENGE(SSHD),
		"(@) " CHALLENGE(SSHD),
		"(@bastion) " CHALLENGE(SSHD),
		"(deploy@) " CHALLENGE(SSHD),
		"(deploy) " CHALLENGE(SSHD),
		"(deploy@bastion)" CHALLENGE(SSHD),
		"(deploy@bas tion) " CHALLENGE(SSHD),
		PREFIX CHALLENGE(SSHD) CHALLENGE(SSHD),
		PREFIX CHALLENGE(SSHD) "\n",
		"Hello\n" PREFIX CHALLENGE(SSHD),
	};
	const struct fo_asking asking = expecting(SSHD);

	for (size_t i = 0; i < COUNT(prompts); i++)
		cr_expect_eq(judge(prompts[i], &asking), FO_ERR_FORMAT,
		    "%s", prompts[i]);
	cr_expect_eq(judge("(deploy@bastion) Password: ", &asking),
	    FO_ERR_NOT_FOUND);
}

Test(askpass_target, answers_no_other_ssh_than_the_one_it_is_for)
{
	struct fo_asking asking = expecting(SSHD);

	asking.target_pid = asking.asker_pid;
	cr_expect_eq(judge(PREFIX CHALLENGE(SSHD), &asking), FO_OK);
	asking.target_pid = asking.asker_pid + 1;
	cr_expect_eq(judge(PREFIX CHALLENGE(SSHD), &asking),
	    FO_ERR_WRONG_HTU);
}

Test(askpass_target, for_sudo_is_answered_to_sudo_alone)
{
	struct fo_asking asking = by_sudo;

	asking.hostname = "ip-10-0-0-1";
	asking.target = SUDO;
	cr_expect_eq(judge(CHALLENGE(SUDO), &asking), FO_OK);
	cr_expect_eq(judge(PREFIX CHALLENGE(SUDO), &asking),
	    FO_ERR_WRONG_HTU);
	asking = expecting(SUDO);
	cr_expect_eq(judge(CHALLENGE(SUDO), &asking), FO_ERR_WRONG_HTU);
	cr_expect_eq(judge(PREFIX CHALLENGE(SUDO), &asking),
	    FO_ERR_WRONG_HTU);
}

Test(askpass_target, must_be_a_target)
{
	static const char *const bad[] = {
		"", "bastion", "https://bastion/x", "pam://bastion/sshd",
		"pam://bastion/sshd/deploy/",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		const struct fo_asking asking = expecting(bad[i]);

		cr_expect_eq(judge(PREFIX CHALLENGE(SSHD), &asking),
		    FO_ERR_ARG, "%s", bad[i]);
	}
}

/* ---- the process that asks ------------------------------------------------ */

static int
listen_somewhere(int family, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	*ret_len = family == AF_INET ? sizeof(*in4) : sizeof(*in6);
	if (family == AF_INET)
		in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		in6->sin6_addr = in6addr_loopback;
	if (fd < 0 || bind(fd, (struct sockaddr *)ret, *ret_len) != 0 ||
	    listen(fd, 4) != 0 ||
	    getsockname(fd, (struct sockaddr *)ret, ret_len) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* One connection that nobody has accepted: our end is its only socket. */
static void
expect_port_seen(int family)
{
	struct sockaddr_storage at;
	struct fo_asker asker;
	socklen_t len;
	unsigned int port;
	int server, one, two;

	if ((server = listen_somewhere(family, &at, &len)) < 0)
		cr_skip_test("no loopback of this family");
	/* the port stands at the same place in both */
	port = ntohs(((struct sockaddr_in *)&at)->sin_port);

	cr_assert_eq(fo_asker_read(getpid(), &asker), FO_OK);
	cr_expect_eq(asker.port, 0, "listening is no connection");
	one = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(one, (struct sockaddr *)&at, len), 0);
	cr_assert_eq(fo_asker_read(getpid(), &asker), FO_OK);
	cr_expect_eq(asker.port, port);
	two = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(two, (struct sockaddr *)&at, len), 0);
	cr_assert_eq(fo_asker_read(getpid(), &asker), FO_OK);
	cr_expect_eq(asker.port, 0, "of two, nobody knows which it is");
	close(two);
	close(one);
	close(server);
}

Test(asker, port_is_that_of_its_one_connection)
{
	expect_port_seen(AF_INET);
}

Test(asker, port_is_seen_over_ipv6_too)
{
	expect_port_seen(AF_INET6);
}

Test(asker, is_known_by_its_effective_user_and_its_name)
{
	struct fo_asker asker;

	cr_assert_eq(prctl(PR_SET_NAME, "a b\nUid:\t0"), 0);
	cr_assert_eq(fo_asker_read(getpid(), &asker), FO_OK);
	cr_expect_eq(asker.euid, geteuid());
	cr_expect_str_eq(asker.name, "a b\nUid:\t0");
	if (geteuid() != 0)
		return;
	cr_assert_eq(seteuid(12345), 0);
	cr_assert_eq(fo_asker_read(getpid(), &asker), FO_OK);
	cr_expect_eq(asker.euid, 12345, "the effective one, not the real");
	cr_assert_eq(seteuid(0), 0);
}

Test(asker, that_does_not_exist_is_not_known)
{
	struct fo_asker asker = { .euid = 7 };

	cr_expect_eq(fo_asker_read(-1, &asker), FO_ERR_IO);
	cr_expect_eq(asker.euid, 7, "untouched on failure");
}
