#!/usr/bin/python3
"""A real syslog-ng with our sample: events of trustworthy senders are filed,
forged ones are not.
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
SAMPLE = (TOP / "etc/syslog-ng/firstops.conf").read_text()

# Where packaging/install-packages unpacks it: Debian does not let it be
# installed beside rsyslog.
UNPACKED = pathlib.Path("/usr/local/lib/firstops-tests/syslog-ng-core")

# A uid that no service of ours has.
STRANGER = 65534
EVENT = '@cee:{"msg":"one","pid":7,"uid":4}'


def program():
    """How syslog-ng is called, and what it has to find in its environment."""
    path = shutil.which("syslog-ng", path="/usr/sbin:" + os.environ["PATH"])
    if path is not None:
        return [path], {}
    path = UNPACKED / "usr/sbin/syslog-ng"
    modules = list((UNPACKED / "usr/lib/syslog-ng").glob("[0-9]*/"))
    if not path.is_file() or not modules:
        tap.skip("syslog-ng is not there: packaging/install-packages test")
    libraries = [UNPACKED / "usr/lib/syslog-ng",
                 *(UNPACKED / "usr/lib").glob("*-linux-*/")]
    return ([str(path), f"--module-path={modules[0]}"],
            {"LD_LIBRARY_PATH": ":".join(map(str, libraries))})


def need():
    if os.geteuid() != 0:
        tap.skip("needs root")
    if not shutil.which("logger"):
        tap.skip("logger is not installed")
    return program()


def version(words, more):
    text = subprocess.run([*words, "--version"], env={**os.environ, **more},
                          capture_output=True, text=True, check=True).stdout
    return re.search(r"^Config version: (\S+)", text, re.M)[1]


def configuration(folder, sample, source, words, more):
    """Files: the main configuration as Debian has it, as far as it matters,
    and the sample, which writes into the folder."""
    text = sample.replace("/var/log/firstops.log", f"{folder}/firstops.log")
    assert text != sample
    main = folder / "syslog-ng.conf"
    main.write_text(
        f"@version: {version(words, more)}\n"
        f"source s_src {{ {source} }};\n{text}\n"
        "log { source(s_src); destination {"
        f' file("{folder}/all.log"); }}; }};\n')
    return main


class SyslogNg:
    """A syslog-ng on a socket and files of its own."""

    def __init__(self, folder, sample, options=""):
        words, more = need()
        self.folder = folder
        self.log = folder / "firstops.log"
        self.all = folder / "all.log"
        self.socket = folder / "log"
        main = configuration(folder, sample,
                             f'unix-dgram("{self.socket}" {options});',
                             words, more)
        self.process = subprocess.Popen(
            [*words, "-F", "-f", main, "-R", folder / "persist",
             "-p", folder / "pid", "-c", folder / "ctl", "--no-caps"],
            env={**os.environ, **more}, stdin=subprocess.DEVNULL)
        self.until(self.socket.exists, "the socket")

    def until(self, there, what):
        end = time.monotonic() + 20
        while not there():
            assert self.process.poll() is None, "syslog-ng ended"
            assert time.monotonic() < end, f"{what} did not come"
            time.sleep(0.02)

    def say(self, uid, tag, message):
        """One message; returns when it has been written somewhere."""
        self.socket.chmod(0o666)
        subprocess.run(["logger", "-u", self.socket, "-t", tag, message],
                       user=uid, group=uid, extra_groups=[], check=True)
        self.until(lambda: self.all.exists()
                   and message in self.all.read_text(), message)

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        return self.log.read_text() if self.log.exists() else ""


def filed(*messages, sample=SAMPLE, options=""):
    """What the sample files of these (uid, tag, message)."""
    need()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        daemon = SyslogNg(folder, sample, options)
        try:
            for message in messages:
                daemon.say(*message)
        finally:
            text = daemon.close()
        if text:
            assert daemon.log.stat().st_mode & 0o777 == 0o640
    return text


# ---- tests ------------------------------------------------------------------

def test_the_sample_is_configuration_that_syslog_ng_takes():
    words, more = need()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for text, want in ((SAMPLE, True),
                           (SAMPLE.replace("program(", "progam("), False)):
            main = configuration(folder, text, "internal();", words, more)
            done = subprocess.run(
                [*words, "--syntax-only", "-f", main], text=True,
                env={**os.environ, **more}, capture_output=True)
            assert (done.returncode == 0) == want, done.stderr


def test_an_event_of_root_is_filed_whole():
    lines = filed(*((0, tag, EVENT) for tag in (
        "pam_firstops", "sudo_firstops", "fo"))).splitlines()
    assert len(lines) == 3, lines
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\S+ \S+ (pam_firstops|"
                            r"sudo_firstops|fo)(\[\d+\])?: "
                            + re.escape(EVENT), line), line


def test_an_event_that_nobody_forged_is_not_filed():
    assert filed((STRANGER, "pam_firstops",
                  '@cee:{"msg":"forged","uid":0,".unix.uid":"0"}'),
                 (STRANGER, "fo", EVENT)) == ""


def test_what_is_no_event_is_not_filed():
    assert filed((0, "pam_firstops", "no json at all"),
                 (0, "pam_firstops", "@cee:{torn"),
                 (0, "cron", '@cee:{"msg":"another tag"}'),
                 (0, "notfo", '@cee:{"msg":"a longer tag"}')) == ""


def test_a_service_user_that_was_added_as_the_sample_says():
    match = re.search(r'^# .*(or "\$\{\.unix\.uid\}" eq )"\d+"$', SAMPLE,
                      re.M)
    added = SAMPLE.replace('"${.unix.uid}" eq "0"',
                           '"${.unix.uid}" eq "0" ' + match[1] + '"2"')
    assert added != SAMPLE
    text = filed((2, "pam_firstops", '@cee:{"msg":"of a service"}'),
                 (STRANGER, "pam_firstops", '@cee:{"msg":"forged"}'),
                 sample=added)
    assert "of a service" in text and "forged" not in text, text


def test_where_the_uid_is_not_known_nothing_is_filed():
    assert filed((0, "pam_firstops", EVENT), (STRANGER, "fo", EVENT + " "),
                 options="so-passcred(no)") == ""


def test_a_sample_without_its_filter_would_be_seen():
    without = SAMPLE.replace("\tfilter(f_firstops_sender);\n", "")
    assert without != SAMPLE
    assert "forged" in filed((STRANGER, "pam_firstops",
                              '@cee:{"msg":"forged"}'), sample=without)


if __name__ == "__main__":
    tap.main()
