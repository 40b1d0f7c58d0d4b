"""Services that carry a proof to PAM: what each test of one shows about it,
and the README's table of them.

A test of a service says in one literal what holds for it (a test of more of
them, in a list SERVICES),

    SERVICE = {"name": "nginx", "program": "nginx 1.22, auth_pam",
               "longest": 6000, "beyond": None,
               "phases": ["auth", "account"], "user": "www-data"}

    name     its PAM service
    longest  how many bytes of an answer arrive whole
    beyond   what becomes of a longer one: "cut" or "refused"; None where
             no end was looked for
    phases   what PAM is asked for
    user     whom its PAM stack runs as
    page     its file in etc/services, where that is not NAME.md

and shows it with carries() and phases(). The table is made of these:

    tests/support/services.py             print it
    tests/support/services.py --write     put it into README.md
    tests/support/services.py --check     is it there as it should be?
"""

import ast
import contextlib
import pathlib
import re
import sys

import world
from world import log

E2E = world.SOURCE / "tests" / "e2e"
README = world.SOURCE / "README.md"
SHORTEST_PROOF = 393
PHASES = ["auth", "setcred", "account", "session"]
ORDER = ["sshd", "sudo", "su", "login", "cockpit", "postgresql", "pgbouncer",
         "mariadb", "nginx", "apache2", "dovecot", "proftpd", "squid",
         "vsftpd", "smtp"]


# ---- what holds for a service -----------------------------------------------

class Witness:
    """What a service asked PAM for."""

    def __init__(self, path):
        self.path = path

    def lines(self):
        return self.path.read_text().splitlines()

    def lengths(self):
        return [int(line.split()[1]) for line in self.lines()
                if line.startswith("auth ")]

    def phases(self):
        words = {line.split()[0] for line in self.lines()}
        return [phase for phase in PHASES if phase in words]


@contextlib.contextmanager
def witness(name, above=()):
    """The service's stack is one that takes every answer and notes it, with
    these lines above."""
    module = world.compile("pam_witness.so", "-shared")
    notes = world.write(f"/tmp/witness-{name}", "", 0o666)
    path = pathlib.Path("/etc/pam.d") / name
    before = path.read_text()
    world.stack(name, *above, *(f"{kind} required {module} {notes}"
                        for kind in ("auth", "account", "session")))
    try:
        yield Witness(notes)
    finally:
        path.write_text(before)
        notes.unlink()


def carries(service, login, above=()):
    """login(answer) brings as many bytes as the table says, and no more."""
    longest = service["longest"]
    with witness(service["name"], above) as seen:
        done = login("x" * longest)
        assert longest in seen.lengths(), (done, seen.lines())
    if service["beyond"] is None:
        return
    with witness(service["name"], above) as seen:
        done = login("x" * (longest + 1))
        cut = any(seen.lengths())
        assert longest + 1 not in seen.lengths(), (done, seen.lines())
        assert cut == (service["beyond"] == "cut"), (done, seen.lines())


def phases(service, login, above=()):
    """login(answer), which is let in, asks PAM for what the table says."""
    with witness(service["name"], above) as seen:
        done = login("a word")
        want = [p for p in PHASES if p in service["phases"]]
        assert world.until(lambda: seen.phases() == want), \
            (done, want, seen.lines())


# ---- a host in trouble ------------------------------------------------------

@contextlib.contextmanager
def unreadable_configuration(**entry):
    """firstops.yaml is garbage, and has this entry again afterwards."""
    world.write(world.STORE / "firstops.yaml", "{{{ not: [yaml\n")
    try:
        yield
    finally:
        world.configure(**entry)


@contextlib.contextmanager
def missing_module():
    path, = pathlib.Path("/usr/lib").glob("**/security/pam_firstops.so")
    world.must("mv", path, "/root/module")
    try:
        yield
    finally:
        world.must("mv", "/root/module", path)


# ---- what the page says -----------------------------------------------------

class Page:
    """A page of etc/services: its indented blocks are what people copy."""

    def __init__(self, name):
        self.path = world.SOURCE / "etc" / "services" / name
        self.text = self.path.read_text()

    def block(self, first):
        """The block that begins with that text, as people would type it."""
        found = [block for block in self.blocks() if block.startswith(first)]
        assert len(found) == 1, (self.path.name, first, self.blocks())
        return found[0]

    def blocks(self):
        """Indented text after an empty line, without its indentation."""
        found = []
        for match in re.finditer(r"(?:(?<=\n\n)|\A)((?: {4,}.*\n|\n(?= {4}))+)",
                                 self.text):
            lines = match[1].rstrip("\n").split("\n")
            indent = min(len(line) - len(line.lstrip())
                         for line in lines if line)
            found.append("".join(line[indent:] + "\n" for line in lines))
        return found


# ---- what a test of a service does ------------------------------------------

EXAMPLES = "/usr/share/doc/firstops/examples"


def follow(block, user="build", **env):
    """Type a page's block. The key is where clients look for it."""
    return world.run("bash", "-euo", "pipefail", "-c",
                     block.replace("EXAMPLES", EXAMPLES), user=user, **env)


def must_follow(block, user="root"):
    done = follow(block, user)
    assert done.code == 0, done
    return done


def furnish(service, page, agent, account):
    """Enable the service as its page says, up to the service's own
    configuration."""
    name = service["name"]
    for block in page.blocks():
        entry = re.match(rf"services:\n  {name}: (.*)\n", block)
        if entry:
            world.configure(**{name: entry[1]})
    if service["user"] != "root":
        must_follow(page.block("fo store replay").splitlines()[0])
    world.stack(name, "# until the page's own is there")
    for block in page.blocks():
        if f"cp EXAMPLES/pam.d/{name} " in block:
            must_follow(block)
    world.settle(agent, service["user"], name, account)


def permitted(service, page, agent, mark):
    """One event says so, in the words that the page shows. Returns it."""
    event = log.one(mark, ev="auth")
    assert event["res"] == "permit" and agent.is_in(event), event
    assert event["svc"] == service["name"], event
    assert event["msg"] + "\n" == page.block("agent "), event
    return event


def refusals(service, agent, login, account, challenge=False):
    """login(answer) refuses what was used, what is for another account, and
    what is no proof. With a challenge the answer can be a function of it."""
    target = f"pam://bastion/{service['name']}/"
    used = []

    def first(match=None):
        used.append(agent.sign(target + account, match and match["nonce"]))
        return used[0]

    def other(match=None):
        return agent.sign(target + "another", match and match["nonce"])

    assert login(first if challenge else first()).code == 0
    for answer, why in ((used[0], "wrong_nonce" if challenge else "replay"),
                        (other if challenge else other(), "wrong_htu")):
        mark = log.mark()
        done = login(answer)
        assert done.code != 0, done
        event = log.wait(mark, ev="auth")
        assert (event["res"], event["why"]) == ("deny", why), event
    done = login("open sesame")
    assert done.code != 0, done


# ---- the table --------------------------------------------------------------

def declared():
    """Each test's literals, with the test's name."""
    found = {}
    for path in sorted(E2E.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            name = getattr(node.targets[0], "id", "") \
                if isinstance(node, ast.Assign) else ""
            if name in ("SERVICE", "SERVICES"):
                value = ast.literal_eval(node.value)
                for service in [value] if name == "SERVICE" else value:
                    found[service["name"]] = dict(service, test=path.name)
    return found


def carried(service):
    """Its column in words."""
    longest = service["longest"]
    if service["beyond"] is None:
        return f"{longest} and more"
    return f"{longest}, longer is {service['beyond']}"


def row(service):
    works = "yes" if service["longest"] > SHORTEST_PROOF else "**no**"
    asked = ", ".join(p for p in PHASES if p in service["phases"])
    page = service.get("page", service["name"] + ".md")
    return (f"| [{service['program']}](etc/services/{page}) | {works}"
            f" | {carried(service)} | {service['user']} | {asked}"
            f" | `e2e/{service['test']}` |\n")


def table():
    services = declared()
    names = [n for n in ORDER if n in services]
    names += sorted(set(services) - set(ORDER))
    return ("| service | works | bytes of an answer | PAM runs as | phases"
            " | test |\n"
            "| --- | --- | --- | --- | --- | --- |\n" +
            "".join(row(services[name]) for name in names))


BEGIN, END = "<!-- from the tests -->\n", "<!-- end -->\n"


def main():
    text = README.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    made = before + BEGIN + table() + END + after
    if "--write" in sys.argv:
        README.write_text(made)
    elif "--check" in sys.argv:
        sys.exit(None if made == text else
                 "README.md: the table of services is not what the tests say:"
                 " tests/support/services.py --write")
    else:
        print(table(), end="")


if __name__ == "__main__":
    main()
