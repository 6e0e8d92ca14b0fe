"""Specification: what people are told of a server that may lose something."""

from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.redis.server import until

import pytest


def concerns(outbox) -> list[str]:
    return [each.code for each in outbox.concerns()]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"appendonly": "no"}, ["redis_no_log"]),
        ({"appendfsync": "everysec"}, ["redis_everysec"]),
        ({"appendfsync": "no"}, ["redis_no_fsync"]),
        ({"maxmemory": "1gb", "maxmemory-policy": "allkeys-lru"}, ["redis_evicts"]),
        # Nothing of ours expires.
        ({"maxmemory": "1gb", "maxmemory-policy": "volatile-lru"}, []),
        ({"maxmemory": "1gb", "maxmemory-policy": "noeviction"}, []),
        ({"maxmemory-policy": "allkeys-lru"}, []),
    ],
)
def test_what_the_server_may_lose_is_said(server, user, settings, expected):
    with server.client() as client:
        for name, value in settings.items():
            client.config_set(name, value)
    outbox = user(server.url)
    outbox.release("", entries("/a"))
    assert concerns(outbox) == expected
    assert all(server.url in str(each) for each in outbox.concerns())


def test_a_cache_in_the_same_database_is_said(server, user):
    url = server.url.replace("/0", "/3")
    assert concerns(user(url)) == []
    with server.client(db=3) as client:
        client.set("a page", "…", ex=600)
        client.set("another", "…", ex=600)
    assert concerns(user(url)) == ["redis_cache"]
    assert concerns(user(server.url)) == []


def test_a_service_that_does_not_show_its_configuration_is_no_trouble(server, user):
    with server.client() as client:
        client.acl_setuser(
            "plone", enabled=True, nopass=True, keys="*", channels="*",
            categories=["+@all"], commands=["-config"],
        )  # fmt: skip
    outbox = user(server.url.replace("://", "://plone:any@"))
    outbox.release("", entries("/a"))
    assert concerns(outbox) == ["redis_log_unknown"]


def test_replicas_that_nobody_waits_for_are_said(server, start, user):
    with start().client() as client:
        client.replicaof("127.0.0.1", server.port)
        until(lambda: client.info("replication")["master_link_status"] == "up")
        until(lambda: server.client().info()["connected_slaves"])
        assert concerns(user(server.url)) == ["redis_replication"]
        assert concerns(user(f"{server.url}?replicas=1")) == []
        server.client().config_set("min-replicas-to-write", "1")
        assert concerns(user(server.url)) == []


def test_a_server_that_is_down_says_nothing(server, user):
    outbox = user(server.url)
    server.kill()
    assert outbox.concerns() == []
