#!/usr/bin/python3
"""What etc/ ships is what its readers take: fo, libpam, sshd, systemd, rsyslog
and logrotate.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import tap

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
ETC = TOP / "etc"
BUILD = pathlib.Path(os.environ.get("FIRSTOPS_BUILD", TOP / "build" / "dev"))
SBIN = "/usr/local/sbin:/usr/sbin:/sbin:"

# A uid that no service of ours has.
STRANGER = 65534


def need(program):
    path = shutil.which(program, path=SBIN + os.environ["PATH"])
    if path is None:
        tap.skip(f"{program} is not installed")
    return path


def need_root():
    if os.geteuid() != 0:
        tap.skip("needs root")


def run(*argv, **more):
    return subprocess.run([str(a) for a in argv], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **more)


def good(*argv, **more):
    done = run(*argv, **more)
    assert done.returncode == 0, done.stdout
    return done.stdout


def lines_of(path):
    """Lines that say something, without comments."""
    return [line for line in path.read_text().splitlines()
            if line.strip() and not line.lstrip().startswith("#")]


# ---- the store --------------------------------------------------------------

def store_in(folder):
    """A copy of the sample store with a log file instead of syslog."""
    shutil.copytree(ETC / "firstops", folder, dirs_exist_ok=True)
    for part in ("principals.d", "keys.d"):
        (folder / part).mkdir()
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    config = folder / "firstops.yaml"
    text = config.read_text()
    log = folder.parent / "events.log"
    assert "[syslog]" in text
    config.write_text(text.replace("[syslog]", f'["file:{log}"]'))
    return config


def fo():
    path = BUILD / "tools" / "fo" / "fo"
    if not path.is_file():
        tap.skip(f"{path} is not built")
    return path


# Below /root or $HOME: a folder that anybody may write to is no store's parent.
def private_folder():
    return tempfile.TemporaryDirectory(
        dir=pathlib.Path.home(), prefix=".firstops-samples-")


def test_fo_finds_nothing_wrong_with_the_sample_store():
    with private_folder() as folder:
        config = store_in(pathlib.Path(folder) / "firstops")
        good(fo(), "store", "check", "--config", config)


def test_fo_sees_a_sample_store_with_one_word_changed():
    with private_folder() as folder:
        config = store_in(pathlib.Path(folder) / "firstops")
        policy = config.parent / "policies.d/deployers.yaml"
        policy.write_text(policy.read_text().replace("effect:", "efect:", 1))
        done = run(fo(), "store", "check", "--config", config)
        assert done.returncode == 1, done.stdout
        assert "deployers.yaml" in done.stdout, done.stdout


def test_an_agent_of_a_sample_group_can_be_created():
    with private_folder() as folder:
        config = store_in(pathlib.Path(folder) / "firstops")
        good(fo(), "agent", "create", "build-bot", "--owner", "team-platform",
             "--groups", "deployers", "--accounts", "deploy",
             "--out", f"{folder}/key.pem", "--config", config)
        good(fo(), "store", "check", "--config", config)


# ---- pam.d ------------------------------------------------------------------

# Debian has a file of its own for these, and people log in there; the others
# are ours alone.
DEBIANS = ("sshd", "sudo", "sudo-i", "su", "login", "cockpit", "dovecot",
           "proftpd")
STACKS = (*DEBIANS, "firstops-login", "postgresql", "pgbouncer", "mariadb",
          "nginx", "apache2", "squid")


def fields(line):
    """Type, control, module and arguments of a line of a stack."""
    match = re.fullmatch(r"-?(\w+)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)", line)
    return match.groups()


def stack(name, kind):
    return [fields(line) for line in lines_of(ETC / "pam.d" / name)
            if line.split()[0].lstrip("-") == kind]


def test_each_stack_has_our_module_in_auth_and_account_once():
    for name in STACKS:
        for kind in ("auth", "account"):
            modules = [m for _, _, m, _ in stack(name, kind)]
            assert modules.count("pam_firstops.so") == 1, (name, kind)


def test_every_stack_that_is_shipped_is_looked_at():
    shipped = {path.name for path in (ETC / "pam.d").iterdir()}
    assert shipped == set(STACKS), shipped ^ set(STACKS)


def test_break_glass_skips_exactly_our_line():
    for name in DEBIANS:
        kinds = ("auth", "account") if name.startswith("sudo") else \
            ("auth", "account", "session")
        for kind in kinds:
            entries = stack(name, kind)
            ours = [m for _, _, m, _ in entries].index("pam_firstops.so")
            control, module, arguments = entries[ours - 1][1:]
            assert ours > 0 and module == "pam_succeed_if.so", (name, kind)
            assert control == "[success=1 default=ignore]", (name, kind)
            assert arguments == \
                "quiet user ingroup firstops-breakglass", (name, kind)


def test_a_refused_proof_ends_every_stack():
    for name in STACKS:
        for _, control, module, _ in stack(name, "auth"):
            if module == "pam_firstops.so":
                assert "default=die" in control, name
                assert "success=done" in control, name


def test_no_shipped_stack_loosens_our_module():
    for name in STACKS:
        for line in lines_of(ETC / "pam.d" / name):
            if "pam_firstops" in line:
                assert line.rstrip().endswith("pam_firstops.so"), line


def test_no_shipped_stack_is_a_common_one():
    for path in (ETC / "pam.d").iterdir():
        assert not path.name.startswith("common-"), path


def test_every_line_of_ours_has_a_comment_above_it():
    for name in STACKS:
        above = before = ""
        for line in (ETC / "pam.d" / name).read_text().splitlines():
            if "pam_firstops.so" in line:
                assert before.startswith("#") or \
                    "firstops-breakglass" in before or \
                    "firstops-breakglass" in above, (name, line)
            above, before = before, line


def words(line):
    return tuple(re.sub(r"\s+#.*", "", line).split())


def test_debians_own_modules_are_all_still_there():
    for name in DEBIANS:
        machine = pathlib.Path("/etc/pam.d") / name
        if not machine.is_file() or "pam_firstops" in machine.read_text():
            tap.skip(f"{machine} is not Debian's own")
        ours = {words(line) for line in lines_of(ETC / "pam.d" / name)}
        for line in lines_of(machine):
            assert words(line) in ours, (name, line)


# ---- sshd -------------------------------------------------------------------

def sshd_says(*argv):
    """sshd -T, which wants a /run/sshd even for that."""
    sshd = need("sshd")
    if os.geteuid() == 0:
        return good("unshare", "--mount", "sh", "-c",
                    "mount -t tmpfs tmpfs /run && mkdir /run/sshd &&"
                    ' exec "$@"', "sh", sshd, "-T", *argv)
    if not os.path.isdir("/run/sshd"):
        tap.skip("needs root to make a /run/sshd")
    return good(sshd, "-T", *argv)


def test_sshd_takes_the_snippet_and_asks_by_keyboard_interactive():
    with tempfile.TemporaryDirectory() as folder:
        key = f"{folder}/key"
        good("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        config = pathlib.Path(folder) / "sshd_config"
        # as Debian has it: the folder first, the stock "no" below
        config.write_text(f"Include \"{ETC}/ssh/sshd_config.d/*.conf\"\n"
                          f"HostKey {key}\n"
                          "KbdInteractiveAuthentication no\n")
        text = sshd_says("-f", config)
        assert "kbdinteractiveauthentication yes" in text, text
        assert "usepam yes" in text, text


def test_sshd_takes_the_snippets_block_for_reserved_accounts():
    snippet = (ETC / "ssh/sshd_config.d/firstops.conf").read_text()
    block = re.search(r"^#Match User.*?^#Match all$", snippet, re.M | re.S)[0]
    with tempfile.TemporaryDirectory() as folder:
        key = f"{folder}/key"
        good("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        config = pathlib.Path(folder) / "sshd_config"
        config.write_text(f"HostKey {key}\n{snippet}"
                          + re.sub("^#", "", block, flags=re.M) + "\n")
        text = sshd_says("-f", config,
                         "-C", "user=deploy,host=x,addr=10.0.0.1")
        assert "authenticationmethods keyboard-interactive" in text, text
        text = sshd_says("-f", config,
                         "-C", "user=alice,host=x,addr=10.0.0.1")
        assert "authenticationmethods any" in text, text


# ---- systemd ----------------------------------------------------------------

def test_the_mount_unit_is_valid():
    need("systemd-analyze")
    text = good("systemd-analyze", "verify", "--man=no",
                ETC / "systemd/run-firstops.mount")
    assert "run-firstops" not in text, text


def test_our_services_and_the_timer_are_valid():
    need("systemd-analyze")
    with tempfile.TemporaryDirectory() as folder:
        units = []
        for path in sorted((ETC / "systemd").glob("firstops-*")):
            unit = pathlib.Path(folder) / path.name.removesuffix(".in")
            unit.write_text(path.read_text().replace(
                "@CMAKE_INSTALL_FULL_BINDIR@/fo", "/bin/true"))
            units.append(unit)
        assert len(units) == 4, units
        said = good("systemd-analyze", "verify", "--man=no", *units)
        assert "firstops-" not in said, said


def test_the_helpers_of_firstopsd_are_valid_and_have_little():
    need("systemd-analyze")
    with tempfile.TemporaryDirectory() as folder:
        units = []
        for path in sorted((ETC / "systemd").glob("firstopsd-*")):
            unit = pathlib.Path(folder) / path.name.removesuffix(".in")
            unit.write_text(re.sub(r"@CMAKE_INSTALL_FULL_\w+@\S*/\S+",
                                   "/bin/true", path.read_text()))
            units.append(unit)
        assert len(units) == 4, units
        said = good("systemd-analyze", "verify", "--man=no", *units)
        assert "firstopsd-" not in said, said
        for unit in units:
            if unit.suffix == ".service":
                said = good("systemd-analyze", "security", "--offline=true",
                            "--threshold=20", unit)
                assert "Overall exposure" in said, said


# ---- the signer's units -----------------------------------------------------

USER = ETC / "systemd/user"


def signer_units(folder):
    """The socket and the service, as they are installed."""
    socket = folder / "firstops-signer.socket"
    shutil.copy(USER / socket.name, socket)
    service = folder / "firstops-signer.service"
    text = (USER / "firstops-signer.service.in").read_text()
    assert text.count("@CMAKE_INSTALL_FULL_BINDIR@/fo-signer\n") == 1
    service.write_text(text.replace("@CMAKE_INSTALL_FULL_BINDIR@/fo-signer",
                                    "/bin/true"))
    return service, socket


def user_analyze(folder, *words):
    """systemd-analyze for a user's units."""
    need("systemd-analyze")
    return run("systemd-analyze", "--user", *words,
               env=dict(os.environ, XDG_RUNTIME_DIR=str(folder)))


def test_the_signers_units_are_valid():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        done = user_analyze(folder, "verify", "--man=no",
                            *signer_units(folder))
        assert (done.returncode, done.stdout) == (0, ""), done
        service, _ = signer_units(folder)
        service.write_text(service.read_text().replace("UMask=0077",
                                                       "UMask=x"))
        done = user_analyze(folder, "verify", "--man=no", service)
        assert "Failed to parse mode" in done.stdout, done


def test_the_signers_unit_is_as_closed_as_a_users_can_be():
    """systemd-analyze counts the capabilities of root, which no user has, and
    what makes namespaces, which the signer must not have: 5.9."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        service, _ = signer_units(folder)
        for most, code in ((60, 0), (58, 1)):
            done = user_analyze(folder, "security", "--offline=true",
                                "--no-pager", f"--threshold={most}", service)
            assert done.returncode == code, done.stdout[-300:]


# A user's systemd makes a user namespace for each of these, or fails for want
# of a capability.
NO_USERS_OPTIONS = re.compile(
    r"Private\w+|Protect\w+|ProcSubset|\w*Paths|\w*Directory|RootImage|"
    r"CapabilityBoundingSet|AmbientCapabilities|DynamicUser|Bind\w+|"
    r"TemporaryFileSystem|Mount\w+|IPAddress\w+|DeviceAllow|User|Group")


def test_the_signer_stays_in_the_namespace_of_its_clients():
    text = (USER / "firstops-signer.service.in").read_text()
    names = re.findall(r"^(\w+)=", text.partition("[Service]")[2], re.M)
    assert "NoNewPrivileges" in names, names
    found = [n for n in names if NO_USERS_OPTIONS.fullmatch(n)]
    assert not found, found


def test_the_signers_socket_is_where_clients_look():
    text = (USER / "firstops-signer.socket").read_text()
    for line in ("ListenStream=%t/firstops/signer.sock", "SocketMode=0600",
                 "DirectoryMode=0700"):
        assert f"\n{line}\n" in text, line


def calls_of(name, seen):
    """System calls of a set of systemd's, and of those in it."""
    for line in good("systemd-analyze", "syscall-filter",
                     name).splitlines()[1:]:
        word = line.strip()
        if word and word[0] != "#" and word not in seen:
            seen.add(word)
            if word[0] == "@":
                calls_of(word, seen)
    return seen


def permitted(unit):
    """What SystemCallFilter= lets pass, all lines together."""
    calls = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        for word in line.lstrip("~").split():
            some = calls_of(word, set()) if word[0] == "@" else {word}
            calls = calls - some if line[0] == "~" else calls | some
    return calls


def test_the_signers_unit_permits_all_that_it_does():
    need("systemd-analyze")
    need("strace")
    program = BUILD.resolve() / "tools/signer/fo-signer"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        traced = folder / "calls"
        env = dict(os.environ, XDG_RUNTIME_DIR=name)
        key = folder / "key.pem"
        good(fo(), "key", "generate", "--out", key)
        process = subprocess.Popen(
            ["strace", "-f", "-o", traced, program, "--askpass",
             "/bin/true", "--load", key], env=env,
            stdin=subprocess.DEVNULL)
        try:
            socket = folder / "firstops/signer.sock"
            end = time.monotonic() + 20
            while not socket.exists():
                assert time.monotonic() < end and process.poll() is None
                time.sleep(0.05)
            good(fo(), "signer", "add", key, "--confirm", "--lifetime", "1m",
                 env=env)
            good(fo(), "proof", "sign", "--htu", "pam://a/b/c", env=env)
            good(fo(), "signer", "remove", "--all", env=env)
        finally:
            children = pathlib.Path(
                f"/proc/{process.pid}/task/{process.pid}/children")
            os.kill(int(children.read_text().split()[0]), 15)
            process.wait(20)
        used = set(re.findall(r"^\d+ +(\w+)\(", traced.read_text(), re.M))
    assert {"accept4", "execve", "seccomp"} <= used, used
    unit = (USER / "firstops-signer.service.in").read_text()
    missing = used - permitted(unit)
    assert not missing, missing
    assert "mount" not in permitted(unit)


# ---- what others run --------------------------------------------------------

def test_what_the_timer_logs_are_verbs_that_there_are():
    text = (ETC / "systemd/firstops-expiring.service.in").read_text()
    found = re.findall(r"^ExecStart=\S+/fo (.*)$", text, re.M)
    assert [words.split()[:2] for words in found] == [
        ["agent", "list"], ["human", "list"]], found
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder).resolve() / "etc/firstops.yaml"
        good(fo(), "init", "--host", "bastion", "--config", config)
        for words in found:
            good(fo(), *words.split(), "--config", config)


def test_the_mount_unit_bounds_size_and_files():
    text = (ETC / "systemd/run-firstops.mount").read_text()
    options = re.search(r"^Options=(.*)$", text, re.M)[1].split(",")
    assert {"mode=0755", "nosuid", "nodev", "noexec"} <= set(options)
    assert any(o.startswith("nr_inodes=") for o in options)
    assert any(o.startswith("size=") for o in options)


def test_no_unit_calls_the_folder_its_runtime_directory():
    for path in (ETC / "systemd").glob("*.*"):
        assert path.is_dir() or "RuntimeDirectory" not in path.read_text(), \
            path


def tmpfiles(root, *configs):
    """Carry out texts of tmpfiles.d below another root."""
    (root / "etc/tmpfiles.d").mkdir(parents=True)
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)
    for number, text in enumerate(configs):
        (root / f"etc/tmpfiles.d/{number}.conf").write_text(text)
        good("systemd-tmpfiles", f"--root={root}", "--create",
             f"{number}.conf")


def owner_and_mode(path):
    found = path.stat()
    return found.st_uid, oct(found.st_mode & 0o7777)


def test_tmpfiles_makes_the_folders_with_owner_and_mode():
    need("systemd-tmpfiles")
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        tmpfiles(root, (ETC / "tmpfiles.d/firstops.conf").read_text())
        run_folder = root / "run/firstops"
        for name, mode in (("", "0o755"), ("replay", "0o755"),
                           ("replay/0", "0o700"), ("pending", "0o700"),
                           ("sessions", "0o700")):
            assert owner_and_mode(run_folder / name) == (0, mode), name


# ---- sudo -------------------------------------------------------------------

def test_visudo_takes_our_sudoers():
    need("visudo")
    text = good("visudo", "-cf", ETC / "sudoers.d/firstops")
    assert "parsed OK" in text, text
    lines = lines_of(ETC / "sudoers.d/firstops")
    assert "Defaults:deploy timestamp_timeout=0" in lines, lines


def test_sudo_conf_has_one_line_and_no_policy_plugin():
    lines = lines_of(ETC / "sudo.conf")
    assert lines == ["Plugin sudo_firstops sudo_firstops.so"], lines


# ---- rsyslog and logrotate --------------------------------------------------

IMUXSOCK = re.search(r'module\(load="imuxsock" SysSock[^)]*\)',
                     (ETC / "rsyslog.d/30-firstops.conf").read_text())[0]


class Rsyslog:
    """A real rsyslogd with our sample, on a socket and files of its own."""

    def __init__(self, folder, sample):
        self.log = folder / "firstops.log"
        self.all = folder / "all.log"
        self.socket = folder / "log"
        main = folder / "rsyslog.conf"
        line = IMUXSOCK.replace(
            'load="imuxsock"', f'load="imuxsock" SysSock.Name="{self.socket}"')
        text = sample.replace("/var/log/firstops.log", str(self.log))
        assert str(self.log) in text
        main.write_text(f'{line}\n{text}\n'
                        f'action(type="omfile" file="{self.all}")\n')
        self.process = subprocess.Popen(
            [need("rsyslogd"), "-n", "-f", str(main), "-i",
             str(folder / "pid")], stdin=subprocess.DEVNULL)
        self.until(self.socket.exists, "the socket")

    def until(self, there, what):
        end = time.monotonic() + 10
        while not there():
            assert self.process.poll() is None, "rsyslogd ended"
            assert time.monotonic() < end, f"{what} did not come"
            time.sleep(0.02)

    def say(self, uid, tag, message):
        """One message; returns when rsyslogd has written it somewhere."""
        self.socket.chmod(0o666)
        good("logger", "-u", self.socket, "-t", tag, message,
             user=uid, group=uid, extra_groups=[])
        self.until(lambda: self.all.exists()
                   and message in self.all.read_text(), message)

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        return self.log.read_text() if self.log.exists() else ""


def filed(*messages, sample=None):
    """What the sample files of these (uid, tag, message)."""
    need_root()
    need("logger")
    sample = sample or (ETC / "rsyslog.d/30-firstops.conf").read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        rsyslog = Rsyslog(folder, sample)
        try:
            for message in messages:
                rsyslog.say(*message)
        finally:
            text = rsyslog.close()
    return text


def test_rsyslog_files_an_event_of_root_whole():
    event = '@cee:{"msg":"one","pid":7,"uid":4}'
    lines = filed((0, "pam_firstops", event), (0, "fo", event)).splitlines()
    assert len(lines) == 2, lines
    assert all(line.endswith(event) for line in lines), lines


def test_rsyslog_does_not_file_an_event_that_nobody_forged():
    assert filed((STRANGER, "pam_firstops",
                  '@cee:{"msg":"forged","uid":0,"$!uid":0,"pid":1}')) == ""


def test_rsyslog_does_not_file_what_is_no_event():
    assert filed((0, "pam_firstops", "no json at all"),
                 (0, "cron", '@cee:{"msg":"another tag"}')) == ""


def test_rsyslog_files_a_service_user_that_was_added_as_the_sample_says():
    sample = (ETC / "rsyslog.d/30-firstops.conf").read_text()
    added = sample.replace("($!uid == 0)", "($!uid == 0 or $!uid == 2)")
    assert added != sample
    assert "of a service" in filed(
        (2, "pam_firstops", '@cee:{"msg":"of a service"}'),
        (STRANGER, "pam_firstops", '@cee:{"msg":"forged"}'), sample=added)
    assert "forged" not in filed(
        (STRANGER, "pam_firstops", '@cee:{"msg":"forged"}'), sample=added)


def test_logrotate_takes_the_sample():
    logrotate = need("logrotate")
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "firstops"
        text = (ETC / "logrotate.d/firstops").read_text()
        config.write_text(text.replace("/var/log/", f"{folder}/"))
        config.chmod(0o644)
        log = pathlib.Path(folder) / "firstops.log"
        log.write_text("event\n")
        text = good(logrotate, "-d", "-s", f"{folder}/state", config)
        assert "error" not in text.lower(), text


if __name__ == "__main__":
    tap.main()
