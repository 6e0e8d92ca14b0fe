"""The table of requests that must hold behind the templates that we print."""

from .fake_plone import PUBLIC
from .fake_plone import Reply
from .viewers import Ask
from .viewers import get
from .viewers import head
from .viewers import HOST
from .viewers import post
from .viewers import TOKEN
from .viewers import World
from collective.cloudfront.blueprint import Editors
from collective.cloudfront.blueprint import Interface
from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint import Server
from collective.cloudfront.blueprint import Tenant
from collective.cloudfront.blueprint.cloudformation import render
from collective.cloudfront.local.template import parse_template

import pytest


CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/x"
SESSION = {Interface.CLASSIC: "__ac=secret", Interface.VOLTO: "auth_token=secret"}


def made(**options):
    """Return what the template for these options says."""
    text = render(right(Options(**options)))
    names = ("CertificateArn", "EditorsCertificateArn")
    return parse_template(
        text, {name: CERTIFICATE for name in names if f"  {name}:\n" in text}
    )


class Site(World):
    """A world that knows the session cookie."""

    def __init__(self, plone, **options):
        self.interface = options.get("interface", Interface.CLASSIC)
        super().__init__(*plone, made(**options))

    def editor(self, path, **headers):
        return self.ask(get(path, Cookie=SESSION[self.interface], **headers))

    def results(self, *wanted):
        return [self.ask(each).x_cache for each in wanted]


@pytest.fixture(params=list(Interface), ids=lambda each: each.value)
def interface(request):
    return request.param


@pytest.fixture
def site(plone, interface):
    return Site(plone, interface=interface)


@pytest.mark.parametrize(
    "other",
    [
        get("/page", Cookie="_ga=GA1.2; _gid=3; consent=yes"),
        get("/page", Accept_Language="de", User_Agent="Firefox", Referer="/x"),
        get("/page", Cache_Control="no-cache", Pragma="no-cache"),
        head("/page"),
    ],
    ids=["trackers", "browsers", "reload", "HEAD"],
)
def test_visitors_share_a_page(other, site):
    assert site.results(get("/page"), other) == ["Miss", "Hit"]
    site.invalidate("/page")
    assert site.results(other, get("/page")) == ["Miss", "Hit"]


def test_who_is_logged_in_gets_a_page_of_their_own_that_nobody_else_gets(site):
    site.ask(get("/page"))
    for _ in range(2):
        got = site.editor("/page")
        assert got.x_cache == "Miss"
        assert "an editor" in got.text
    got = site.ask(get("/page"))
    assert got.x_cache == "Hit"
    assert "anybody" in got.text


def test_a_private_page_is_never_cached(site):
    for _ in range(2):
        assert "an editor" in site.editor("/private").text
        assert site.ask(get("/private")).status == 302
    assert len(site.plone.asked) == 4
    cache = site.cloudfront.edge.cache_of("EDEMO1234567").describe()
    assert [entry["url"] for entry in cache if "private" in entry["url"]] == []


def test_what_an_editor_filled_the_cache_with_is_not_shown_to_others(site):
    site.editor("/page")
    assert "anybody" in site.ask(get("/page")).text


def test_the_api_knows_who_has_a_token(site):
    asked = [get("/++api++/page", **TOKEN), get("/++api++/page")]
    assert site.results(*asked, *asked) == ["Miss", "Miss", "Miss", "Hit"]
    assert site.plone.asked[0].headers["Authorization"] == "Bearer good"


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "OPTIONS"])
def test_changes_with_a_token_reach_plone(method, site):
    headers = {**TOKEN, "Content-Type": "application/json", "Prefer": "return=minimal"}
    for _ in range(2):
        body = '{"title": 1}' if method in ("POST", "PATCH") else ""
        site.ask(Ask("/++api++/page", method, headers, body))
        assert (site.last.method, site.last.body) == (method, body.encode())
        assert {name: site.last.headers[name] for name in headers} == headers
    assert len(site.plone.asked) == 2


@pytest.mark.parametrize("path", ["/login", "/folder/login"])
def test_people_can_log_in(path, site):
    assert site.results(get(path), get(path)) == ["Miss", "Miss"]
    got = site.ask(
        post(path, "name=a", Content_Type="application/x-www-form-urlencoded")
    )
    assert (got.status, got.headers["Set-Cookie"]) == (302, "__ac=secret")
    assert site.last.body == b"name=a"
    assert site.last.headers["Content-Type"] == "application/x-www-form-urlencoded"
    site.ask(get(f"{path}?came_from=/private"))
    assert site.last.path.endswith(f"{path}?came_from=/private")


@pytest.mark.parametrize("folder", ["", "/folder"])
def test_forms_of_editors_are_never_kept_not_even_for_themselves(folder, site):
    """Volto's pages have no Cache-Control, so a form would be kept like a page."""
    forms = {
        Interface.CLASSIC: ("/login",),
        Interface.VOLTO: ("/login", "/logout", "/edit", "/add", "/contents"),
    }
    for form in forms[site.interface]:
        site.plone.replies[folder + form] = Reply(200, "<form>")
        assert [site.editor(folder + form).x_cache for _ in range(2)] == ["Miss"] * 2


def test_each_query_string_is_a_page_and_reaches_plone_as_it_is(site):
    urls = ["/page?b_start:int=20", "/page?a=1&b=2", "/page?b=2&a=1", "/page"]
    assert site.results(*map(get, urls)) == ["Miss"] * 4
    assert [each.path for each in site.plone.asked] == urls
    assert site.results(*map(get, urls)) == ["Hit"] * 4


def test_plone_knows_the_public_host(interface, plone):
    site = Site(plone, interface=interface)
    origin = site.cloudfront.edge.configs["EDEMO1234567"].default.origin
    site.ask(get("/page"))
    assert f"/https/{HOST}:443/" in origin.path or site.last.headers["Host"] == HOST
    without_path = Site(plone, interface=interface, site="")
    without_path.ask(get("/page"))
    assert without_path.last.headers["Host"] == HOST


def test_another_host_is_not_answered(site):
    assert site.ask(get("/page", Host="elsewhere.example.com")).status == 403


def test_redirects_are_cached_but_for_the_way_to_the_login_form(site):
    moved, private = get("/moved"), get("/private")
    assert site.results(moved, moved, private, private) == [
        "Miss",
        "Hit",
        "Miss",
        "Miss",
    ]


def test_a_missing_page_is_seen_soon_after_it_is_there(site):
    assert site.ask(get("/new")).status == 404
    site.plone.replies["/new"] = Reply(200, "here", {"Cache-Control": PUBLIC})
    site.clock.advance(11)
    assert site.ask(get("/new")).text == "here"


@pytest.mark.parametrize("status", [401, 403])
def test_nobody_gets_a_refusal_that_was_for_somebody_else(status, site):
    site.plone.replies["/page"] = Reply(status, "no", {"Cache-Control": "no-cache"})
    site.ask(get("/page"))
    del site.plone.replies["/page"]
    assert site.ask(get("/page")).status == 200


def test_while_plone_is_away_visitors_see_the_last_page(site):
    site.ask(get("/page"))
    site.clock.advance(90_000)
    here, site.cloudfront.edge.origin = (
        site.cloudfront.edge.origin,
        "http://127.0.0.1:1",
    )
    assert site.ask(get("/page")).status == 200
    assert site.ask(get("/other")).status == 502
    site.cloudfront.edge.origin = here
    site.clock.advance(6)
    assert site.ask(get("/search")).status == 200


def test_conditions_and_ranges(site):
    etag = site.ask(get("/page")).headers["ETag"]
    assert site.ask(get("/page", If_None_Match=etag)).status == 304
    part = site.ask(get("/page", Range="bytes=0-4"))
    assert (part.status, part.text, part.x_cache) == (206, "/page", "Hit")


def test_pages_are_compressed(site):
    packed = site.ask(get("/page", Accept_Encoding="gzip, deflate, br"))
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "anybody" in packed.text


def test_everybody_shares_static_resources(site):
    path = "/++plone++static/a.css"
    if site.interface is Interface.VOLTO:
        path = "/static/a.js"
    site.ask(get(path))
    assert site.editor(path).x_cache == "Hit"


def test_viewers_see_no_tags_and_are_protected(site):
    for _ in range(2):
        got = site.ask(get("/page"))
        assert got.headers["Cache-Tag"] is None
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Strict-Transport-Security"]


def test_tags_purge_pages_only_where_they_are_chosen(interface, plone):
    for tags, expected in ((True, "Miss"), (False, "Hit")):
        site = Site(plone, interface=interface, tags=tags)
        site.ask(get("/page"))
        site.invalidate("#page-1")
        assert site.ask(get("/page")).x_cache == expected


def test_http_leads_to_https(site):
    site.cloudfront.edge.viewer_protocol = "http"
    got = site.ask(get("/page"))
    assert (got.status, got.headers["Location"]) == (301, f"https://{HOST}/page")


def test_editors_may_have_a_host_of_their_own_where_nothing_is_cached(interface, plone):
    site = Site(
        plone,
        interface=interface,
        editors=Editors.HOST,
        editors_domains=("edit.example.com",),
    )
    mine = get("/page", Cookie=SESSION[interface], Host="edit.example.com")
    assert site.results(mine, mine) == ["Miss", "Miss"]
    assert "an editor" in site.ask(mine).text
    # At the public host, even they are anybody
    assert "anybody" in site.editor("/page").text


def test_the_api_may_have_a_server_of_its_own(plone):
    site = Site(
        plone,
        interface=Interface.VOLTO,
        api_origin=Server("api.example.com"),
    )
    site.ask(get("/++api++/page"))
    assert site.last.headers["Host"] == "api.example.com"
    site.ask(get("/page"))
    assert site.last.headers["Host"] in ("origin.example.com", HOST)


def test_each_tenant_has_a_site_and_a_cache_of_its_own(plone):
    site = Site(
        plone,
        domains=(),
        tenants=(
            Tenant("one", "one.example.com", "One"),
            Tenant("two", "two.example.com", "Two"),
        ),
    )
    asked = [get("/page", Host=f"{name}.example.com") for name in ("one", "two")]
    assert site.results(*asked, *asked) == ["Miss", "Miss", "Hit", "Hit"]
    assert [each.root for each in site.plone.asked] == [
        f"/VirtualHostBase/https/{domain}.example.com:443/{name}/VirtualHostRoot"
        for domain, name in (("one", "One"), ("two", "Two"))
    ]


def test_requests_with_the_header_go_to_the_staging_distribution(interface, plone):
    site = Site(plone, interface=interface, staging=True)
    staging = site.cloudfront.edge.configs["EDEMO1234567"].staging
    tried = get("/page", **{staging.header: staging.value})
    assert site.results(get("/page"), tried, get("/page"), tried) == [
        "Miss",
        "Miss",
        "Hit",
        "Hit",
    ]
    # Each has a cache of its own
    site.invalidate("/page")
    assert site.results(get("/page"), tried) == ["Miss", "Hit"]
    other = get("/page", **{staging.header: "other"})
    assert site.results(other) == ["Hit"]
