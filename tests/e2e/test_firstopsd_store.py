#!/usr/bin/python3
"""firstopsd's store helper: who may what, and that nobody else may."""

import contextlib
import pathlib
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import helpers  # noqa: E402
import world  # noqa: E402
from world import PASSWORD, log  # noqa: E402

tickets = {}
ids = {}


def prepare():
    """alice administers, rescue is of the team that owns etl-bot, bob is a
    person and no more."""
    helpers.begin()
    for group in ("firstops-admin", "team-data"):
        world.must("groupadd", group)
    world.must("useradd", "-m", "bob")
    world.must("useradd", "-m", "carol")
    for user in ("bob", "carol"):
        world.must("chpasswd", input=f"{user}:{PASSWORD}\n")
    world.must("usermod", "-aG", "firstops-admin", "alice")
    world.must("usermod", "-aG", "team-data", "rescue")
    world.must("bash", "-c", "fo key generate --out k.pem; fo key jwk k.pem"
               " >bob.jwk; fo human create bob --owner team-web --accounts bob"
               " --jwk bob.jwk")
    for name, owner in (("etl-bot", "team-data"), ("web-bot", "team-web")):
        world.must("fo", "agent", "create", name, "--owner", owner,
                   "--out", f"{name}.pem")
    for kind, name in (("agent", "etl-bot"), ("agent", "web-bot"),
                       ("human", "bob")):
        shown = world.must("fo", kind, "show", name, "--json")
        ids[name] = helpers.json.loads(shown)[kind]["id"]
    global login, store
    login = helpers.start("login")
    store = helpers.start("store", "--fo", "/usr/bin/fo")
    for user in ("alice", "rescue", "bob", "carol"):
        tickets[user] = helpers.sign_in(user)


def ask(user, op, **more):
    with helpers.Peer("store") as peer:
        peer.send({"op": op, "ticket": tickets[user], **more})
        return peer.get()


def refused(user, op, why="refused", **more):
    before = state()
    done = ask(user, op, **more)
    assert (done["ok"], done["why"]) == (False, why), (user, op, done)
    assert state() == before, (user, op)


def state():
    """All that the store says."""
    return {path: path.read_bytes() for path in world.STORE.rglob("*")
            if path.is_file()}


def test_everybody_is_told_who_they_are():
    assert ask("alice", "whoami") == {
        "ok": True, "user": "alice", "admin": True, "listed": 0, "id": ""}
    assert ask("bob", "whoami") == {
        "ok": True, "user": "bob", "admin": False, "listed": 1,
        "id": ids["bob"]}


def test_two_principals_that_list_an_account_are_none():
    world.must("bash", "-c", "fo key generate --out k2.pem; fo key jwk k2.pem"
               " >b2.jwk; fo human create bob2 --owner team-web --accounts bob"
               " --jwk b2.jwk")
    try:
        done = ask("bob", "whoami")
        assert (done["listed"], done["id"]) == (2, ""), done
        refused("bob", "show", id=ids["bob"])
    finally:
        world.must("fo", "human", "revoke", "bob2")
    assert ask("bob", "whoami")["id"] == ids["bob"]


def test_an_admin_creates_an_agent_and_gets_its_key_in_that_answer_alone():
    mark = log.mark()
    done = ask("alice", "create", name="new-bot", owner="team-web",
               accounts="deploy", expires="90d")
    assert done["ok"], done
    assert done["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    event = log.one(mark, ev="principal_create")
    assert (event["name"], event["by"]) == ("new-bot", "alice"), event
    shown = ask("alice", "show", id=done["id"])
    assert "private_key" not in str(shown), shown
    assert "PRIVATE KEY" not in log.tail(mark)


def test_a_public_key_is_registered_and_no_private_one_made():
    world.must("bash", "-c", "fo key generate --out k3.pem")
    jwk = world.must("fo", "key", "jwk", "k3.pem")
    done = ask("alice", "create", name="own-key-bot", owner="team-web",
               jwk=jwk)
    assert done["ok"] and "private_key" not in done, done
    done = ask("alice", "create", name="no-bot", owner="team-web", jwk="{}")
    assert not done["ok"], done


ADMINS = (("agents", {}), ("humans", {}), ("policies", {}),
          ("create", {"name": "x-bot", "owner": "team-data"}),
          ("explain", {"principal": "etl-bot", "service": "sshd",
                       "account": "deploy"}))


def test_only_admins_list_all_create_and_look_at_policies():
    for user in ("rescue", "bob", "carol"):
        for op, more in ADMINS:
            refused(user, op, **more)
    names = {a["name"] for a in ask("alice", "agents")["agents"]}
    assert {"etl-bot", "web-bot"} <= names, names
    assert ask("alice", "policies")["ok"]
    assert ask("alice", "explain", **ADMINS[4][1])["decision"]


def test_a_team_manages_its_own_agents_and_no_others():
    for op in ("suspend", "resume"):
        mark = log.mark()
        done = ask("rescue", op, id=ids["etl-bot"])
        assert done["ok"], done
        assert log.one(mark, name="etl-bot")["by"] == "rescue"
        refused("rescue", op, id=ids["web-bot"])
        refused("rescue", op, id=ids["bob"])
        refused("bob", op, id=ids["etl-bot"])
        refused("carol", op, id=ids["etl-bot"])
    done = ask("rescue", "rotate", id=ids["etl-bot"], overlap="1h")
    assert done["private_key"].startswith("-----BEGIN"), done
    refused("rescue", "rotate", id=ids["web-bot"])
    names = [a["name"] for a in ask("rescue", "own-agents")["agents"]]
    assert names == ["etl-bot"], names
    assert ask("carol", "own-agents") == {"ok": True, "agents": []}


def test_who_leaves_the_team_or_the_admins_may_nothing_any_more():
    world.must("gpasswd", "-d", "rescue", "team-data")
    world.must("gpasswd", "-d", "alice", "firstops-admin")
    try:
        refused("rescue", "suspend", id=ids["etl-bot"])
        refused("alice", "agents")
    finally:
        world.must("usermod", "-aG", "team-data", "rescue")
        world.must("usermod", "-aG", "firstops-admin", "alice")
    assert ask("alice", "agents")["ok"]


def test_people_see_themselves_and_end_a_key_of_their_own():
    shown = ask("bob", "show", id=ids["bob"])
    assert shown["human"]["name"] == "bob", shown
    refused("bob", "show", id=ids["etl-bot"])
    refused("bob", "suspend", id=ids["bob"])
    refused("bob", "revoke", id=ids["bob"])
    refused("carol", "revoke", id=ids["bob"],
            key=shown["human"]["keys"][0]["thumbprint"])
    mark = log.mark()
    done = ask("bob", "revoke", id=ids["bob"], reason="lost my laptop",
               key=shown["human"]["keys"][0]["thumbprint"])
    assert done["ok"], done
    assert log.one(mark, name="bob")["by"] == "bob"


def test_a_ticket_of_nobody_or_an_old_one_is_refused():
    good = tickets["alice"]
    for ticket in ("", "x", good[:-1] + ("A" if good[-1] != "A" else "B"),
                   "YWxpY2U." + good.split(".", 1)[1].replace("1", "2", 1)):
        with helpers.Peer("store") as peer:
            peer.send({"op": "agents", "ticket": ticket})
            done = peer.get()
            assert (done["ok"], done["why"]) == (False, "bad_signature"), \
                (ticket, done)
    with helpers.Peer("store") as peer:
        peer.send({"op": "agents"})
        assert peer.get()["why"] == "no_proof"


def test_an_account_that_is_gone_is_nobody():
    world.must("useradd", "-m", "dave")
    world.must("chpasswd", input=f"dave:{PASSWORD}\n")
    world.must("usermod", "-aG", "firstops-admin", "dave")
    tickets["dave"] = helpers.sign_in("dave")
    assert ask("dave", "agents")["ok"]
    world.must("userdel", "-r", "dave")
    refused("dave", "agents", "not_found")


def test_no_value_becomes_an_option_or_a_line():
    for value in ("--now", "-x", "", "a\nb", "x" * 513):
        refused("alice", "suspend", "arg", id=ids["web-bot"], reason=value)
    for name in ("--help", "A", "a b", "", "../x", 1):
        refused("alice", "create", "arg", name=name, owner="team-web")
    for name in ("fo_agent_x", "../../etc/passwd", ids["web-bot"] + "x"):
        refused("alice", "show", "arg", id=name)
    refused("alice", "nothing", "arg")
    for more in ({"key": 5}, {"key": None}, {"key": ["x"]}, {"more": "x"},
                 {"owner": "x"}):
        refused("alice", "revoke", "arg", id=ids["web-bot"], **more)
    refused("alice", "show", "not_found",
            id="fo_agent_00000000-0000-4000-8000-000000000000")


def test_nobody_but_the_web_part_is_heard():
    for user in ("alice", "root"):
        with helpers.Peer("store", user) as peer:
            with contextlib.suppress(BrokenPipeError):
                peer.send({"op": "agents", "ticket": tickets["alice"]})
            assert peer.get() is None, user


def test_what_is_no_message_of_ours_gets_no_answer():
    for text in (b"{", b"[]", b'{"op":"agents","op":"humans"}', b"\xff"):
        with helpers.Peer("store") as peer:
            peer.send(text)
            assert peer.get() is None, text
    for size in (0, 8193, 2 ** 32 - 1):
        with helpers.Peer("store") as peer:
            peer.socket.sendall(struct.pack(">I", size) + b"{}")
            assert peer.get() is None, size


def test_a_store_that_cannot_be_read_lets_nobody_do_anything():
    with world.unreadable_store():
        done = ask("alice", "agents")
        assert done["ok"] is False, done
        done = ask("bob", "whoami")
        assert done["ok"] is False, done
    assert ask("alice", "agents")["ok"]


def test_a_fo_that_hangs_or_is_missing_is_told():
    global store
    store.stop()
    store = helpers.start("store", "--fo", "/nowhere/fo")
    refused("alice", "agents", "io")
    store.stop()
    world.write("/usr/local/bin/slow-fo", "#!/bin/sh\nexec sleep 60\n", 0o755)
    store = helpers.start("store", "--fo", "/usr/local/bin/slow-fo")
    since = time.monotonic()
    refused("alice", "agents", "io")
    assert 19 < time.monotonic() - since < 25
    store.stop()
    store = helpers.start("store", "--fo", "/usr/bin/fo")


if __name__ == "__main__":
    world.main(prepare)
