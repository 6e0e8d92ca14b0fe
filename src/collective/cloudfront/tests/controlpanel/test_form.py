"""The settings form: what it stores, refuses, and never shows."""

from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.settings import read_settings
from collective.cloudfront.testing import DISTRIBUTION
from lxml import html
from plone import api
from plone.registry.interfaces import IRegistry
from zExceptions import Forbidden
from zope.component import getUtility

import pytest
import time
import transaction


KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def stored(name):
    return getUtility(IRegistry)[f"collective.cloudfront.{name}"]


def store(**settings):
    for name, value in settings.items():
        getUtility(IRegistry)[f"collective.cloudfront.{name}"] = value


def errors(contents):
    """Return the sentences at the fields, by name of the field."""
    if not contents:
        return {}
    fields = html.fromstring(contents).xpath("//div[@data-fieldname]")
    found = {
        field.get("data-fieldname").rpartition(".")[2]: " ".join(
            field.xpath(".//div[@class='invalid-feedback']/text()")
        )
        for field in fields
    }
    return {name: sentence for name, sentence in found.items() if sentence}


class Form:
    """The form in its page, without the frame around it, which takes its time."""

    def __init__(self, portal, http_request):
        self.portal = portal
        self.request = http_request

    def show(self, method="GET", **fields):
        """Return the form's HTML; empty if it is done and leads elsewhere."""
        self.request.method = self.request.environ["REQUEST_METHOD"] = method
        self.request.form = fields
        self.request.response.setStatus(200)
        page = self.portal.restrictedTraverse("@@cloudfront-settings")
        page.update()
        return page.contents

    def fields(self):
        """Return what a browser would send without the person typing anything."""
        fields = dict(html.fromstring(self.show()).xpath("//form")[0].fields)
        # As the publisher does
        return {
            name.removesuffix(":list"): [value] if name.endswith(":list") else value
            for name, value in fields.items()
        }

    def save(self, **typed):
        """Type into the form and save it."""
        fields = self.fields()
        fields |= {f"form.widgets.{name}": value for name, value in typed.items()}
        fields = {name: value for name, value in fields.items() if value is not None}
        return self.show("POST", **{**fields, "form.buttons.save": "Save"})


@pytest.fixture
def form(portal, http_request):
    return Form(portal, http_request)


def test_it_stores_what_is_typed(form):
    contents = form.save(
        distribution_id=" E2QWRUHAPOMQZL  dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB ",
        public_prefix="/intranet",
        window="2.5",
        aws_profile="plone",
        aws_role_arn="arn:aws:iam::123456789012:role/plone-invalidation",
    )
    assert errors(contents) == {}
    settings = read_settings(getUtility(IRegistry))
    assert settings.distribution_ids == (
        "E2QWRUHAPOMQZL",
        "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB",
    )
    assert {each.prefix for each in settings.distributions} == {"/intranet"}
    assert settings.window == 2.5
    assert settings.aws_profile == "plone"
    for each in settings.distributions:
        assert each.role_arn.endswith("/plone-invalidation")


def test_purging_can_be_switched_off(form):
    form.save(enabled=None)
    assert stored("enabled") is False


def test_that_volto_forwards_tags_can_be_switched_on(form):
    form.save(volto_tags=["selected"])
    assert stored("volto_tags") is True


def test_all_may_be_emptied_but_the_window(form):
    form.save(distribution_id="", public_prefix="", aws_profile="", aws_role_arn="")
    assert stored("distribution_id") == ""
    assert "window" in errors(form.save(window=""))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("distribution_id", "e2qwr", "“e2qwr” is not the ID of a CloudFront"),
        (
            "distribution_id",
            "E2QWR d111.cloudfront.net",
            "“d111.cloudfront.net” is not",
        ),
        ("distribution_id", "<script>", "“<script>” is not the ID"),
        ("distribution_id", "E2QWR;rolle=x", "“rolle” is not an option of a distr"),
        (
            "distribution_id",
            "E2QWR;role=plone",
            "“plone” is not the ARN of an IAM role",
        ),
        ("distribution_id", "E2QWR;prefix=a", "“a” is not a valid path prefix"),
        ("distribution_id", "E2QWR;header=a:b", "“a:b” is not a valid header name"),
        (
            "distribution_id",
            "E2QWR;header=A E2QWR;header=B",
            "E2QWR is listed more than once, with different values of “header”.",
        ),
        ("public_prefix", "intranet", "“intranet” is not a valid path prefix"),
        ("public_prefix", "/intranet/", "“/intranet/” is not a valid path prefix"),
        ("public_prefix", "/a b", "“/a b” is not a valid path prefix"),
        ("window", "61", "Value is too big"),
        ("window", "soon", "is not a valid decimal"),
        ("aws_role_arn", "plone", "“plone” is not the ARN of an IAM role"),
        ("aws_access_key_id", "secret?", "This is not an AWS access key ID."),
    ],
)
def test_an_invalid_value_is_refused_at_its_field_with_a_sentence(
    form, name, value, sentence
):
    before = stored(name)
    contents = form.save(**{name: value})
    assert sentence in errors(contents)[name]
    assert stored(name) == before
    assert "<script>”" not in contents


def test_a_refused_value_can_be_corrected(form):
    assert 'value="nonsense"' in form.save(distribution_id="nonsense")
    assert errors(form.save(distribution_id=DISTRIBUTION)) == {}


# --- the secret ------------------------------------------------------------------


@pytest.fixture
def key_pair(portal):
    store(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)


def test_a_key_pair_is_stored(form):
    form.save(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)
    assert stored("aws_access_key_id") == KEY_ID
    assert stored("aws_secret_access_key") == SECRET


def test_the_stored_secret_is_never_shown(key_pair, form):
    assert SECRET not in form.show()
    assert "A key is stored" in form.show()
    assert form.fields()["form.widgets.aws_secret_access_key"] == ""


def test_it_is_said_that_there_is_no_secret(form):
    assert "No key is stored" in form.show()


def test_the_typed_secret_is_not_shown_again_with_an_error(form):
    contents = form.save(
        aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, window="soon"
    )
    assert "window" in errors(contents)
    assert SECRET not in contents


def test_an_empty_secret_keeps_the_stored_one(key_pair, form):
    form.save(aws_profile="plone")
    assert stored("aws_profile") == "plone"
    assert stored("aws_secret_access_key") == SECRET


def test_clearing_the_access_key_id_removes_the_secret(key_pair, form):
    assert errors(form.save(aws_access_key_id="")) == {}
    assert stored("aws_access_key_id") == ""
    assert stored("aws_secret_access_key") == ""


def test_a_new_access_key_id_needs_its_own_secret(key_pair, form):
    contents = form.save(aws_access_key_id="AKIAANOTHERONE123456")
    assert "Enter the secret access key" in errors(contents)["aws_secret_access_key"]
    assert stored("aws_access_key_id") == KEY_ID


def test_an_access_key_id_needs_a_secret(form):
    contents = form.save(aws_access_key_id=KEY_ID)
    assert "Enter the secret access key" in errors(contents)["aws_secret_access_key"]
    assert stored("aws_access_key_id") == ""


def test_a_secret_needs_an_access_key_id(form):
    contents = form.save(aws_secret_access_key=SECRET)
    assert "Enter the access key ID" in errors(contents)["aws_access_key_id"]
    assert stored("aws_secret_access_key") == ""


def test_a_secret_without_key_id_left_by_a_script_can_be_repaired(form):
    store(aws_secret_access_key=SECRET)
    assert errors(form.save()) == {}
    assert stored("aws_secret_access_key") == ""


def test_the_secret_is_in_no_log(form, caplog):
    with caplog.at_level(0):
        form.save(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)
    assert SECRET not in caplog.text


# --- who may, and how ------------------------------------------------------------


def test_a_post_without_authenticator_is_forbidden(form):
    fields = {**form.fields(), "form.widgets.window": "7"}
    del fields["_authenticator"]
    with pytest.raises(Forbidden):
        form.show("POST", **fields, **{"form.buttons.save": "Save"})
    assert stored("window") == 1.0


def test_a_get_changes_nothing_even_with_an_authenticator(form):
    fields = {**form.fields(), "form.widgets.window": "7"}
    with pytest.raises(Forbidden):
        form.show("GET", **fields, **{"form.buttons.save": "Save"})
    assert stored("window") == 1.0


def test_cancelling_changes_nothing(form):
    fields = {**form.fields(), "form.widgets.window": "7"}
    form.show("POST", **fields, **{"form.buttons.cancel": "Cancel"})
    assert stored("window") == 1.0


# --- in a browser ----------------------------------------------------------------


def test_a_person_sees_what_was_wrong_and_corrects_it(functional_portal, browser):
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/@@cloudfront-settings")
    person.getControl("Distribution").value = "nonsense"
    person.getControl("Save").click()
    assert "The settings were not saved." in person.contents
    assert "“nonsense” is not the ID of a CloudFront" in person.contents
    person.getControl("Distribution").value = "E2CORRECTED"
    person.getControl("Save").click()
    assert "Changes saved." in person.contents
    assert "The settings were not saved." not in person.contents
    transaction.begin()
    assert stored("distribution_id") == "E2CORRECTED"


def test_what_waits_for_a_wrong_distribution_goes_to_the_corrected_one(
    functional_portal, browser, process
):
    process.outbox.release("token", [Entry(DISTRIBUTION, "/a")])
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/@@cloudfront-settings")
    person.getControl("Distribution").value = "E2CORRECTED"
    person.getControl("Save").click()
    assert {work.distribution for work in process.outbox.work()} == {"E2CORRECTED"}
    waiting = process.outbox.pending("E2CORRECTED", 9)
    # What the right one holds was purged by nobody
    assert {each.item for each in waiting} == {"/a", "/*"}


def test_a_root_folder_that_does_not_exist_is_refused(form, portal):
    wrong = form.save(distribution_id="EDEMO1234567/deutsch")
    assert errors(wrong) == {
        "distribution_id": "The folder /deutsch does not exist in this site, so nothing would "
        "be sent to EDEMO1234567."
    }
    api.content.create(portal, "Folder", "deutsch")
    assert errors(form.save(distribution_id="EDEMO1234567/deutsch")) == {}


def test_other_settings_can_be_saved_while_a_root_folder_is_gone(form):
    store(distribution_id="EDEMO1234567/deutsch")
    assert errors(form.save(window="2.5")) == {}


def test_the_history_stays_when_the_distribution_is_another_one(
    functional_portal, browser, process
):
    process.outbox.release("token", [Entry(DISTRIBUTION, "/before")])
    process.deliver()
    person, url = browser(), functional_portal.absolute_url()
    for view in ("@@cloudfront-controlpanel", "@@cloudfront-log"):
        person.open(f"{url}/{view}")
        assert "/before" in person.contents
    person.open(f"{url}/@@cloudfront-settings")
    person.getControl("Distribution").value = "E2CORRECTED"
    person.getControl("Save").click()
    for view in ("@@cloudfront-controlpanel", "@@cloudfront-log"):
        person.open(f"{url}/{view}")
        assert "/before" in person.contents


def test_saving_the_settings_as_they_are_tries_again_what_is_paused(form, process):
    process.outbox.release("token", [Entry(DISTRIBUTION, "/a")])
    store(distribution_id=DISTRIBUTION)
    form.save()
    process.run_errands()
    until = time.time() + 600
    process.outbox.wait(
        DISTRIBUTION,
        reason=plain("Denied."),
        advice=NOTHING,
        paused=True,
        until=until,
    )
    form.save()
    process.run_errands()
    (work,) = process.outbox.work()
    assert work.waiting is None or work.waiting.until < until


def test_nothing_that_waits_is_nothing_to_say(functional_portal, browser, caplog):
    caplog.set_level("INFO", "collective.cloudfront")
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/@@cloudfront-settings")
    person.getControl("Distribution").value = "E2CORRECTED"
    person.getControl("Save").click()
    assert "that waited for" not in caplog.text


# --- alerts ----------------------------------------------------------------------

HOOK, SHOWN = "https://hooks.example.com/s3cret", "https://hooks.example.com/…"


def test_of_a_stored_webhook_the_host_alone_is_shown(form):
    store(alert_webhook=HOOK)
    assert "s3cret" not in form.show()
    assert form.fields()["form.widgets.alert_webhook"] == SHOWN


def test_a_form_sent_back_as_it_came_keeps_the_webhook(form):
    store(alert_webhook=HOOK)
    assert errors(form.save(window="2")) == {}
    assert stored("window") == 2.0
    assert stored("alert_webhook") == HOOK


def test_also_where_something_else_is_wrong_it_is_not_shown(form):
    store(alert_webhook=HOOK)
    contents = form.save(window="soon")
    assert "window" in errors(contents)
    assert "s3cret" not in contents
    assert SHOWN in contents


def test_a_webhook_is_replaced_and_removed(form):
    store(alert_webhook=HOOK)
    form.save(alert_webhook="https://other.example/x")
    assert stored("alert_webhook") == "https://other.example/x"
    form.save(alert_webhook="")
    assert stored("alert_webhook") == ""


def test_what_is_shown_of_a_webhook_is_not_stored_as_one(form):
    found = errors(form.save(alert_webhook=SHOWN))
    assert "Enter the whole URL." in found["alert_webhook"]
    assert stored("alert_webhook") == ""


def test_with_alerts_the_url_of_the_page_is_noted_for_their_links(form, portal):
    form.save(window="3")
    assert stored("alert_url") == ""
    form.save(alert_emails="ops@example.com")
    assert stored("alert_url") == portal.absolute_url()
    form.save(alert_url="https://edit.example.com")
    assert stored("alert_url") == "https://edit.example.com"


def test_a_webhook_of_the_environment_is_not_shown(form, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_ALERT_WEBHOOK", HOOK)
    contents = form.portal.restrictedTraverse("@@cloudfront-settings")()
    assert "CLOUDFRONT_ALERT_WEBHOOK is set" in contents
    assert "s3cret" not in contents
