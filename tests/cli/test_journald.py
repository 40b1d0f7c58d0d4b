#!/usr/bin/python3
"""A real systemd-journald with our snippet, in a world of its own: it drops no
event, and what syslog-ng files out of the journal is of trustworthy senders.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import tap
import test_syslog_ng as syslog_ng

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SNIPPET = TOP / "etc/systemd/journald.conf.d/firstops.conf"
DAEMON = "/usr/lib/systemd/systemd-journald"
STRANGER = 65534

# A /run, a /var/log and a journald of its own; then the steps.
WORLD = """
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /run/systemd/system /run/systemd/journal /run/systemd/journald.conf.d
mkdir /var/log/journal
if [ ! -s /etc/machine-id ]; then
	echo 0123456789abcdef0123456789abcdef >/run/machine-id
	[ -e /etc/machine-id ] || exit 77
	mount --bind /run/machine-id /etc/machine-id
fi
cp "$TOP"/*.conf /run/systemd/journald.conf.d/
SYSTEMD_LOG_TARGET=console "$DAEMON" >"$TOP/daemon" 2>&1 &
log=/run/systemd/journal/dev-log
for i in $(seq 100); do
	[ ! -S $log ] || break
	sleep 0.1
done
say() { # UID TAG TEXT
	setpriv --reuid="$1" --clear-groups logger -u $log -t "$2" "$3"
}
"""

# As another admin has it: hardly anything passes, and nothing of the kernel.
LOW = """[Journal]
RateLimitIntervalSec=30s
RateLimitBurst=5
ReadKMsg=no
"""


def need():
    if os.geteuid() != 0:
        tap.skip("needs root for a mount namespace")
    for path in (DAEMON, "logger", "journalctl", "setpriv"):
        if not shutil.which(path):
            tap.skip(f"{path} is not installed")


def world(steps, *snippets, **more):
    """What the steps print in a world with these texts of journald.conf.d."""
    need()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for number, text in enumerate((LOW, *snippets)):
            (folder / f"{number}.conf").write_text(text)
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             "--mount-proc", "bash", "-c", WORLD + steps],
            env={**os.environ, "TOP": name, "DAEMON": DAEMON, **more},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120)
        if done.returncode == 77:
            tap.skip("no /etc/machine-id")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def entries(text):
    return [json.loads(line) for line in text.splitlines()]


READ = "journalctl --sync; journalctl --no-pager -o json -t pam_firstops\n"


class Unit:
    """A cgroup by which journald takes a process for a service."""

    def __init__(self):
        for top in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
            if os.path.exists(f"{top}/cgroup.procs"):
                break
        else:
            tap.skip("no cgroups")
        self.path = pathlib.Path(f"{top}/firstops-test-{os.getpid()}.service")
        try:
            self.path.mkdir()
        except OSError as e:
            tap.skip(f"{self.path}: {e}")

    def __enter__(self):
        return str(self.path)

    def __exit__(self, *_):
        self.path.rmdir()


# ---- tests ------------------------------------------------------------------

def test_journald_knows_every_key_of_the_snippet():
    complaints = 'grep Unknown "$TOP/daemon" || :'
    text = SNIPPET.read_text()
    assert world(complaints, text) == ""
    wrong = text.replace("SystemMaxUse=", "SystemMaximumUse=")
    assert "'SystemMaximumUse'" in world(complaints, wrong)


def test_events_are_kept_on_disk_with_the_uid_of_their_sender():
    found = entries(world(f"""
    say 0 pam_firstops '@cee:{{"msg":"one"}}'
    say {STRANGER} pam_firstops '@cee:{{"msg":"forged"}}'
    journalctl --flush
    {READ}
    ls /var/log/journal/*/system.journal >/dev/null
    """, SNIPPET.read_text()))
    assert [(e["_UID"], e["MESSAGE"]) for e in found] == [
        ("0", '@cee:{"msg":"one"}'),
        (str(STRANGER), '@cee:{"msg":"forged"}')], found


def flood(*snippets):
    """How many of 200 messages of one service are kept."""
    with Unit() as unit:
        text = world(f"""
        (
            echo $BASHPID >{unit}/cgroup.procs
            for i in $(seq 200); do echo "@cee:$i"; done >/run/lines
            logger -u $log -t pam_firstops -f /run/lines
            sleep 0.2
        )
        {READ}
        """, *snippets)
    return [e["MESSAGE"] for e in entries(text)]


def test_no_event_of_a_service_that_logs_much_is_dropped():
    without = flood()
    if len(without) == 200:
        tap.skip("journald does not see services here")
    kept = flood(SNIPPET.read_text())
    assert kept == [f"@cee:{i}" for i in range(1, 201)], len(kept)


def test_syslog_ng_files_out_of_the_journal_what_root_wrote():
    words, more = syslog_ng.program()
    need()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        main = syslog_ng.configuration(folder, syslog_ng.SAMPLE, "system();",
                                       words, more)
        run = " ".join(words)
        text = world(f"""
        say 0 pam_firstops '@cee:{{"msg":"one"}}'
        say {STRANGER} pam_firstops '@cee:{{"msg":"forged",'\
'".journald._UID":"0","_UID":"0"}}'
        say 0 other '@cee:{{"msg":"last"}}'
        journalctl --sync
        {run} -F -f {main} -R {name}/persist -p {name}/pid -c {name}/ctl \\
            --no-caps >&2 &
        for i in $(seq 200); do
            ! grep -qs last {name}/all.log || break
            sleep 0.1
        done
        kill $!
        wait $! || :
        grep -c forged {name}/all.log
        cat {name}/firstops.log
        """, **more)
    count, *lines = text.splitlines()
    assert count == "1", text
    assert len(lines) == 1 and lines[0].endswith('@cee:{"msg":"one"}'), text


if __name__ == "__main__":
    tap.main()
