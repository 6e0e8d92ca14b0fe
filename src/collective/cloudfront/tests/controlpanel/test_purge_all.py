""" "Purge all": asked for by GET, done by POST, never by accident."""

from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.testing import DISTRIBUTION
from plone import api
from zExceptions import Forbidden

import pytest
import transaction


@pytest.fixture
def url(functional_portal):
    return f"{functional_portal.absolute_url()}/@@cloudfront-purge-all"


@pytest.fixture
def person(browser, functional_portal):
    return browser()


def waiting(process):
    return [(work.distribution, work.ready) for work in process.outbox.work()]


def test_a_person_is_asked_and_then_everything_is_purged(
    functional_portal, person, process
):
    person.open(f"{functional_portal.absolute_url()}/@@cloudfront-controlpanel")
    person.getLink("Purge all").click()
    assert "Purge everything?" in person.contents
    assert process.outbox.work() == ()

    person.getControl("Purge everything").click()
    assert person.url.endswith("/@@cloudfront-controlpanel")
    assert "will be removed from CloudFront within seconds" in person.contents
    assert process.deliver() == ["/*"]


def test_cancelling_purges_nothing(person, url, process):
    person.open(url)
    person.getLink("Cancel").click()
    assert person.url.endswith("/@@cloudfront-controlpanel")
    assert process.outbox.work() == ()


def test_the_question_says_what_will_be_sent(person, url):
    api.portal.set_registry_record("collective.cloudfront.public_prefix", "/intranet")
    transaction.commit()
    person.open(url)
    assert "<code>/intranet*</code>" in person.contents
    assert f"<code>{DISTRIBUTION}</code>" in person.contents


def test_below_a_prefix_only_that_is_purged(person, url, process):
    api.portal.set_registry_record("collective.cloudfront.public_prefix", "/intranet")
    transaction.commit()
    person.open(url)
    person.getControl("Purge everything").click()
    assert process.deliver() == ["/intranet*"]


def test_every_distribution_is_purged(person, url, process):
    api.portal.set_registry_record(
        "collective.cloudfront.distribution_id", f"{DISTRIBUTION} E2SECOND"
    )
    transaction.commit()
    person.open(url)
    person.getControl("Purge everything").click()
    assert waiting(process) == [("E2SECOND", 1), (DISTRIBUTION, 1)]


def test_a_post_without_authenticator_is_forbidden(person, url, process):
    person.open(url)
    with pytest.raises(Forbidden):
        person.post(url, "")
    assert process.outbox.work() == ()


def test_a_post_with_somebody_elses_authenticator_is_forbidden(person, url, process):
    with pytest.raises(Forbidden):
        person.post(url, "_authenticator=" + "0" * 40)
    assert process.outbox.work() == ()


def test_a_get_purges_nothing_even_with_an_authenticator(person, url, process):
    person.open(url)
    token = person.getControl(name="_authenticator", index=0).value
    person.open(f"{url}?_authenticator={token}&form.button.Purge=1")
    assert "Purge everything?" in person.contents
    assert process.outbox.work() == ()


def test_where_nothing_can_be_purged_it_says_why_and_offers_no_button(person, url):
    api.portal.set_registry_record(PURGING_ENABLED, False)
    transaction.commit()
    person.open(url)
    assert "Purging is disabled in the Caching control panel." in person.contents
    with pytest.raises(LookupError):
        person.getControl("Purge everything")


def test_purging_disabled_after_the_question_is_said_and_not_claimed(
    person, url, process
):
    person.open(url)
    api.portal.set_registry_record("collective.cloudfront.enabled", False)
    transaction.commit()
    person.getControl("Purge everything").click()
    assert "Nothing was purged" in person.contents
    assert "will be removed from CloudFront" not in person.contents
    assert process.outbox.work() == ()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_address_of_2_0_leads_to_the_question(
    functional_portal, person, process, method
):
    formerly = f"{functional_portal.absolute_url()}/@@purge-cloudfront"
    if method == "GET":
        person.open(formerly)
    else:
        person.post(formerly, "")
    assert "Purge everything?" in person.contents
    assert process.outbox.work() == ()


# --- people who may purge everything, and not see the status --------------------------


@pytest.fixture
def purger(functional_portal, person):
    functional_portal.manage_permission(VIEW_STATUS, roles=[], acquire=0)
    transaction.commit()
    return person


def test_who_may_not_see_the_status_is_led_back_to_the_site(
    functional_portal, purger, url, process
):
    purger.open(url)
    assert "@@cloudfront-controlpanel" not in purger.contents
    purger.getControl("Purge everything").click()
    assert purger.url == functional_portal.absolute_url()
    assert "will be removed from CloudFront within seconds" in purger.contents
    assert process.deliver() == ["/*"]


def test_who_may_not_see_the_status_is_told_why_nothing_was_purged(
    purger, url, process
):
    purger.open(url)
    api.portal.set_registry_record("collective.cloudfront.enabled", False)
    transaction.commit()
    purger.getControl("Purge everything").click()
    assert purger.url == url
    assert "Nothing was purged" in purger.contents
    assert "“Purge from CloudFront” is off." in purger.contents
