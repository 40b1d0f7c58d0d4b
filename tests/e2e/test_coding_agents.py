#!/usr/bin/python3
"""Coding agents: what etc/services/coding-agents.md tells people to type,
typed by a person who has nothing yet, and the hook called as Claude Code would
call it.
"""

import json
import os
import pathlib
import pwd
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

PAGE = services.Page("coding-agents.md")
HOME = pathlib.Path("/home/alice")
SETTINGS = HOME / ".claude/settings.json"
KEY = HOME / ".config/firstops/key.pem"
RUNTIME = pathlib.Path("/run/user/alice")
AUTH_LOG = pathlib.Path("/var/log/auth.log")
alice = {}


def prepare():
    """A host on which people may log in to their own accounts, as fo init
    makes it, and nobody is registered."""
    world.write(world.STORE / "groups.d/default.yaml",
                world.GROUP.format(name="default", policies="everywhere"))
    RUNTIME.mkdir()
    RUNTIME.chmod(0o700)
    person = pwd.getpwnam("alice")
    os.chown(RUNTIME, person.pw_uid, person.pw_gid)
    (HOME / "project").mkdir()
    os.chown(HOME / "project", person.pw_uid, person.pw_gid)


def type_in(block, user="alice", **more):
    done = services.follow(block, user, XDG_RUNTIME_DIR=RUNTIME, **more)
    assert done.code == 0, done
    return done


def as_claude(tool, tool_input, settings=SETTINGS, user="alice", more=(),
              **env):
    """Whatever hooks the settings have for this tool, run as Claude Code runs
    them: what it does then, how the hook ended."""
    entries = json.loads(pathlib.Path(settings).read_text())["hooks"][
        "PreToolUse"]
    hook, = [hook for entry in entries
             if entry["matcher"] in ("*", tool) for hook in entry["hooks"]]
    payload = json.dumps({
        "session_id": "s", "transcript_path": "/t", "cwd": str(HOME),
        "permission_mode": "default", "hook_event_name": "PreToolUse",
        "tool_name": tool, "tool_input": tool_input, "tool_use_id": "u"})
    done = world.run(hook["command"], *hook["args"], *more, user=user,
                     input=payload, timeout=hook["timeout"],
                     **{"XDG_RUNTIME_DIR": RUNTIME, **env})
    if done.code == 2:
        return "deny", done
    assert done.code == 0, done
    said = json.loads(done.out)["hookSpecificOutput"]
    return said.get("permissionDecision", "allow"), done


def is_alices(event):
    """Does an event name her, as a whole?"""
    assert (event["id"], event["kind"], event["name"], event["owner"],
            event["jkt"]) == (alice["id"], "human", "alice", "team-web",
                              alice["jkt"]), event


def shape(text):
    """What differs from one event or answer to another, taken out."""
    for pattern, word in (
            (r'"t":"[^"]+"', '"t":T'), (r'"pid":\d+', '"pid":N'),
            (r'"auid":\d+', '"auid":N'), (r'"ses":\d+', '"ses":N'),
            (r"fo_user_[0-9a-f-]{36}", "ID"),
            (r'"(jkt|sid)":"[\w-]+"', r'"\1":X'),
            (r"\(ref [\w-]{8}\)", "(ref R)"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "T")):
        text = re.sub(pattern, word, text)
    return text


# ---- the page, from its beginning -------------------------------------------

def test_a_key_is_made_and_the_hook_is_put_in_by_two_commands():
    login, setup = PAGE.block("fo auth login").splitlines()
    done = type_in(login)
    alice["jkt"] = done.out.strip()
    assert f"the key is in {KEY}" in done.err, done
    assert KEY.stat().st_mode & 0o7777 == 0o600
    done = type_in(setup)
    assert f"{SETTINGS}: the hook is in\n" == done.out, done
    assert SETTINGS.stat().st_uid == pwd.getpwnam("alice").pw_uid
    type_in("fo setup claude --check\n")
    done = type_in(PAGE.block("fo setup cursor\n"))
    assert done.out == f"{HOME}/.cursor/hooks.json: the hook is in\n", done


def test_until_the_key_is_registered_everything_is_refused():
    mark = log.mark()
    said, done = as_claude("Bash", {"command": "ls"})
    assert said == "deny" and "unknown_key" in done.out, done
    event = log.one(mark, ev="action")
    assert (event["why"], event["jkt"], event["name"], event["user"]) == \
        ("unknown_key", alice["jkt"], "-", "alice"), event


def test_an_administrator_takes_the_policy_and_registers_the_key():
    services.must_follow(PAGE.block("cp EXAMPLES/firstops"))
    done = services.must_follow(PAGE.block("fo human create alice"))
    alice["id"] = done.out.strip()
    done = type_in("fo auth status\n")
    assert "principal   human alice of team-web\n" in done.out, done
    assert done.out.endswith("state       in force\n"), done


def test_the_sample_is_refused_and_told_as_the_page_shows_it():
    sample = PAGE.block('{"hook_event_name"')
    assert json.loads(sample)
    world.write(HOME / "sample.json", sample)
    mark = log.mark()
    done = type_in(PAGE.block("fo hook claude <"))
    assert shape(done.out) == shape(PAGE.block('{"hookSpecificOutput"'))
    event = log.one(mark, ev="action")
    is_alices(event)
    line, = [line for line in log.lines[mark:] if line.event]
    assert shape(line.event_text + "\n") == shape(PAGE.block("@cee:"))
    # the kernel says who wrote it
    assert line.uid == pwd.getpwnam("alice").pw_uid, line
    world.check_event(PAGE.block("@cee:").rstrip())


def test_the_hook_in_the_settings_blocks_in_her_name():
    for tool, tool_input, want, rule in (
            ("Bash", {"command": "cd /; sudo rm -r -f /"}, "deny",
             "never-wipe"),
            ("Write", {"file_path": ".ssh/authorized_keys", "content": "x"},
             "deny", "never-keys"),
            ("Write", {"file_path": "~/.ssh/authorized_keys",
                       "content": "x"}, "deny", "never-keys"),
            ("Edit", {"file_path": str(SETTINGS)}, "deny",
             "never-its-own-rules"),
            ("Read", {"file_path": "project/.env"}, "ask", "ask-for-secrets"),
            ("Bash", {"command": "git push"}, "ask",
             "ask-before-others-notice"),
            ("Bash", {"command": "make"}, "allow", "run-commands"),
            ("mcp__github__get_issue", {}, "allow", "look-at-issues"),
            ("mcp__github__delete_repository", {}, "deny", None),
            ("Unheard", {}, "deny", None)):
        mark = log.mark()
        said, done = as_claude(tool, tool_input)
        assert said == want, (tool, tool_input, done)
        event = log.one(mark, ev="action")
        is_alices(event)
        assert event["pol"] == (f"coding-agents/{rule}" if rule else "-")
        assert (event["user"], event["svc"]) == ("alice", "claude"), event
        if tool.startswith("mcp__"):
            assert event["what"] == tool, event


def test_cursors_hook_blocks_in_her_name_too():
    hooks = json.loads((HOME / ".cursor/hooks.json").read_text())["hooks"]
    payload = json.dumps({"hook_event_name": "beforeShellExecution",
                          "command": "rm -rf /", "cwd": str(HOME)})
    mark = log.mark()
    done = world.run("/bin/sh", "-c",
                     hooks["beforeShellExecution"][0]["command"],
                     user="alice", input=payload, XDG_RUNTIME_DIR=RUNTIME)
    assert json.loads(done.out)["permission"] == "deny", done
    event = log.one(mark, ev="action", svc="cursor")
    is_alices(event)


def test_a_program_asks_by_fo_check():
    done = world.run("bash", "-c", PAGE.block("fo check"), user="alice")
    assert (done.code, done.out) == (1, "ask\n"), done
    assert "prints `ask`" in PAGE.text


def test_fo_audit_shows_it_as_the_page_does():
    """Out of auth.log, where a syslog daemon writes all of it."""
    mark = log.mark()
    as_claude("Bash", {"command": "rm -rf /"})
    as_claude("Read", {"file_path": str(HOME / "project/.env")})
    log.settle()
    with log.news:
        lines = [line.text for line in log.lines[mark:] if line.event]
    world.write(AUTH_LOG, "".join(
        f"Nov 27 06:40:18 bastion {re.sub('^<[0-9]+>', '', line)}\n"
        for line in lines))
    done = services.must_follow(PAGE.block("fo audit"), "root")
    assert shape(done.out).split() == shape(PAGE.block("TIME ")).split(), done


# ---- the signer, and logins -------------------------------------------------

def test_a_login_by_the_signer_is_hers_and_so_is_the_hook():
    start, add = PAGE.block("fo signer &").splitlines()
    assert start == "fo signer &"
    with world.Daemon("fo", "signer", user="alice", XDG_RUNTIME_DIR=RUNTIME):
        assert world.until(lambda: world.run(
            "fo", "signer", "list", user="alice",
            XDG_RUNTIME_DIR=RUNTIME).code == 0)
        type_in(add)
        KEY.rename(KEY.with_suffix(".elsewhere"))
        try:
            by_the_signer()
        finally:
            KEY.with_suffix(".elsewhere").rename(KEY)


def by_the_signer():
    done = type_in("fo auth status\n")
    assert "key         signer:" in done.out, done
    mark = log.mark()
    said, done = as_claude("Bash", {"command": "rm -rf /"})
    assert said == "deny", done
    is_alices(log.one(mark, ev="action", why="policy"))

    assert "sshd: {nonce: always, ask: all}" in PAGE.block("services:")
    world.configure(sshd="{nonce: always, ask: all}")
    with world.sshd() as server:
        mark = log.mark()
        done = log_in()
        assert done.code == 0, (done, server, log.tail(mark))
    for ev in ("auth", "session_open"):
        event = log.wait(mark, ev=ev, res="permit", user="alice", svc="sshd")
        is_alices(event)
    world.configure()


def log_in():
    """A folder of used proofs that has just been made refuses what may be
    older than itself."""
    def attempt():
        return services.follow(PAGE.block("fo ssh alice"), "alice",
                               XDG_RUNTIME_DIR=RUNTIME)
    done = attempt()
    assert world.until(lambda: attempt().code == 0, 20) or done.code == 0, done
    return attempt()


def test_who_is_suspended_is_refused_by_hook_and_login_though_she_signs():
    world.must("fo", "human", "suspend", "alice")
    try:
        mark = log.mark()
        for more in ((), ("--fail-open",)):
            said, done = as_claude("Bash", {"command": "ls"}, more=more)
            assert said == "deny" and "suspended" in done.out, done
        for event in log.events(mark, ev="action"):
            is_alices(event)
            assert event["why"] == "suspended", event
        world.configure(sshd="{nonce: always, ask: all}")
        with world.sshd():
            mark = log.mark()
            done = services.follow(PAGE.block("fo ssh alice"), "alice",
                                   XDG_RUNTIME_DIR=RUNTIME)
            assert done.code == 255, done
            event = log.wait(mark, ev="auth", why="suspended")
            is_alices(event)
    finally:
        world.configure()
        world.must("fo", "human", "resume", "alice")


# ---- for everybody, and for nobody in particular ----------------------------

def test_everybodys_settings_are_roots_and_the_hook_in_them_runs():
    mine = pathlib.Path("/etc/claude-code/managed-settings.d/firstops.json")
    services.must_follow(PAGE.block("fo setup claude --system"))
    assert (mine.stat().st_uid, mine.stat().st_mode & 0o7777) == (0, 0o644)
    mark = log.mark()
    said, done = as_claude("Bash", {"command": "rm -rf /"}, mine)
    assert said == "deny", done
    is_alices(log.one(mark, ev="action"))
    done = world.run("fo", "setup", "claude", "--system", "--remove",
                     user="alice")
    assert done.code == 3, done
    for agent in ("claude", "cursor"):
        world.must("fo", "setup", agent, "--system", "--remove")
    assert not pathlib.Path("/etc/claude-code").exists()
    assert not pathlib.Path("/etc/cursor").exists()


def test_an_agent_without_a_person_is_told_by_its_own_name():
    made = services.must_follow(PAGE.block("fo agent create build-bot"))
    agent = made.out.split()[0]
    world.must("chown", "build:", "/home/build/build-bot.pem")
    export = PAGE.block("export FO_PRIVATE_KEY_PATH")
    shown, = re.findall(r"fo_agent_[0-9a-f-]{36}", export)
    for said, want in ((agent, "policy"), (shown, "unknown_key")):
        mark = log.mark()
        done = services.follow(
            export.replace(shown, said) +
            "echo '{\"tool_name\":\"Bash\",\"tool_input\":"
            "{\"command\":\"rm -rf /\"}}' | fo hook claude\n", "build")
        assert '"permissionDecision":"deny"' in done.out, done
        event = log.one(mark, ev="action")
        assert (event["id"], event["kind"], event["name"], event["why"],
                event["user"]) == (agent, "agent", "build-bot", want,
                                   "build"), event


# ---- without a store --------------------------------------------------------

def test_without_a_store_nothing_goes_on_but_with_fail_open_and_an_event():
    config = world.STORE / "firstops.yaml"
    text = config.read_text()
    for change in (config.unlink, lambda: world.write(config, "no: [")):
        change()
        try:
            mark = log.mark()
            said, done = as_claude("Bash", {"command": "make"})
            assert said == "deny" and done.code == 2, done
            event = log.one(mark, ev="action")
            assert (event["why"], event["pol"], event["jkt"],
                    event["name"]) == ("config", "-", alice["jkt"], "-")

            mark = log.mark()
            said, done = as_claude("Bash", {"command": "make"},
                                   more=("--fail-open",))
            assert said == "allow", done
            event = log.one(mark, ev="action")
            assert (event["why"], event["pol"], event["jkt"],
                    event["what"]) == ("config", "--fail-open", alice["jkt"],
                                       "make"), event
            assert "goes on undecided with command make" in event["msg"]

            log.stop()
            said, done = as_claude("Bash", {"command": "make"},
                                   more=("--fail-open",))
            assert said == "deny" and done.code == 2, done
        finally:
            log.start()
            world.write(config, text)


def test_a_key_of_nobodys_does_not_go_on_without_a_store():
    """Nor does who has none: what goes on is signed for."""
    config = world.STORE / "firstops.yaml"
    text = config.read_text()
    config.unlink()
    try:
        said, done = as_claude("Bash", {"command": "make"}, user="rescue",
                               more=("--fail-open",), XDG_RUNTIME_DIR="/none")
        assert said == "deny" and done.code == 2, done
    finally:
        world.write(config, text)


# ---- out again --------------------------------------------------------------

def test_it_goes_without_a_trace():
    for agent in ("claude", "cursor"):
        type_in(f"fo setup {agent} --remove\n")
    assert not SETTINGS.parent.exists()
    assert not (HOME / ".cursor").exists()
    type_in("fo auth logout\n")
    assert not KEY.exists()


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
