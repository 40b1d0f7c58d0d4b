#!/usr/bin/python3
"""Every example of fo's help, and so of its manual pages, typed as it stands
in a private copy of this machine: one after the other, in the order of a story.
"""

import json
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import tap  # noqa: E402
import tpm  # noqa: E402
import world  # noqa: E402

HOME = pathlib.Path("/home/build")
KEY = HOME / ".config/firstops/key.pem"
LOG = pathlib.Path("/var/log/firstops.log")
done_with = set()
state = {}

# Programs of others that examples give a proof to.
OTHERS = {
    "ship": "head -n 1 >/tmp/shipped\n",
    "psql": '[ "${#PGPASSWORD}" -gt 300 ] && echo connected\n',
    "sshpass": 'read -r proof <&3; [ "${#proof}" -gt 300 ]\n',
}
CASES = """\
---
version: 1
cases:
  - case: a bot logs in
    principal: build-bot
    channel: login
    service: sshd
    account: deploy
    expect: allow
...
"""


def prepare():
    world.must("fo", "version")
    for group in ("deployers", "reporters", "developers"):
        world.write(world.STORE / f"groups.d/{group}.yaml",
                    world.GROUP.format(name=group, policies="everywhere"))
    config = world.STORE / "firstops.yaml"
    config.write_text(config.read_text().replace(
        "best_effort: []", f'best_effort: ["file:{LOG}"]'))
    for name, text in OTHERS.items():
        world.write(f"/usr/local/bin/{name}", f"#!/bin/bash\n{text}", 0o755)
    world.write(world.STORE / "cases.yaml", CASES)
    world.write("/etc/sudoers.d/build", "build ALL=(ALL) NOPASSWD: ALL\n",
                0o440)
    world.stack("sudo", *(f"{kind} required pam_permit.so"
                          for kind in ("auth", "account", "session")))
    state["sshd"] = world.sshd()


def example(verb):
    """What its help says after "Example:"."""
    text = world.must("fo", "help", *verb.split())
    done_with.add(verb)
    return re.search(r"^Example:\n(.*?)(?:\n\n|\Z)", text, re.M | re.S)[1]


def type_in(verb, user="root", code=0, instead=(), timeout=30, **env):
    """Type it. instead: pairs of what stands there and what is so here: a
    thumbprint, a time."""
    text = example(verb)
    for old, new in instead:
        assert old in text, (verb, old)
        text = text.replace(old, new)
    done = world.run("bash", "-euo", "pipefail", "-c", text, user=user,
                     timeout=timeout, **env)
    assert done.code == code, (verb, done)
    return done


def keys_of(kind, name):
    shown = json.loads(world.must("fo", kind, "show", name, "--json"))
    return [key["thumbprint"] for key in shown[kind]["keys"]]


def have_key(path=KEY, user="build"):
    """What fo agent create wrote, where its agent looks for it."""
    world.must("install", "-D", "-m", "600", "-o", user, "-g", user,
               "/root/build-bot.pem", path)
    world.own_tree(path, HOME, user)


def test_a_store_is_made_and_an_agent_in_it():
    world.must("mv", world.STORE, "/root/store")
    type_in("init")
    world.must("rm", "-r", world.STORE)
    world.must("mv", "/root/store", world.STORE)
    type_in("agent create")
    type_in("agent list")
    type_in("agent show")
    type_in("agent edit")
    type_in("store replay")
    type_in("store check")
    type_in("store index")
    type_in("doctor")


def test_policies_are_tried():
    type_in("policy check")
    type_in("policy test")
    # the second of its two lines is of a command that nothing allows
    type_in("policy explain", code=1)


def test_a_person_makes_a_key_and_is_registered():
    type_in("auth login", user="build", instead=[
        ("--jwk key.jwk", "--jwk ~build/.config/firstops/key.jwk")])
    assert type_in("auth status", user="build").out.count("in force") == 1
    type_in("auth rotate", user="build")
    type_in("auth logout", user="build")
    world.must("fo", "human", "revoke", "alice", "--reason", "tried out")
    world.must("fo", "human", "delete", "alice")


def test_a_person_is_administered():
    world.must("bash", "-c", "fo key generate --out laptop.pem &&"
               " fo key jwk laptop.pem >alice-laptop.jwk")
    type_in("human create")
    type_in("human list")
    type_in("human show")
    type_in("human edit")
    world.must("bash", "-c", "rm laptop.pem; fo key generate --out laptop.pem"
               " && fo key jwk laptop.pem >alice-laptop.jwk")
    type_in("human rotate")
    type_in("human suspend")
    type_in("human resume")
    type_in("human revoke", instead=[
        ("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
         keys_of("human", "alice")[0])])
    world.must("fo", "human", "revoke", "alice", "--reason", "gone")
    type_in("human delete")


def token(command):
    """Type it where there is such a token; its PIN is asked for."""
    folder = HOME / "tokens"
    folder.mkdir()
    conf = world.write(folder / "conf", f"directories.tokendir = {folder}\n")
    world.own_tree(conf, HOME, "build")
    env = {"SOFTHSM2_CONF": conf}
    world.must("softhsm2-util", "--init-token", "--free", "--label",
               "agents", "--pin", "1234", "--so-pin", "4321", user="build",
               **env)
    world.must("pkcs11-tool", "--module", "/usr/lib/softhsm/libsofthsm2.so",
               "--login", "--pin", "1234", "--token-label", "agents",
               "--keypairgen", "--key-type", "EC:prime256v1", "--label",
               "build-bot", "--id", "01", user="build", **env)
    done = world.on_terminal(
        "bash", "-c", command, user="build",
        answers=[("Passphrase for .*build-bot: ", "1234")], **env)
    assert done.code == 0, done
    jwk = json.loads((HOME / "agent.jwk").read_text())
    assert jwk["crv"] == "P-256", jwk


def test_keys_are_made_and_named():
    if tpm.missing():
        tap.skip(f"needs {tpm.missing()}")
    with tpm.Tpm() as device:
        lines = example("key generate").splitlines()
        for make in lines[:2]:
            KEY.unlink(missing_ok=True)
            world.must("bash", "-c", f"{make}\n{lines[2]}", user="build",
                       **device.env)
        KEY.unlink()
    have_key(HOME / "agent.pem")
    first, second = example("key jwk").splitlines()
    world.must("bash", "-c", first, user="build")
    token(second)
    world.must("ssh-keygen", "-q", "-t", "ecdsa", "-b", "256", "-N", "",
               "-f", HOME / ".ssh/id_ecdsa", user="build")
    type_in("key thumbprint", user="build")


def test_proofs_are_signed_and_verified():
    have_key()
    assert type_in("proof sign", user="build").out == "connected\n"
    world.must("bash", "-c", "fo proof sign --htm GET --htu"
               " https://api.example.com/jobs >proof", user="build")
    type_in("proof verify", user="build")
    world.replay_folder_for("postgres")
    time.sleep(1.1)  # the folder of used proofs is younger than its proof
    type_in("verify", user="build")


def test_an_agent_logs_in_and_runs_programs():
    have_key()
    repository = HOME / "repository"
    world.must("bash", "-euc", "git init -q here && cd here && git -c"
               " user.name=a -c user.email=a@b commit -q --allow-empty -m x"
               " && git clone -q --bare . /home/deploy/r.git", user="root")
    world.must("chown", "-R", "deploy:", "/home/deploy/r.git")
    world.must("git", "init", "-q", repository, user="build")
    world.must("git", "-C", repository, "remote", "add", "origin",
               "deploy@bastion:r.git", user="build")
    (repository / "site").mkdir()
    world.own_tree(repository / "site", HOME, "build")
    world.until(lambda: world.fo_ssh("deploy@bastion", "true").code == 0)
    done = world.run("bash", "-euc",
                     f"cd {repository}\n{example('ssh')}", user="build")
    assert done.code == 0 and "up" in done.out, done
    type_in("run", user="build")
    type_in("target", user="build")


def test_who_is_in_and_what_was_done_is_shown():
    world.must("fo", "ssh", "deploy@bastion", "true", user="build")
    type_in("who")
    first, second, third, fourth, follow = example("audit").splitlines()
    since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    for line in (first, third, fourth):
        line = line.replace("2026-11-01", since)
        line = line.replace("--until 2026-12-01", "--until 2100-01-01")
        words = line.split()
        done = world.run(*words)
        assert done.code in (0, 1), done
    assert second.endswith("--journal"), second
    world.run("timeout", "3", "bash", "-c", follow)
    assert pathlib.Path("/tmp/shipped").is_file()


def test_a_trail_is_sealed_and_verified():
    for folder in ("/var/lib/firstops", "/var/log/firstops"):
        pathlib.Path(folder).mkdir(exist_ok=True)
    make, seal = example("audit seal").splitlines()
    jkt = world.must("bash", "-c", make).strip()
    daemon = world.Daemon("bash", "-c", f"exec {seal.strip()}")
    sealed = pathlib.Path("/var/log/firstops/sealed")
    try:
        assert world.until(sealed.exists), daemon
    finally:
        daemon.stop()
    text = example("audit verify")
    for old, new in (("--head /srv/bastion", ""), (
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", jkt)):
        assert old in text
        text = text.replace(old, new)
    world.must("bash", "-c", text)


def test_the_signer_holds_a_key():
    have_key()
    run = pathlib.Path("/run/user/build")
    run.mkdir(mode=0o700)
    world.own_tree(run, run.parent, "build")
    env = {"XDG_RUNTIME_DIR": run}
    start, add = example("signer").splitlines()
    askpass = pathlib.Path(re.search(r"--askpass (\S+)", start)[1])
    if not askpass.exists():
        world.write(askpass, "#!/bin/sh\n", 0o755)
    daemon = world.Daemon("bash", "-c",
                          f"exec {start.strip().removesuffix('&')}",
                          user="build", **env)
    try:
        assert world.until((run / "firstops/signer.sock").exists), daemon
        world.must("bash", "-c", add, user="build", **env)
        type_in("signer add", user="build", **env)
        assert len(type_in("signer list", user="build",
                           **env).out.splitlines()) == 2
        for verb in ("signer lock", "signer unlock"):
            done = world.on_terminal(
                "bash", "-c", example(verb), user="build",
                answers=[("Passphrase for .*: ", "open sesame")] * 2, **env)
            assert done.code == 0, done
        type_in("signer remove", user="build", **env)
    finally:
        daemon.stop()


def test_a_coding_agent_is_set_up_and_its_hook_asked():
    have_key()
    type_in("setup claude", user="build")
    type_in("setup cursor", user="build")
    assert '"deny"' in type_in("hook claude", user="build").out
    type_in("hook cursor", user="build")
    done = world.run("bash", "-c", example("check"), user="build")
    assert done.code == 1 and "deny" in done.out, done


def test_an_agent_is_rotated_suspended_and_ended():
    world.must("rm", "build-bot.pem")
    type_in("agent rotate")
    type_in("agent suspend")
    type_in("agent resume")
    type_in("agent revoke")
    type_in("agent delete")


def test_fo_tells_about_itself():
    (HOME / ".local/share/bash-completion/completions").mkdir(parents=True)
    world.own_tree(HOME / ".local/share/bash-completion/completions", HOME,
                   "build")
    type_in("completion", user="build")
    type_in("manual", user="build", MANPAGER="cat")
    type_in("version")
    type_in("help")


def test_no_verb_was_left_out():
    listed = re.findall(r"^  (\S+(?: \S+)?)  +\S", world.must("fo", "help"),
                        re.M)
    assert len(listed) > 40 and set(listed) == done_with, \
        set(listed) ^ done_with


if __name__ == "__main__":
    world.main(prepare)
