#!/usr/bin/python3
"""A store that is copied to a second host with rsync: what is revoked on the
first is refused on the second once it has its copy.
"""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

FIRST, SECOND = "10.63.0.1", "10.63.0.2"
STORE = pathlib.Path("/var/lib/firstops-tests/outpost")
RSYNCD = """\
use chroot = no
munge symlinks = no
reverse lookup = no
[firstops]
path = {store}
read only = no
uid = root
gid = root
hosts allow = {first}
"""

# The second host: a network of its own, its own /etc/firstops and
# /run/firstops. What it runs is what the first runs.
INSIDE = """\
mount --bind {store} /etc/firstops
mount -t tmpfs -o mode=0755 firstops /run/firstops
exec "$@"
"""


def outpost(*argv):
    """The words that run a command on the second host."""
    return ["ip", "netns", "exec", "outpost", "unshare", "--mount", "sh",
            "-ec", INSIDE.format(store=STORE), "sh", *map(str, argv)]


def prepare():
    global bot
    bot = world.Agent("build-bot", accounts=("deploy",))
    for words in (["netns", "add", "outpost"],
                  ["link", "add", "here", "type", "veth", "peer", "name",
                   "there", "netns", "outpost"],
                  ["addr", "add", f"{FIRST}/24", "dev", "here"],
                  ["link", "set", "here", "up"],
                  ["-n", "outpost", "addr", "add", f"{SECOND}/24", "dev",
                   "there"],
                  ["-n", "outpost", "link", "set", "there", "up"],
                  ["-n", "outpost", "link", "set", "lo", "up"]):
        world.must("ip", *words)
    # what is the second host's own, and is never copied
    for folder in ("principals.d", "keys.d", "groups.d", "policies.d"):
        (STORE / folder).mkdir(parents=True)
    config = (world.STORE / "firstops.yaml").read_text()
    world.write(STORE / "firstops.yaml", re.sub(
        r"aliases: .*\n", "", config).replace("host: bastion",
                                              "host: outpost"))
    world.write("/etc/rsyncd-outpost.conf", RSYNCD.format(store=STORE,
                                                          first=FIRST))
    hosts = pathlib.Path("/etc/hosts")
    hosts.write_text(hosts.read_text() + f"{SECOND} outpost\n")


def copy():
    """Principals before links, so that no link leads to nobody; and what a
    change takes away goes last."""
    to = f"rsync://{SECOND}:8873/firstops/"
    for folders in (["policies.d", "groups.d"], ["principals.d"],
                    ["keys.d"]):
        world.must("rsync", "-a", *(f"{world.STORE}/{f}" for f in folders),
                   to)
    world.must("rsync", "-a", "--delete", f"{world.STORE}/principals.d", to)


def login():
    return world.fo_ssh("deploy@outpost", "id -un")


def store_age():
    done = world.run(*outpost("fo", "doctor", "--json"))
    found = [f["what"] for f in json.loads(done.out)["findings"]
             if f["what"].startswith("store: changed last")]
    assert len(found) == 1, done
    return found[0]


def test_a_revocation_reaches_the_second_host_with_its_copy():
    rsync = world.Daemon(*outpost(
        "rsync", "--daemon", "--no-detach", "--port=8873",
        "--config=/etc/rsyncd-outpost.conf", "--log-file=/dev/stdout"),
        ready="listening on port")
    sshd = world.Daemon(*outpost(
        "/usr/sbin/sshd", "-D", "-e", f"-oHostKey={world.HOST_KEY}",
        "-oPidFile=/run/sshd-outpost.pid"), ready="Server listening on")
    with rsync, sshd:
        mark = log.mark()
        assert login().code != 0
        # nobody knows it there: nothing is said of whose key it may be
        event = log.one(mark, ev="auth", res="deny", host="outpost")
        assert (event["why"], event["id"]) == ("unknown_key", "-"), event

        copy()
        # a folder of used proofs that has just been made
        assert world.until(lambda: login().code == 0, 20), log.tail()
        event = log.events(mark, ev="auth", res="permit", host="outpost")[-1]
        assert bot.is_in(event), event
        before = store_age()

        bot.revoke()
        mark = log.mark()
        done = login()
        assert done.code == 0, done     # it has no copy of that yet
        copy()
        mark = log.mark()
        done = login()
        assert done.code != 0, done
        event = log.one(mark, ev="auth", host="outpost")
        assert (event["why"], event["id"]) == ("revoked", bot.id), event
        print(f"#   {event['msg']}")
        print(f"#   {store_age()}")
        assert store_age() >= before
        # a deleted one is gone there too, and its key reserved
        world.must("fo", "agent", "delete", bot.id)
        copy()
        mark = log.mark()
        assert login().code != 0
        event = log.one(mark, ev="auth", host="outpost")
        assert event["why"] in ("unknown_key", "revoked"), event
        assert (STORE / "keys.d" / bot.jkt).is_symlink()
        assert list((STORE / "principals.d").iterdir()) == []


if __name__ == "__main__":
    world.main(prepare)
