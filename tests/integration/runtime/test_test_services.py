"""The servers that tests get."""

import json
import urllib.request

import psycopg
import redis
from sqlalchemy import text


def test_a_database_is_migrated_and_empty(database_url):
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchone()[0] > 1
        assert connection.execute("SHOW server_version_num").fetchone()[0] >= "180000"


def test_two_tests_do_not_share_a_database(database, servers):
    with database.transaction() as session:
        name = session.execute(text("SELECT current_database()")).scalar_one()
    assert name not in servers.database_url


def test_redis_is_empty(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_redis_is_empty_again(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_the_chain_answers(chain_url):
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    request = urllib.request.Request(
        chain_url, json.dumps(call).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        assert json.load(response)["result"] == hex(31337)
