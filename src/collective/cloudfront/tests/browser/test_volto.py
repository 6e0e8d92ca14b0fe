"""Specification: our control panel, and purging, in a real Volto.

``make volto`` builds Volto and runs these.
"""

from collective.cloudfront.demo.instance import free_port
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.instance import USER
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.tests.browser.conftest import DISTRIBUTION
from collective.cloudfront.tests.browser.conftest import OPTIONS
from collective.cloudfront.tests.browser.conftest import PATIENCE
from collective.cloudfront.tests.browser.volto import is_built
from collective.cloudfront.tests.browser.volto import Volto
from collective.cloudfront.tests.browser.volto import volto_home
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer
from playwright.sync_api import expect
from playwright.sync_api import Locator
from playwright.sync_api import Page

import pytest


pytestmark = pytest.mark.volto

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


# --- what runs -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plone(tmp_path_factory):
    """A Zope with one site, of the kind that Volto shows."""
    if not is_built():
        pytest.fail(
            f"There is no Volto in {volto_home()}. Build it: make volto.", pytrace=False
        )
    api_port = free_port()
    instance = Instance(
        tmp_path_factory.mktemp("plone"),
        environ={
            "AWS_ENDPOINT_URL_CLOUDFRONT": f"http://127.0.0.1:{api_port}",
            "AWS_ACCESS_KEY_ID": "AKIALOCALLOCALLOCAL0",
            "AWS_SECRET_ACCESS_KEY": "local",
            "CLOUDFRONT_CALL_RATE": "20",
        },
    )
    instance.api_port = api_port
    instance.configure()
    instance.run("collective.cloudfront.demo.make_site", DISTRIBUTION, "volto")
    instance.start()
    instance.wait_until_ready()
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def volto(plone, tmp_path_factory):
    """A running Volto."""
    volto = Volto(plone.site_url, tmp_path_factory.mktemp("volto") / "log")
    volto.start()
    yield volto
    volto.stop()


@pytest.fixture(scope="module")
def viewer(plone, volto):
    """A visitor at the edge, which is before Volto."""
    local = LocalCloudFront(
        origin=volto.url, options=Options(**OPTIONS), api_port=plone.api_port
    )
    with local:
        yield Viewer(local.edge_url)


@pytest.fixture
def editor(plone):
    """An editor who works by the REST API."""
    return Editor(plone.site_url)


# --- people ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session(chromium, volto):
    """The cookies of an administrator who has logged in."""
    with chromium.new_context(base_url=volto.url) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto("/login")
        page.get_by_label("Login Name").fill(USER)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.locator("#login-form-submit").click()
        expect(page.locator("#toolbar-personal")).to_be_visible()
        return context.storage_state()


@pytest.fixture
def page(chromium, volto, viewer, session, complaints):
    """An empty page of an administrator's."""
    with chromium.new_context(
        base_url=volto.url,
        locale="en-GB",
        storage_state=session,
        viewport={"width": 1200, "height": 900},
        reduced_motion="reduce",
    ) as context:
        context.set_default_timeout(PATIENCE)
        complaints.listen(context)
        yield context.new_page()


@pytest.fixture
def refused(complaints):
    """The browser may complain that the server has refused something."""
    complaints.expect("400")


def open_panel(page: Page) -> None:
    """Go to our panel by its address."""
    page.goto("/controlpanel/cloudfront")
    expect(page.locator(".formtabs")).to_be_visible()


def open_tab(page: Page, name: str) -> None:
    """Open a group of settings."""
    page.locator(".formtabs").get_by_text(name, exact=True).click()


def field(page: Page, name: str) -> Locator:
    """The input of a setting."""
    return page.locator(f"#field-{name}")


def save(page: Page) -> None:
    """Press Save, which is in the toolbar."""
    page.locator("#toolbar-save").click()


def message(page: Page) -> Locator:
    """What Volto says in a corner."""
    return page.locator(".Toastify__toast")


def error(page: Page, name: str) -> Locator:
    """What is wrong with a setting."""
    return page.locator(f".field-wrapper-{name} .form-error-label")


# --- what is shown ---------------------------------------------------------------------


def test_the_panel_is_in_the_site_setup(page):
    page.goto("/controlpanel")
    page.locator(".controlpanel").get_by_role("link", name="CloudFront").click()
    expect(page.locator("#page-controlpanel")).to_contain_text("CloudFront")
    assert page.url.endswith("/controlpanel/cloudfront")


def test_it_says_whether_purging_works(page, editor):
    editor.wait_until_sent()
    open_panel(page)
    expect(page.locator("#page-controlpanel")).to_contain_text(
        "Everything is delivered"
    )


def test_settings_are_in_groups_with_help_texts(page):
    open_panel(page)
    for tab, name, words in (
        ("Site and distribution", "distribution_id", "The ID of the CloudFront"),
        ("Scope and timing of purges", "window", "How long to collect changes"),
        ("Cache tags", "tag_header", "The response header"),
        ("Budget and history", "monthly_budget", "AWS bills each item"),
        ("AWS credentials", "aws_role_arn", "The ARN of an IAM role"),
    ):
        open_tab(page, tab)
        expect(field(page, name)).to_be_visible()
        expect(page.locator(f".field-wrapper-{name}")).to_contain_text(words)


def test_a_secret_is_not_shown(page, editor):
    editor.set(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    open_panel(page)
    open_tab(page, "AWS credentials")
    expect(field(page, "aws_access_key_id")).to_have_value(KEY_ID)
    secret = field(page, "aws_secret_access_key")
    expect(secret).to_have_value("")
    expect(secret).to_have_attribute("type", "password")
    expect(page.locator(".field-wrapper-aws_secret_access_key")).to_contain_text(
        "A key is stored and is never shown."
    )
    panels = [each for each in answers if "@controlpanels/cloudfront" in each.url]
    assert panels
    assert not [each for each in panels if SECRET in each.text()]
    assert SECRET not in page.content()


def test_what_it_looks_like(page, editor, refused, look):
    """In the documentation."""
    editor.set(aws_access_key_id="", aws_secret_access_key="")
    editor.wait_until_sent()
    open_panel(page)
    expect(page.locator("#page-controlpanel")).to_contain_text(
        "Everything is delivered"
    )
    look.picture_of_window(page, "volto", "#page-controlpanel form")
    field(page, "distribution_id").fill("d111111abcdef8.cloudfront.net")
    save(page)
    expect(error(page, "distribution_id")).to_be_visible()
    look.picture_of_window(page, "volto-error", ".field-wrapper-distribution_id")


# --- what is saved ---------------------------------------------------------------------


def test_a_form_saved_as_it_came_is_saved(page):
    open_panel(page)
    save(page)
    expect(message(page)).to_contain_text("Changes saved.")


def test_saving_keeps_a_secret_that_is_not_shown(page, editor):
    editor.set(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)
    open_panel(page)
    save(page)
    expect(message(page)).to_contain_text("Changes saved.")
    open_panel(page)
    open_tab(page, "AWS credentials")
    expect(page.locator("#page-controlpanel")).to_contain_text("A key is stored")


@pytest.mark.parametrize("seconds", ["3", "2.5", "0"])
def test_a_number_is_kept(page, seconds):
    open_panel(page)
    open_tab(page, "Scope and timing of purges")
    field(page, "again_after").fill(seconds)
    save(page)
    expect(message(page)).to_contain_text("Changes saved.")
    open_panel(page)
    open_tab(page, "Scope and timing of purges")
    expect(field(page, "again_after")).to_have_value(seconds)


def test_a_text_is_kept_and_can_be_cleared(page):
    for text in ("/intranet", ""):
        open_panel(page)
        field(page, "public_prefix").fill(text)
        save(page)
        expect(message(page)).to_contain_text("Changes saved.")
        open_panel(page)
        expect(field(page, "public_prefix")).to_have_value(text)


def test_a_choice_and_a_switch_are_kept(page):
    def choose(title):
        open_panel(page)
        open_tab(page, "Cache tags")
        page.locator("#field-cache_tags").click()
        page.get_by_text(title, exact=True).last.click()
        page.locator(".field-wrapper-volto_tags label").click()
        save(page)
        expect(message(page)).to_contain_text("Changes saved.")
        open_panel(page)
        open_tab(page, "Cache tags")
        expect(page.locator("#field-cache_tags")).to_contain_text(title)

    choose("Send tags only")
    expect(field(page, "volto_tags")).to_be_checked()
    choose("Automatically")
    expect(field(page, "volto_tags")).not_to_be_checked()


# --- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tab", "name", "value", "sentence"),
    [
        (
            "Site and distribution",
            "distribution_id",
            "wrong",
            "“wrong” is not the ID of a CloudFront distribution.",
        ),
        (
            "Site and distribution",
            "public_prefix",
            "it's <b>",
            "“it's <b>” is not a valid path prefix.",
        ),
        (
            "AWS credentials",
            "aws_role_arn",
            "admin",
            "“admin” is not the ARN of an IAM role.",
        ),
    ],
)
def test_what_is_wrong_stands_at_its_field(page, refused, tab, name, value, sentence):
    open_panel(page)
    open_tab(page, tab)
    before = field(page, name).input_value()
    field(page, name).fill(value)
    save(page)
    expect(error(page, name)).to_contain_text(sentence)
    open_panel(page)
    open_tab(page, tab)
    expect(field(page, name)).to_have_value(before)


def test_the_tab_of_the_error_opens(page, refused):
    open_panel(page)
    field(page, "distribution_id").fill("wrong")
    open_tab(page, "Budget and history")
    save(page)
    expect(error(page, "distribution_id")).to_be_visible()


def test_a_number_that_is_too_large_is_refused_before_it_is_sent(page):
    open_panel(page)
    open_tab(page, "Scope and timing of purges")
    field(page, "window").fill("100")
    save(page)
    expect(message(page)).to_contain_text("Coalescing window (seconds)")
    expect(error(page, "window")).to_contain_text("60")


# --- what is purged --------------------------------------------------------------------


def test_what_is_edited_in_volto_is_fresh_at_the_edge(page, viewer):
    """The page, and the responses of the REST API of which browsers make it."""
    viewer.warm("/about", "/++api++/about")
    page.goto("/about/edit")
    title = page.locator(".block-editor-title [contenteditable=true]")
    expect(title).to_have_text("About")
    title.fill("About Volto")
    save(page)
    expect(page.locator("h1.documentFirstHeading")).to_have_text("About Volto")
    for path in ("/about", "/++api++/about"):
        eventually(lambda path=path: "About Volto" in viewer.get(path).text)


def change_state(page: Page, transition: str) -> None:
    """Publish or retract the page that is shown, in the toolbar."""
    page.locator("#toolbar .more").click()
    state = page.locator(".state-select .react-select-container")
    state.click()
    state.get_by_text(transition, exact=True).click()
    expect(message(page)).to_be_visible()


def test_what_is_published_and_retracted_in_volto_is_fresh_at_the_edge(
    page, viewer, editor
):
    """Also what lists it: the navigation is on each page."""
    editor.create("", "Document", title="Autumn")
    editor.wait_until_sent()
    viewer.warm("/welcome", "/++api++/autumn")
    assert viewer.get("/++api++/autumn").status_code == 401
    page.goto("/autumn")
    change_state(page, "Publish")
    eventually(lambda: viewer.get("/++api++/autumn").status_code == 200)
    eventually(lambda: "Autumn" in viewer.get("/welcome").text)
    page.reload()
    change_state(page, "Retract")
    eventually(lambda: viewer.get("/++api++/autumn").status_code == 401)
    eventually(lambda: "Autumn" not in viewer.get("/welcome").text)
