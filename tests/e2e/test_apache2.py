#!/usr/bin/python3
"""Apache with mod_authnz_pam: a proof in a request's Basic credentials."""

import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

# A line of 8190 bytes is "Authorization: Basic " and base64 of at most 6126
# bytes: "deployer:" and the answer.
SERVICE = {"name": "apache2", "program": "Apache, mod_authnz_pam",
           "longest": 6117, "beyond": "refused",
           "phases": ["auth", "account"], "user": "www-data"}
PAGE = services.Page("apache2.md")
CONF = pathlib.Path("/etc/apache2/conf-available")
WORLD = """\
ServerName bastion
ErrorLog /dev/stderr
Alias /deploy/tree /tmp/www/tree
Alias /deploy /tmp/www/deploy
<Directory /tmp/www>
    Require all granted
</Directory>
"""


def prepare():
    global bot, server
    bot = world.Agent("web-bot", accounts=["apache2:deployer"])
    services.furnish(SERVICE, PAGE, bot, account="deployer")
    world.write("/tmp/www/deploy", "deployed\n")
    world.write("/tmp/www/tree/index.html", "an index\n")
    world.write(CONF / "firstops.conf", PAGE.block("<Location"))
    world.write(CONF / "world.conf", WORLD)
    pathlib.Path("/var/log/apache2").mkdir(exist_ok=True)
    world.must("a2enconf", "-q", "world")
    services.must_follow(PAGE.block("a2enconf"))
    server = world.Daemon("apache2ctl", "-D", "FOREGROUND",
                          ready="resuming normal operations")


def curl(answer, path="deploy", *options):
    return world.run("curl", "-sS", "--fail", "--user", f"deployer:{answer}",
                     *options, f"http://bastion/{path}", user="build")


def sign():
    return bot.sign("pam://bastion/apache2/deployer")


def test_the_pages_command_makes_a_request_with_a_proof():
    mark = log.mark()
    done = services.follow(PAGE.block("curl"))
    assert done.code == 0 and done.out.endswith("deployed\n"), (done, server)
    services.permitted(SERVICE, PAGE, bot, mark)


def test_what_is_no_proof_or_an_old_one_or_anothers_is_refused():
    services.refusals(SERVICE, bot, curl, account="deployer")


def test_a_request_that_goes_on_to_an_index_calls_pam_once():
    mark = log.mark()
    done = curl(sign(), "deploy/tree/")
    assert done.code == 0 and done.out == "an index\n", done
    assert log.one(mark, ev="auth")["res"] == "permit", log.tail(mark)


def test_a_client_that_is_sent_on_would_need_another_proof():
    mark = log.mark()
    done = curl(sign(), "deploy/tree", "--location")
    assert done.code == 22 and "401" in done.err, done
    found = [event["why"] for event in log.events(mark, ev="auth")]
    assert found == ["ok", "replay"], found


def test_requests_at_once_each_get_an_answer_of_their_own():
    mark = log.mark()
    proofs = [sign() for _ in range(8)]
    answers = [proof for pair in zip(proofs, ["open sesame"] * 8)
               for proof in pair]
    with concurrent.futures.ThreadPoolExecutor(len(answers)) as pool:
        codes = [done.code for done in pool.map(curl, answers)]
    assert codes == [0, 22] * len(proofs), codes
    log.settle()
    permits = log.events(mark, ev="auth", res="permit")
    assert len({event["proof"] for event in permits}) == len(proofs), permits


def test_an_answer_of_any_likely_length_arrives_whole():
    services.carries(SERVICE, curl)


def test_pam_is_asked_for_auth_and_account():
    services.phases(SERVICE, curl)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
