#!/usr/bin/python3
"""squid with basic_pam_auth: a proof in a request's proxy credentials."""

import http.server
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

# squid's buffer has 8192 bytes: "fetcher", a space, the answer, a newline and
# a NUL.
SERVICE = {"name": "squid", "program": "squid, basic_pam_auth",
           "longest": 8182, "beyond": "refused",
           "phases": ["auth", "account"], "user": "proxy"}
PAGE = services.Page("squid.md")
SITE = "http://www.example.com/"


class Site(http.server.BaseHTTPRequestHandler):
    """What the proxy is asked for."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"fetched\n")

    def log_message(self, *what):
        pass


def prepare():
    global bot, server
    bot = world.Agent("web-bot", accounts=["squid:fetcher"])
    services.furnish(SERVICE, PAGE, bot, account="fetcher")
    hosts = pathlib.Path("/etc/hosts")
    hosts.write_text(hosts.read_text() + "127.0.0.1 www.example.com\n")
    for port in (80, 443):
        site = http.server.ThreadingHTTPServer(("127.0.0.1", port), Site)
        threading.Thread(target=site.serve_forever, daemon=True).start()
    world.write("/etc/squid/conf.d/firstops.conf", PAGE.block("auth_param"))
    world.write("/etc/squid/conf.d/world.conf", "pinger_enable off\n")
    pathlib.Path("/var/log/squid").mkdir()
    world.must("chown", "proxy:", "/var/log/squid")
    world.must("squid", "-k", "parse")
    server = world.Daemon("squid", "-N", "-d1", ready="Accepting HTTP Socket")


def curl(answer, *options, name="fetcher"):
    return world.run("curl", "-sS", "--fail", "--proxy", "http://bastion:3128",
                     "--proxy-user", f"{name}:{answer}", *(options or [SITE]),
                     user="build", timeout=60)


def after_another_word(answer):
    """squid keeps one password of a user's: the last one, for a second."""
    assert curl("another word").code != 0
    return curl(answer)


def sign():
    return bot.sign("pam://bastion/squid/fetcher")


def test_the_pages_command_makes_a_request_with_a_proof():
    mark = log.mark()
    done = services.follow(PAGE.block("curl"))
    assert done.code == 0 and done.out.endswith("fetched\n"), (done, server)
    services.permitted(SERVICE, PAGE, bot, mark)


def test_who_has_no_credentials_is_refused_on_this_host_too():
    done = world.run("curl", "-sS", "--fail", "--proxy",
                     "http://bastion:3128", SITE, user="build")
    assert done.code == 22 and " 407" in done.err, done


def test_what_is_no_proof_or_an_old_one_or_anothers_is_refused():
    services.refusals(SERVICE, bot, after_another_word, account="fetcher")


def test_a_proof_is_good_for_the_second_that_squid_keeps_its_answer():
    proof = sign()
    mark = log.mark()
    assert curl(proof).code == 0
    assert world.until(lambda: curl(proof).code != 0), log.tail(mark)
    log.settle()
    found = [(e["res"], e["why"]) for e in log.events(mark, ev="auth")]
    assert found == [("permit", "ok"), ("deny", "replay")], found


def test_a_tunnel_takes_one_proof_for_all_that_goes_through_it():
    mark = log.mark()
    site = "http://www.example.com:443/"
    done = curl(sign(), "--proxytunnel", "--verbose", site, site)
    assert done.code == 0 and done.out == "fetched\nfetched\n", done
    assert done.err.count("> CONNECT ") == 1, done
    assert log.one(mark, ev="auth")["res"] == "permit", log.tail(mark)


def test_a_name_arrives_in_lower_case():
    mark = log.mark()
    done = curl(sign(), name="Fetcher")
    assert done.code == 0, done
    assert log.one(mark, ev="auth")["user"] == "fetcher", log.tail(mark)


def test_an_answer_of_any_likely_length_arrives_whole():
    services.carries(SERVICE, curl)


def test_pam_is_asked_for_auth_and_account():
    services.phases(SERVICE, curl)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
