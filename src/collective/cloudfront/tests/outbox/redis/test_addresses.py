"""Specification: which URLs lead to an outbox in Redis, and what is shown of them."""

from collections.abc import Callable
from collective.cloudfront.demo.instance import free_port
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import ready
from collective.cloudfront.tests.outbox.redis.server import program
from collective.cloudfront.tests.outbox.redis.server import until
from pathlib import Path
from redis.crc import key_slot

import pytest
import shutil
import subprocess


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:s3cret@host:6380/2?prefix=site",
        "rediss://:s3cret@host:6380/2?prefix=site",
        "redis+sentinel://user:s3cret@host:6380,b/cloudfront/2?prefix=site",
    ],
)
def test_a_password_is_never_shown(url):
    shown = repr(open_outbox(url))
    assert "host:6380" in shown
    assert "/2?prefix=site" in shown
    assert "s3cret" not in shown
    assert "user" not in shown


@pytest.mark.parametrize(
    "url",
    [
        "redis:///0",
        "redis://host/0?prefix=",
        "redis://host/0?prefix={a}",
        "redis://host/0?replicas=two",
        "redis://host/0?no_such_option=1",
        "redis://host:port/0",
        "redis+sentinel://host",
        "redis+sentinel:///service",
        "redis+sentinel://host:port/service",
        "redis+sentinel://host/service/zero",
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url):
    with pytest.raises(ValueError):
        open_outbox(url)


@pytest.mark.parametrize("name", ["redis", "redis:", "redis://"])
def test_the_name_alone_stands_for_the_server_that_other_add_ons_use(monkeypatch, name):
    monkeypatch.setenv("PLONE_REDIS_DSN", "redis://:s3cret@cache:6379/1")
    assert repr(open_outbox(name)) == "<RedisOutbox redis://cache:6379/1>"
    monkeypatch.delenv("PLONE_REDIS_DSN")
    with pytest.raises(ValueError, match="PLONE_REDIS_DSN"):
        open_outbox(name)


def test_prefixes_keep_outboxes_apart_and_each_in_one_slot(server, user):
    one, other = user(f"{server.url}?prefix=one"), user(f"{server.url}?prefix=other")
    one.prepare("t", entries("/a"))
    one.release("", entries("/b"))
    one.claim("E1", 60)
    one.freeze("E1", "r1", ["/b"])
    assert other.status().prepared == 0
    assert other.work() == ()
    keys = server.client().keys("*one*")
    assert len(keys) > 5
    assert len(set(map(key_slot, keys))) == 1


def test_any_node_of_a_cluster_leads_to_the_one_with_the_keys(start, user):
    one, other = nodes = [start("--cluster-enabled", "yes") for _ in range(2)]
    clients = [node.client() for node in nodes]
    clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", other.port)
    clients[0].execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
    clients[1].execute_command("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
    for client in clients:
        until(lambda: "ok" in client.execute_command("CLUSTER INFO").values())  # noqa: B023
    outboxes = [user(f"{node.url}?prefix=site") for node in nodes]
    for number, outbox in enumerate(outboxes):
        outbox.prepare(f"t{number}", entries("/a"))()
        outbox.listen(lambda: None)
    for outbox in outboxes:
        assert outbox.status().prepared == 2
        assert outbox.concerns()
    assert sorted(client.dbsize() > 0 for client in clients) == [False, True]


def works(what: Callable[[], object]) -> bool:
    try:
        what()
    except OutboxUnavailable:
        return False
    return True


def test_sentinels_know_where_the_server_is_also_after_a_failover(
    start, user, tmp_path
):
    primary, replica = start(), start()
    with replica.client() as client:
        client.replicaof("127.0.0.1", primary.port)
        until(lambda: client.info("replication")["master_link_status"] == "up")
    sentinel = start_sentinel(start, primary.port)
    with sentinel.client() as client:
        until(lambda: client.sentinel_slaves("plone"))
        outbox = user(f"redis+sentinel://127.0.0.1:{sentinel.port}/plone/0?replicas=1")
        # On a busy machine a replica does not always confirm in the time of a save.
        until(lambda: works(lambda: outbox.prepare("t", entries("/a"))()))
        outbox.release("", entries("/b"))
        until(lambda: is_there(replica, "/b"))
        primary.kill()
        until(lambda: client.sentinel_master("plone")["port"] == replica.port)

    until(lambda: works(lambda: outbox.release("", entries("/c"))))
    assert ready(outbox) == ["/b", "/c"]
    assert outbox.status().prepared == 1


def is_there(server, item: str) -> bool:
    with server.client() as client:
        return any(item.encode() in each for each in client.hkeys(ROWS))


ROWS = "{cloudfront}:rows:ready"


def start_sentinel(start, port: int):
    """Start a Sentinel that watches the server at ``port``."""
    sentinel = start()  # for its folder and port
    sentinel.kill()
    config = sentinel.folder / "sentinel.conf"
    config.write_text(
        f"port {sentinel.port}\nbind 127.0.0.1\ndir {sentinel.folder}\n"
        f"sentinel monitor plone 127.0.0.1 {port} 1\n"
        "sentinel down-after-milliseconds plone 300\n"
        "sentinel failover-timeout plone 2000\n"
    )
    return sentinel.start_as([program(), str(config), "--sentinel"])


def test_tls_with_a_certificate_of_our_own(start, user, tmp_path):
    certificate, key = certificate_in(tmp_path)
    port = free_port()
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    files += ["--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no"]
    start("--tls-port", str(port), *files)
    url = f"rediss://localhost:{port}/0?ssl_ca_certs="
    outbox = user(f"{url}{certificate}")
    outbox.release("", entries("/a"))
    assert ready(outbox) == ["/a"]
    with pytest.raises(OutboxUnavailable, match="certificate"):
        user(url.partition("?")[0]).work()


def certificate_in(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for localhost, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("OpenSSL is missing. On Debian: apt-get install openssl")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return certificate, key
