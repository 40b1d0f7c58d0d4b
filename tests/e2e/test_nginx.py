#!/usr/bin/python3
"""nginx with auth_pam: a proof in a request's Basic credentials."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

SERVICE = {"name": "nginx", "program": "nginx, auth_pam", "longest": 6000,
           "beyond": None, "phases": ["auth", "account"], "user": "www-data"}
PAGE = services.Page("nginx.md")
MODULE = "/usr/lib/nginx/modules/ngx_http_auth_pam_module.so"
CONFIG = f"""\
load_module {MODULE};
user www-data;
daemon off;
error_log stderr info;
pid /run/nginx.pid;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:80;
        root /tmp/www;
%s    }}
}}
"""


def prepare():
    global bot, server
    bot = world.Agent("web-bot", accounts=["nginx:deployer"])
    services.furnish(SERVICE, PAGE, bot, account="deployer")
    world.write("/tmp/www/deploy", "deployed\n")
    world.write("/tmp/nginx.conf", CONFIG % PAGE.block("location"))
    world.must("nginx", "-t", "-c", "/tmp/nginx.conf")
    server = world.Daemon("nginx", "-c", "/tmp/nginx.conf",
                          ready="start worker process ")


def curl(answer, user="deployer"):
    return world.run("curl", "-sS", "--fail", "--user", f"{user}:{answer}",
                     "http://bastion/deploy", user="build")


def test_the_pages_command_makes_a_request_with_a_proof():
    mark = log.mark()
    done = services.follow(PAGE.block("curl"))
    assert done.code == 0 and done.out.endswith("deployed\n"), (done, server)
    services.permitted(SERVICE, PAGE, bot, mark)


def test_what_is_no_proof_or_an_old_one_or_anothers_is_refused():
    services.refusals(SERVICE, bot, curl, account="deployer")


def test_an_answer_of_any_likely_length_arrives_whole():
    services.carries(SERVICE, curl)


def test_pam_is_asked_for_auth_and_account():
    services.phases(SERVICE, curl)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
