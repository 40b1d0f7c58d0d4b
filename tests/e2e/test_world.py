#!/usr/bin/python3
"""The private world itself: what happens in there leaves no trace."""

import hashlib
import os
import pathlib
import stat
import subprocess
import sys

SUPPORT = pathlib.Path(__file__).resolve().parent.parent / "support"
sys.path.insert(0, str(SUPPORT))
import tap  # noqa: E402

WORLD = str(SUPPORT / "world")
FOLDERS = ["/etc", "/run", "/home", "/usr/bin", "/usr/sbin", "/var/lib/sudo"]

# Everything a careless test could do, to each of the folders.
VANDAL = """
set -e
echo changed >>/etc/passwd
rm /etc/hosts
mkdir /etc/firstops /run/firstops
mount -t tmpfs tmpfs /run/firstops
echo new >/usr/bin/firstops-was-here
rm /usr/sbin/useradd
: >/home/new
mkdir -p /var/lib/sudo
: >/var/lib/sudo/new
: >/dev/log
hostname changed
sleep 98765 &
"""


def portrait(folder):
    """Every name below a folder with what a change of it would change."""
    lines = []
    for top, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(top, name)
            status = os.lstat(path)
            line = [path, status.st_mode, status.st_uid, status.st_gid]
            if stat.S_ISREG(status.st_mode):
                line += [status.st_size, status.st_mtime_ns]
                if folder == "/etc":
                    with open(path, "rb") as file:
                        line.append(hashlib.sha256(file.read()).hexdigest())
            lines.append(line)
    return sorted(lines, key=lambda line: line[0])


def machine():
    return {"files": {folder: portrait(folder) for folder in FOLDERS},
            "dev": sorted(os.listdir("/dev")),
            "name": os.uname().nodename,
            "mounts": pathlib.Path("/proc/self/mountinfo").read_text()}


def running(words):
    """Processes of this machine with that command line."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes() == words:
                found.append(entry)
        except OSError:
            pass
    return found


def enter(*argv, options=(), **more):
    if os.geteuid() != 0:
        tap.skip("only root can make namespaces")
    return subprocess.run([WORLD, *options, "--", *argv], text=True,
                          capture_output=True, timeout=120, **more)


def leaves_no_trace(*options):
    before = machine()
    done = enter("sh", "-c", VANDAL, options=options)
    assert done.returncode == 0, done
    after = machine()
    for part, was in before.items():
        assert after[part] == was, f"{part} changed"
    assert not running(b"sleep\x0098765\x00"), "a process was left behind"


def test_nothing_of_the_machine_changes_and_nothing_is_left_running():
    leaves_no_trace()


def test_the_same_holds_without_overlayfs():
    before = machine()
    done = enter("sh", "-c", VANDAL.replace("echo new >/usr/bin", "echo >/tmp")
                 .replace("rm /usr/sbin/useradd\n", ""),
                 options=("--no-overlay",))
    assert done.returncode == 0, done
    assert machine() == before


def test_the_exit_code_is_the_commands():
    assert enter("sh", "-c", "exit 7").returncode == 7


def test_a_folder_that_holds_no_build_is_refused_by_name():
    done = enter("true", options=("--build", "/usr/share"))
    assert done.returncode == 125
    assert "/usr/share" in done.stderr and "build" in done.stderr


def test_its_own_folder_is_shown_read_only_wherever_it_lies():
    source = str(SUPPORT.parent.parent)
    done = enter("sh", "-c", 'pwd && [ -f CMakeLists.txt ] && ! touch written')
    assert done.returncode == 0, done
    assert done.stdout.strip() == source
    assert not os.path.exists(os.path.join(source, "written"))


if __name__ == "__main__":
    tap.main()
