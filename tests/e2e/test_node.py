#!/usr/bin/python3
"""An agent in Node: it logs in to a real PostgreSQL with pg, a fresh proof for
each connection of a pool, and to a real sshd by OpenSSH's client."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import tap  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

MODULES = pathlib.Path("/usr/local/lib/firstops-tests/node-modules")


def prepare():
    global bot, package
    bot = world.Agent("etl-bot", accounts=["postgresql:etl", "sshd:deploy"])
    world.replay_folder_for("postgres")
    world.settle(bot, user="postgres", service="postgresql", account="etl")
    world.postgres()
    package = world.node_package()


def agent(code):
    """Run this as the agent's own program does."""
    if package is None or not shutil.which("node") or not MODULES.is_dir():
        tap.skip("needs node, and pg from npm")
    return world.run("node", "--input-type=module", "-e", f"""
import {{ createRequire }} from 'node:module';
import {{ Identity, pgPassword }} from '{package}/index.js';
const pg = createRequire('{MODULES}/')('pg');
const me = await Identity.load();
{code}""", user="build")


def permits(mark):
    events = log.events(mark, ev="auth", res="permit", svc="postgresql")
    assert all(bot.is_in(event) for event in events), events
    return len(events)


def test_a_pool_of_pg_signs_for_each_connection():
    mark = log.mark()
    done = agent("""
const pool = new pg.Pool({ host: '127.0.0.1', user: 'etl', max: 3,
  database: 'postgres', password: pgPassword(me, 'bastion', 'etl') });
const clients = await Promise.all([1, 2, 3].map(() => pool.connect()));
for (const client of clients) {
  const { rows } = await client.query('select current_user as who');
  console.log(rows[0].who);
  client.release();
}
await pool.end();
""")
    assert (done.code, done.out) == (0, "etl\n" * 3), done
    assert permits(mark) == 3, log.tail(mark)


def test_a_proof_for_another_host_does_not_connect():
    mark = log.mark()
    done = agent("""
const client = new pg.Client({ host: '127.0.0.1', user: 'etl',
  database: 'postgres', password: pgPassword(me, '127.0.0.1', 'etl') });
try {
  await client.connect();
} catch (error) {
  console.log(error.code);
}
""")
    assert (done.code, done.out) == (0, "28000\n"), done
    assert log.one(mark, ev="auth")["why"] == "wrong_htu", log.tail(mark)


if __name__ == "__main__":
    world.main(prepare)
