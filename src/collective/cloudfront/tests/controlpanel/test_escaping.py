"""What others wrote is shown as they wrote it, and is never markup, code or a link.

Titles, paths, user names, reasons, and what AWS and the disk say. A page with a hostile
text must have the same elements, attributes and links as with a harmless one.
"""

from botocore.exceptions import ClientError
from collective.cloudfront.api.state import as_json
from collective.cloudfront.controlpanel.overview import overview
from collective.cloudfront.delivery.aws.errors import classify
from collective.cloudfront.delivery.aws.errors import LONGEST_REASON
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.outcomes import CONFIRMED_REFUSALS
from collective.cloudfront.interfaces import ICheck
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.planning.items import normalise
from collective.cloudfront.process import this_process
from collective.cloudfront.purge import purge_path
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.testing import FIXTURE
from collective.cloudfront.testing import use_distributions
from dataclasses import replace
from lxml import html
from plone import api
from plone.base.interfaces import IPloneSiteRoot
from plone.protect import createToken
from plone.registry.interfaces import IRegistry
from types import SimpleNamespace
from zope.component import getSiteManager
from zope.component import getUtility

import json
import pytest
import re
import time
import transaction


HARMLESS = "harmless"
#: What they would become if anything in them were evaluated.
EVALUATED = "56211"
TEXTS = {
    "markup": "<script>alert('evil')</script>--><!-- ]]></textarea></title></style><b>",
    "attributes": '" onmouseover="alert(1)" x=" \' onfocus=\'alert(1)\' autofocus >',
    "expressions": "${123*457} ${python:123*457} ${request/URL} $${x} ${count} {{123*457}}"
    " <p tal:content='python:123*457' i18n:translate=''>x</p>",
    "entities": "&lt;script&gt; &amp;amp; &#60;b&#62; %3Cb%3E",
    "a link": "javascript:alert(1)",
    # The order of what follows; a terminal; lines of a log
    "invisible": "exe.\u202egpj\u2066 \u200f\u061c\x1b[31m\x07\x7f\x85\u2028\r\nINFO x\ry\nz",
    "long": "<b>wide" * 1500,
}
HOSTILE = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200f\u2028-\u202e\u2066-\u2069]"
)


# --- pages -------------------------------------------------------------------------


def content_of(view):
    """Return what is on a page, without Plone's frame."""
    tree = html.fromstring(view())
    # Where lines may end depends on the text
    for piece in tree.xpath("//wbr | //span[@class='cloudfront-piece']"):
        piece.drop_tag()
    found = tree.xpath("//*[@id='content-core']")
    return found[0] if found else tree


def texts(tree):
    return [text.strip() for text in tree.itertext() if text.strip()]


def skeleton(tree):
    links = ("href", "src", "action", "formaction", "poster", "data")
    return [
        (element.tag, sorted(element.attrib), [element.get(name) for name in links])
        for element in tree.iter()
        if isinstance(element.tag, str)
    ]


def compare(hostile, harmless):
    """Check that a page differs from another in its texts only."""
    assert skeleton(hostile) == skeleton(harmless)
    assert not any(EVALUATED in text for text in texts(hostile))


@pytest.fixture
def site(portal, process):
    registry = getUtility(IRegistry)
    use_distributions()
    registry["collective.cloudfront.window"] = 0.0
    return portal


@pytest.fixture
def page(site):
    """Return what a view shows."""
    return lambda name: content_of(site.restrictedTraverse(f"@@{name}"))


def said_by_aws(text: str, code: str, status: int) -> Answer:
    error = {"Error": {"Code": code, "Message": text}}
    metadata = {"ResponseMetadata": {"HTTPStatusCode": status}}
    return classify(ClientError({**error, **metadata}, "CreateInvalidation"), "E1")


def as_item(text: str) -> str:
    """Return an item that is as hostile as a damaged outbox could have it."""
    plain = text.isascii() and text.isprintable()
    return f"/{text}"[:3999] if plain else normalise(text)


def fill_outbox(text):
    """Have a new outbox with ``text`` wherever there is a place for it."""
    FIXTURE.testSetUp()
    process = this_process()
    outbox, gateway, item = process.outbox, process.gateway, as_item(text)
    process.courier.limits = replace(process.courier.limits, call_rate=1000.0)

    def deliver(item, answers=()):
        gateway.answers.extend(answers)
        entry = Entry(DISTRIBUTION, item, cause=Cause(text, (text,), 1))
        outbox.release("token", [entry])
        outbox.resume()
        process.courier.round()
        while gateway.answers:
            outbox.resume()
            process.courier.round()

    deliver(item)
    refused = said_by_aws(text, "InvalidArgument", 400)
    deliver(f"{item}x", [refused] * CONFIRMED_REFUSALS)
    due = time.time() + 9999
    request = PurgeRequest("1", time.time(), text, text, (item,), (DISTRIBUTION,), due)
    outbox.record_request(request)
    cause = Cause(names=(text,), count=1)
    scheduled = Entry(DISTRIBUTION, item, due=due, key=request.key, cause=cause)
    outbox.release("token", [scheduled])
    deliver("/paused", [said_by_aws(text, "AccessDenied", 403)])
    assert outbox.history(1)
    assert outbox.quarantined(1)
    assert outbox.planned(1)
    assert outbox.work()[0].waiting.paused
    return process


@HOSTILE
@pytest.mark.parametrize(
    "view",
    [
        "cloudfront-state",
        "cloudfront-history",
        "cloudfront-log",
        "cloudfront-invalidation",
    ],
)
def test_what_the_outbox_holds(page, http_request, view, text):
    http_request.form["id"] = "I1"  # for the page of one
    fill_outbox(HARMLESS)
    before = page(view)
    fill_outbox(text)
    hostile = page(view)
    compare(hostile, before)
    shown = texts(hostile)
    assert not any(_INVISIBLE.search(each) for each in shown)
    assert max(map(len, shown)) < 4100  # the longest path
    if view != "cloudfront-state":
        assert as_item(text) in shown
    elif len(text) < 200 and text.isprintable():
        assert f"InvalidArgument: {text}" in shown
        assert shown.count(text) == 2  # the person, and the reason


@HOSTILE
def test_a_failure_of_the_outbox(page, process, monkeypatch, text):
    def shown(said):
        def fail():
            raise OutboxUnavailable(said)

        monkeypatch.setattr(process.outbox, "work", lambda most: fail())
        return page("cloudfront-state")

    compare(shown(text), shown(HARMLESS))


@HOSTILE
def test_the_environment(page, monkeypatch, text):
    def shown(said):
        monkeypatch.setenv("CLOUDFRONT_AWS_PROFILE", said)
        monkeypatch.setenv("CLOUDFRONT_DISTRIBUTION_ID", said)
        return page("cloudfront-controlpanel")

    compare(shown(text), shown(HARMLESS))


@HOSTILE
def test_a_check_of_another_add_on(site, text):
    def shown(said):
        check = SimpleNamespace(
            level=2, title=said, text=said, advice=said, link="", action=said
        )
        registration = (
            lambda site, request: check,
            (IPloneSiteRoot, ICloudFrontLayer),
            ICheck,
            "other",
        )
        getSiteManager().registerAdapter(*registration)
        try:
            view = site.restrictedTraverse("@@cloudfront-controlpanel")
            return content_of(view.check_list)
        finally:
            getSiteManager().unregisterAdapter(*registration)

    compare(shown(text), shown(HARMLESS))


@HOSTILE
def test_a_title(site, text):
    content = api.content.create(site, "Document", "page")

    def shown(title):
        content.title = title
        return content_of(content.restrictedTraverse("@@cloudfront-purge-content"))

    hostile = shown(text)
    compare(hostile, shown(HARMLESS))
    # What it does to the direction of text ends with it
    (title,) = hostile.iter("bdi")
    if text.isprintable():
        assert texts(title) == [text]


@HOSTILE
@pytest.mark.parametrize("button", ["preview", "send"])
def test_what_a_person_types(page, http_request, button, text):
    def shown(typed):
        right = normalise(typed.replace("*", ""))
        wrong = f"x{' '.join(typed.split())}"
        http_request.method = http_request.environ["REQUEST_METHOD"] = "POST"
        http_request.form = {
            "lines": right if button == "preview" else wrong,
            "section": "" if button == "preview" else typed,
            "at": "" if button == "preview" else typed,
            "reason": typed,
            button: "1",
            "_authenticator": createToken(),
        }
        return page("cloudfront-purge")

    hostile = shown(text)
    compare(hostile, shown(HARMLESS))
    if button == "preview":
        assert normalise(text.replace("*", "")) in texts(hostile)


def test_a_message(functional_portal, browser, process, monkeypatch):
    """What failed is told on the page that follows."""

    def fail(*arguments):
        raise OutboxUnavailable(TEXTS["markup"])

    person = browser()
    url = f"{functional_portal.absolute_url()}/@@cloudfront-purge-all"
    person.open(url)
    token = person.getControl(name="_authenticator", index=0).value
    monkeypatch.setattr(process.outbox, "planned", fail)
    person.post(url.replace("purge-all", "cancel"), f"_authenticator={token}")
    tree = html.fromstring(person.contents)
    messages = tree.xpath("//*[contains(@class, 'portalMessage')]")
    assert any(TEXTS["markup"] in each for each in texts(messages[0]))


def test_the_chart_is_made_of_numbers(page):
    fill_outbox(TEXTS["markup"])
    (chart,) = page("cloudfront-state").xpath("//*[@id='cloudfront-chart']")
    bars = list(chart.iter("rect"))
    assert bars
    for bar in bars:
        assert all(re.fullmatch(r"[\d.]+|currentColor", v) for v in bar.attrib.values())
        assert re.fullmatch(r"\d{4}-\d\d-\d+: \d+", bar.findtext("title").strip())


# --- REST --------------------------------------------------------------------------


@HOSTILE
def test_over_rest_they_are_strings_as_they_were_written(site, text):
    process = fill_outbox(text)
    look = json.loads(json.dumps(as_json(overview(process, (DISTRIBUTION,)))))
    (trouble,) = [each["trouble"] for each in look["distributions"]]
    (refused,), (request,) = look["refused"], look["actions"]
    assert refused["item"] == f"{as_item(text)}x"
    for said in (trouble["reason"], refused["reason"], request["user"]):
        assert not _INVISIBLE.search(said)
        assert len(said) <= LONGEST_REASON
    if len(text) < 200 and text.isprintable():
        assert refused["reason"] == f"InvalidArgument: {text}"
        assert (request["user"], request["reason"]) == (text, text)


# --- the log -----------------------------------------------------------------------


@HOSTILE
def test_nobody_forges_lines_of_the_log(site, caplog, text):
    """By a name, a path, a reason, or what AWS answers."""
    with caplog.at_level("DEBUG", "collective.cloudfront"):
        process = fill_outbox(text)
        purge = ManualPurge(site)
        purge.add_everything()
        purge.send(text, text)
        purge_path(f"/{text}")
        for hook, arguments, _ in list(transaction.get().getAfterCommitHooks()):
            hook(True, *arguments)
        process.outbox.resume()
        process.courier.round()
    ours = [each for each in caplog.records if each.name == "collective.cloudfront"]
    told = [each.getMessage() for each in ours]
    for words in ("purges", "AccessDenied", "InvalidArgument", "accepted"):
        assert any(words in message for message in told), words
    assert not any(_INVISIBLE.search(message) or "\n" in message for message in told)
