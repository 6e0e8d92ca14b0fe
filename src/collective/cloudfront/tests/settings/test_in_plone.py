"""Specification: settings in a Plone site, each distribution with its own."""

from collective.cloudfront import settings
from collective.cloudfront.process import this_process
from collective.cloudfront.purge import purge_path
from collective.cloudfront.settings import Distribution
from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import tag_headers
from plone import api
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.dottedname.resolve import resolve

import pickle
import pytest
import transaction


ROLE = "arn:aws:iam::123456789012:role/purge"


def store(**values):
    for name, value in values.items():
        api.portal.set_registry_record(f"{PREFIX}.{name}", value)


def in_force(environ=None):
    return read_settings(getUtility(IRegistry), environ or {})


# --- names that sites have stored ---------------------------------------------------------


def test_the_schema_has_the_name_that_registries_know(portal):
    name = "collective.cloudfront.settings.ICloudFrontSettings"
    assert ICloudFrontSettings.__identifier__ == name
    assert resolve(name) is ICloudFrontSettings
    record = getUtility(IRegistry).records[f"{PREFIX}.distribution_id"]
    assert record.interfaceName == name


@pytest.mark.parametrize(
    "name",
    [
        "is_distributions",
        "is_public_prefix",
        "is_role",
        "is_key_id",
        "is_header",
        "is_finite",
        "are_addresses",
        "is_webhook",
        "is_url_of_plone",
    ],
)
def test_constraints_in_records_are_found(name):
    # Pickled by name, as 3.0's first records have them
    stored = f"ccollective.cloudfront.settings\n{name}\n.".encode()
    assert pickle.loads(stored) is getattr(settings, name)


# --- one text -----------------------------------------------------------------------------


def test_what_differs_is_read_from_the_text_and_the_rest_from_the_site(portal):
    store(
        distribution_id=f"E1AAA E2BBB/en;role={ROLE};prefix=/english;header=X-Tags",
        public_prefix="/intranet",
        tag_header="Edge-Tag",
    )
    assert in_force().distributions == (
        Distribution("E1AAA", "", "/intranet", "Edge-Tag", ""),
        Distribution("E2BBB", "/en", "/english", "X-Tags", ROLE),
    )
    assert in_force().distribution_ids == ("E1AAA", "E2BBB")


def test_the_environment_has_the_same_text(portal):
    environ = {"CLOUDFRONT_DISTRIBUTION_ID": f"E1AAA;role={ROLE}\nE2BBB/en"}
    roles = [each.role_arn for each in in_force(environ).distributions]
    assert roles == [ROLE, ""]


def test_an_invalid_text_in_the_environment_purges_nothing(portal, caplog):
    assert in_force({"CLOUDFRONT_DISTRIBUTION_ID": "E1AAA;rolle=x"}).distributions == ()
    assert "“rolle” is not an option of a distribution" in caplog.text


def test_the_secret_does_not_show(portal):
    store(aws_access_key_id="AKIAABCDEFGHIJKL", aws_secret_access_key="topsecret")
    assert in_force().aws_secret_access_key == "topsecret"
    assert "topsecret" not in repr(in_force())


# --- used by ------------------------------------------------------------------------------


def test_each_distribution_gets_paths_as_its_visitors_write_them(
    functional_portal, process
):
    store(
        distribution_id="E1AAA E2BBB/en;prefix=/english E3CCC/de E4DDD;prefix=",
        public_prefix="/intranet",
    )
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    purge_path("/en/news")
    transaction.commit()
    process.deliver()
    assert sorted(process.gateway.batches) == [
        ("E1AAA", ("/intranet/en/news",)),
        ("E2BBB", ("/english/news",)),
        ("E4DDD", ("/en/news",)),
    ]


def test_each_distribution_has_the_credentials_of_its_role(functional_portal):
    store(distribution_id=f"E1AAA;role={ROLE} E2BBB", aws_profile="cdn")
    transaction.commit()
    targets = this_process().targets()
    found = {name: target.credentials[0] for name, target in targets.items()}
    assert (found["E1AAA"].role_arn, found["E2BBB"].role_arn) == (ROLE, "")
    assert {each.profile for each in found.values()} == {"cdn"}


def test_tags_go_into_the_header_of_each_distribution(portal):
    registry = getUtility(IRegistry)
    assert tag_headers(registry) == ("Cache-Tag",)
    store(distribution_id="E1AAA E2BBB;header=X-Tags E3CCC;header=X-Tags")
    assert tag_headers(registry) == ("Cache-Tag", "X-Tags")
    store(distribution_id="E2BBB;header=X-Tags")
    assert tag_headers(registry) == ("X-Tags",)


def test_a_distribution_with_another_header_has_no_tagged_pages_yet(portal):
    since = f"{PREFIX}.cache_tags_since"
    registry = getUtility(IRegistry)
    store(distribution_id="E1AAA", cache_tags="invalidate")
    store(cache_tags_since="2020-01-01T00:00:00+00:00")
    store(distribution_id="E1AAA;prefix=/a")
    assert registry[since].startswith("2020")
    store(distribution_id="E1AAA;prefix=/a;header=X-Tags")
    assert not registry[since].startswith("2020")
