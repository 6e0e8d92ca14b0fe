"""Specification: what Zope publishes of its sites, for workers and the command line."""

from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.published import FORGET_AFTER
from collective.cloudfront.delivery.published import Place
from collective.cloudfront.delivery.published import publish
from collective.cloudfront.delivery.published import PUBLISH_AGAIN
from collective.cloudfront.delivery.published import published
from collective.cloudfront.delivery.published import RUN
from collective.cloudfront.delivery.published import Site
from collective.cloudfront.delivery.published import without_keys
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.contract import ClaimLost
from dataclasses import replace

import pytest


NOW = 1_800_000_000.0
ROLE = Credentials(profile="p", role_arn="arn:aws:iam::123456789012:role/purge")
KEYS = Credentials(access_key_id="AKIA", secret_access_key="s3cret")
TARGET = Target("E1", 2.5, (ROLE,), 100, 30, 4.0, True)
SITE = Site(
    "uid1",
    "/Plone",
    {"E1": TARGET},
    places=(Place("E1", "/en", "/intranet", "Cache-Tag"),),
    hosts=("www.example.com",),
    has_api=True,
    is_classic=False,
)


@pytest.fixture
def outbox(tmp_path):
    outbox = open_outbox(f"sqlite:///{tmp_path}/outbox.sqlite")
    yield outbox
    outbox.end()


def test_a_new_outbox_has_nothing(outbox):
    found = published(outbox, NOW)
    assert (found.sites, found.targets, found.distributions) == ((), {}, [])


def test_what_is_published_is_read_as_it_was(outbox):
    assert publish(outbox, [SITE], (), NOW)
    found = published(outbox, NOW)
    assert found.sites == (SITE,)
    assert found.targets == {"E1": TARGET}
    assert found.distributions == ["E1"]


def test_it_is_written_only_when_it_has_changed(outbox):
    assert publish(outbox, [SITE], (), NOW)
    assert not publish(outbox, [SITE], (), NOW + 60)
    assert publish(outbox, [replace(SITE, hosts=())], (), NOW + 60)
    assert published(outbox, NOW + 60).sites[0].hosts == ()


def test_sites_of_several_zopes_stand_beside_each_other(outbox):
    other = replace(SITE, key="uid2", targets={"E1": Target("E1", 1.0)})
    publish(outbox, [SITE], (), NOW)
    publish(outbox, [other], (), NOW)
    found = published(outbox, NOW)
    assert found.sites == (SITE, other)
    # As for sites of one Zope
    assert found.targets["E1"].window == 1.0
    assert found.targets["E1"].credentials == (ROLE, Credentials())


def test_a_site_that_is_gone_is_withdrawn(outbox):
    publish(outbox, [SITE], (), NOW)
    assert publish(outbox, [], {"uid1", "never there"}, NOW)
    assert published(outbox, NOW).sites == ()
    assert not publish(outbox, [], {"uid1"}, NOW)


def test_while_another_process_publishes_nothing_is_withdrawn(outbox, tmp_path):
    publish(outbox, [SITE], (), NOW)
    other = open_outbox(f"sqlite:///{tmp_path}/outbox.sqlite")
    assert other.claim_run(RUN, 60)
    with pytest.raises(ClaimLost):
        publish(outbox, [], {"uid1"}, NOW)
    assert published(outbox, NOW).sites == (SITE,)
    other.end()
    assert publish(outbox, [], {"uid1"}, NOW)


def test_a_zope_that_does_not_exist_any_more_is_forgotten(outbox):
    publish(outbox, [SITE], (), NOW)
    assert published(outbox, NOW + FORGET_AFTER - 1).sites
    assert not published(outbox, NOW + FORGET_AFTER + 1).sites


def test_a_zope_that_exists_publishes_again_in_time(outbox):
    publish(outbox, [SITE], (), NOW)
    assert publish(outbox, [SITE], (), NOW + PUBLISH_AGAIN)
    assert published(outbox, NOW + FORGET_AFTER + 1).sites


def test_a_key_pair_is_never_published(outbox, tmp_path):
    target = replace(TARGET, credentials=(ROLE, KEYS))
    assert without_keys(target) == TARGET
    assert without_keys(replace(TARGET, credentials=(KEYS,))).credentials == ()
    site = replace(
        SITE, targets={"E1": without_keys(target)}, with_keys=frozenset({"E1"})
    )
    publish(outbox, [site], (), NOW)
    files = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"uid1" in files
    assert b"AKIA" not in files
    assert b"s3cret" not in files


def test_what_only_has_a_key_pair_can_only_be_delivered_by_zope(outbox):
    with_keys = frozenset({"E1"})
    only = Site(
        "a", "/a", {"E1": replace(TARGET, credentials=())}, with_keys, (Place("E1"),)
    )
    publish(outbox, [only], (), NOW)
    found = published(outbox, NOW)
    assert found.targets == {}
    assert found.only_with_keys == ["E1"]
    # Another site names the same one, with a role
    publish(outbox, [SITE], (), NOW)
    found = published(outbox, NOW)
    assert list(found.targets) == ["E1"]
    assert found.only_with_keys == []


def test_what_a_deleted_site_has_left_is_delivered_to_the_end(outbox):
    assert outbox.claim_run("sites", 5)
    # As 3.0 writes it
    ended = {
        "until": NOW + 60,
        "credentials": [["p", ""]],
        "window": 2.0,
        "again_after": 3.0,
    }
    outbox.keep_run("sites", {"paths": [], "ended": {"E9": ended}}, 0)
    found = published(outbox, NOW)
    target = Target("E9", 2.0, (Credentials(profile="p"),), again_after=3.0)
    assert found.targets == {"E9": target}
    # But nobody has it purged any more
    assert found.distributions == []
    assert published(outbox, NOW + 61).targets == {}


@pytest.mark.parametrize(
    "nonsense",
    [7, [], {"uid": 7}, {"uid": {"at": NOW}}, {"uid": {"at": "x", "path": "/"}}],
)
def test_what_makes_no_sense_was_never_there(outbox, nonsense):
    assert outbox.claim_run(RUN, 5)
    outbox.keep_run(RUN, nonsense, 0)
    assert published(outbox, NOW).sites == ()
    assert publish(outbox, [SITE], (), NOW)
    assert published(outbox, NOW).sites == (SITE,)
