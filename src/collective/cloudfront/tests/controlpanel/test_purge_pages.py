""" "Purge pages or a section": typed, looked at, then done by POST."""

from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.testing import DISTRIBUTION
from datetime import datetime
from datetime import timedelta
from plone import api
from urllib.parse import urlsplit
from zExceptions import Forbidden

import pytest
import transaction


@pytest.fixture
def site(functional_portal, process):
    folder = api.content.create(functional_portal, "Folder", id="folder")
    api.content.create(folder, "Document", id="page")
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    return functional_portal


@pytest.fixture
def form(site, browser):
    """A browser with the form open."""
    person = browser()
    person.open(f"{site.absolute_url()}/@@cloudfront-controlpanel")
    person.getLink("Purge pages").click()
    return person


def typed(form, lines="", section="", at="", reason="", button="Purge"):
    form.getControl(name="lines").value = lines
    form.getControl(name="section").value = section
    form.getControl(name="at").value = at
    form.getControl(name="reason").value = reason
    form.getControl(button, index=-1).click()
    return form.contents


def later(hours=3):
    moment = datetime.now() + timedelta(hours=hours)
    return moment.strftime("%Y-%m-%dT%H:%M")


def test_pages_are_purged(form, process, site):
    host = urlsplit(site.absolute_url()).netloc
    assert "Items on their way to CloudFront: 2." in typed(
        form, f"/a\nhttp://{host}/b?c=d\n"
    )
    assert process.deliver() == ["/a", "/b?c=d"]


def test_bad_lines_are_each_told_and_nothing_is_purged(form, process):
    contents = typed(form, "/a\nnews\n/b*c\n<script>alert(1)</script>")
    for words in ("2", "news", "neither a path", "allowed only at the end"):
        assert words in contents
    assert "<script>alert(1)" not in contents
    assert process.deliver() == []
    assert form.getControl(name="lines").value.startswith("/a")


def test_a_preview_shows_items_and_price_and_purges_nothing(form, process):
    contents = typed(form, "/a\n/b*", button="Preview")
    assert '<code class="text-break">/b*</code>' in contents
    assert "Nothing has been sent yet" in contents
    assert process.deliver() == []
    form.getControl("Purge", index=-1).click()
    assert process.deliver() == ["/a", "/b*"]


def test_a_section_is_purged_by_its_path_with_all_below(form, process):
    typed(form, section="/folder")
    assert process.deliver() == ["/folder*"]


def test_a_section_is_purged_by_its_uid_without_what_is_below(form, process, site):
    form.getControl(name="below").value = []
    typed(form, section=site["folder"].UID())
    assert "/folder*" not in process.deliver()


@pytest.mark.parametrize(
    "section", ["/portal_catalog", "/folder/page/folder", "/../plone/folder"]
)
def test_an_unknown_section_is_told(form, process, section):
    assert "There is no such content" in typed(form, section=section)
    assert process.deliver() == []


def test_nothing_typed_is_told(form):
    assert "Specify pages or a section." in typed(form)


def test_what_is_scheduled_is_listed_and_can_be_cancelled(form, process):
    contents = typed(form, "/a", at=later(), reason="after the <b>release</b>")
    assert "Items scheduled: 1." in contents
    assert "after the &lt;b&gt;release&lt;/b&gt;" in contents
    assert process.deliver() == []
    form.getControl("Cancel scheduled purge").click()
    assert "The scheduled purge was cancelled." in form.contents
    assert "Cancel scheduled purge" not in form.contents
    assert process.outbox.scheduled(10) == []
    assert process.outbox.requests(1)[0].cancelled


@pytest.mark.parametrize("button", ["Purge", "Preview"])
@pytest.mark.parametrize("at", ["2020-01-01T10:00", "2999-01-01T10:00"])
def test_a_moment_that_cannot_be_is_told(form, process, at, button):
    contents = typed(form, "/a", at=at, button=button)
    assert "is over, or more than a year away" in contents
    assert process.deliver() == []


def test_everything_can_be_scheduled(site, browser, process):
    person = browser()
    person.open(f"{site.absolute_url()}/@@cloudfront-purge-all")
    person.getControl(name="at").value = later()
    person.getControl(name="reason").value = "release"
    person.getControl("Purge everything").click()
    assert "Until then it can be cancelled" in person.contents
    assert process.deliver() == []
    (scheduled,) = process.outbox.scheduled(10)
    assert (scheduled.item, str(scheduled.causes)) == ("/*", "admin: release")


def refuse(process, item):
    process.outbox.release("token", [Entry(DISTRIBUTION, item)])
    process.outbox.claim(DISTRIBUTION, 60)
    batch = process.outbox.freeze(DISTRIBUTION, "reference", [item])
    process.outbox.quarantine(batch, plain("InvalidArgument: no"))


@pytest.mark.parametrize(
    ("button", "words", "sent"),
    [("Try again", "will be sent again", ["/a"]), ("Discard", "was discarded", [])],
)
def test_a_refused_item_is_tried_again_or_discarded(
    site, browser, process, button, words, sent
):
    refuse(process, "/a")
    person = browser()
    person.open(f"{site.absolute_url()}/@@cloudfront-controlpanel")
    person.getControl(button).click()
    assert words in person.contents
    assert process.outbox.quarantined(10) == []
    assert process.deliver() == sent


@pytest.mark.parametrize(
    "view", ["@@cloudfront-purge", "@@cloudfront-cancel", "@@cloudfront-refused"]
)
def test_a_post_without_authenticator_is_forbidden(site, browser, process, view):
    person = browser()
    with pytest.raises(Forbidden):
        person.post(f"{site.absolute_url()}/{view}", "lines=/a&send=1&id=x")
    assert process.deliver() == []


@pytest.mark.parametrize("view", ["@@cloudfront-cancel", "@@cloudfront-refused"])
def test_a_get_changes_nothing(site, browser, view):
    person = browser()
    with pytest.raises(Forbidden):
        person.open(f"{site.absolute_url()}/{view}?id=x")
