"""Specification of the message catalogues. ``make i18n`` brings them up to date."""

from collections.abc import Iterator
from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.doctor.findings import MESSAGES
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import WORDING
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.testing import use_distributions
from dataclasses import dataclass
from lxml import html
from pathlib import Path
from plone.i18n.utility import setLanguageBinding
from plone.registry.interfaces import IRegistry
from pythongettext.msgfmt import Msgfmt
from zope.component import getUtility
from zope.i18n import translate

import ast
import collective.cloudfront
import gettext
import pytest
import re


PACKAGE = Path(collective.cloudfront.__file__).parent
DOMAIN = "collective.cloudfront"
LANGUAGES = ("de", "es", "fr", "nl", "pt_BR")
#: Rooms without sentences for people who use a browser.
SILENT = ("tests", "local", "demo")


@dataclass(frozen=True)
class Message:
    """An entry of a catalogue; ``english`` is the default, or the id if it has none."""

    id: str
    english: str
    text: str
    fuzzy: bool


def read(path: Path) -> dict[str, Message]:
    """Return the entries of a catalogue, by id, without the header."""
    blocks = path.read_text("utf-8").strip().split("\n\n")[1:]
    entries = map(_entry, blocks)
    return {entry.id: entry for entry in entries}


def _entry(block: str) -> Message:
    def text(keyword: str) -> str:
        found = re.search(rf'^{keyword} ((?:".*"\n?)+)', block, re.MULTILINE)
        assert found, block
        return "".join(map(ast.literal_eval, found[1].splitlines()))

    default = re.search(r'^#\. Default: "(.*)"$', block, re.MULTILINE)
    return Message(
        id=text("msgid"),
        english=default[1].replace('\\"', '"') if default else text("msgid"),
        text=text("msgstr"),
        fuzzy=bool(re.search(r"^#,.*fuzzy", block, re.MULTILINE)),
    )


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\$\{.*?\}", text))


POT = read(PACKAGE / "locales" / f"{DOMAIN}.pot")


def path_of(language: str) -> Path:
    return PACKAGE / "locales" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


@pytest.fixture(params=LANGUAGES)
def catalogue(request) -> Path:
    return path_of(request.param)


# --- the template: what the sources say ----------------------------------------------


def sources(pattern: str) -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob(pattern)):
        if path.relative_to(PACKAGE).parts[0] not in SILENT:
            yield path


def messages_in_python() -> Iterator[tuple[str, str]]:
    """Yield the id and the default of every ``_("id", default="…")``."""
    for path in sources("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                named = {each.arg: each.value for each in node.keywords}
                yield (
                    ast.literal_eval(node.args[0]),
                    ast.literal_eval(named["default"]),
                )


def messages_made_at_run_time() -> Iterator[tuple[str, str]]:
    """Yield id and default of what has its sentence in a room without Zope."""
    for code, sentence in WORDING.items():
        if code != "text":  # is nothing but its value
            yield f"wording_{code}", sentence
    for name, label in CHECKS.items():
        yield f"connection_check_{name}", label
    for code, text in MESSAGES.items():
        yield f"connection_{code}", text.text
        if text.advice:
            yield f"connection_advice_{code}", text.advice


def ids_in_templates() -> Iterator[str]:
    for path in sources("*.pt"):
        source = path.read_text("utf-8")
        yield from re.findall(r'\bi18n:translate="([^"]+)"', source)
        for attributes in re.findall(r'\bi18n:attributes="([^"]+)"', source):
            yield from (each.split()[1] for each in attributes.split(";") if each)


def test_what_python_says_is_in_the_template():
    found = list(messages_in_python())
    assert len(found) > 100
    wrong = {id for id, default in found if POT[id].english != default}
    assert wrong == set(), 'run "make i18n"'


def test_what_page_templates_say_is_in_the_template():
    found = set(ids_in_templates())
    assert len(found) > 50
    assert found - set(POT) == set(), 'run "make i18n"'


def test_what_is_made_at_run_time_is_in_the_template():
    wrong = {
        id for id, english in messages_made_at_run_time() if POT[id].english != english
    }
    assert wrong == set(), 'run "make i18n"'


def test_titles_of_profiles_and_actions_are_in_the_template():
    assert {"CloudFront", "With CloudFront", "Purge from CloudFront"} <= set(POT)


def test_the_template_has_nothing_that_no_source_says():
    said = {
        id for id, _default in [*messages_in_python(), *messages_made_at_run_time()]
    }
    said |= set(ids_in_templates())
    # Titles and descriptions of ZCML and profiles are their own ids
    rest = {id for id, entry in POT.items() if id not in said and entry.english != id}
    assert rest == set(), 'run "make i18n"'


# --- the languages -------------------------------------------------------------------


def test_there_are_these_languages():
    found = {path.parent.parent.name for path in PACKAGE.rglob(f"{DOMAIN}.po")}
    assert found == set(LANGUAGES)


def test_every_message_is_there_and_no_other(catalogue):
    assert set(read(catalogue)) == set(POT)
    assert not re.search(r"^#~", catalogue.read_text("utf-8"), re.MULTILINE)


def test_every_message_is_translated(catalogue):
    assert [each.id for each in read(catalogue).values() if not each.text] == []


def test_no_translation_is_of_another_english_sentence(catalogue):
    entries = read(catalogue).values()
    assert [each.id for each in entries if each.fuzzy] == []
    assert [each.id for each in entries if each.english != POT[each.id].english] == []


def test_the_placeholders_are_those_of_the_english_sentence(catalogue):
    wrong = [
        each.id
        for each in read(catalogue).values()
        if placeholders(each.text) != placeholders(each.english)
    ]
    assert wrong == []


def test_sentences_end_as_the_english_ones_do(catalogue):
    ends = {":": ":", ".": ".", "…": "…", "?": "?"}
    wrong = [
        each.id
        for each in read(catalogue).values()
        if ends.get(each.text[-1:]) != ends.get(each.english[-1:])
    ]
    assert wrong == []


def test_quotation_marks_are_typographic(catalogue):
    assert [each.id for each in read(catalogue).values() if '"' in each.text] == []


def test_it_compiles(catalogue):
    with catalogue.open("rb") as file:
        translations = gettext.GNUTranslations(Msgfmt(file, DOMAIN).getAsFile())
    entry = read(catalogue)["state_delivered"]
    assert translations.gettext(entry.id) == entry.text != entry.english


# --- what people see -----------------------------------------------------------------


@pytest.fixture
def speak(portal, http_request):
    """Have the site speak a language, by Plone's name for it."""

    def choose(language: str) -> None:
        registry = getUtility(IRegistry)
        registry["plone.available_languages"] = ["en", language]
        registry["plone.default_language"] = language
        setLanguageBinding(http_request)

    return choose


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_site_speaks_its_language(speak, http_request, language):
    speak(language.lower().replace("_", "-"))
    spoken = translate(_("state_delivered", default="x"), context=http_request)
    assert spoken == read(path_of(language))["state_delivered"].text


@pytest.mark.parametrize(
    "view", ["controlpanel", "settings", "log", "purge", "purge-all", "purge-content"]
)
def test_a_page_in_german_has_no_english_sentence(portal, process, speak, view):
    make_something_to_see(process)
    speak("de")
    here = portal
    if view == "purge-content":
        here = portal[portal.invokeFactory("Folder", "news", title="News")]
    shown = text_of(here.restrictedTraverse(f"@@cloudfront-{view}")())
    assert "CloudFront" in shown
    assert english_in(shown) == []


def test_the_page_in_german_is_german(portal, process, speak):
    make_something_to_see(process)
    speak("de")
    shown = text_of(portal.restrictedTraverse("@@cloudfront-controlpanel")())
    assert "Letzte Invalidierungen" in shown  # a template
    assert "Zu leerende Inhaltstypen" in shown  # a check
    assert "jane: Einstellungen" in shown  # a cause
    assert (
        "CloudFront hat die Anfrage abgelehnt (AccessDenied: no)" in shown
    )  # the courier
    assert "benutzt, cloudfront:CreateInvalidation für" in shown  # its advice
    shown = text_of(portal.restrictedTraverse("@@cloudfront-settings")())
    assert "Zugriffsschlüssel-ID" in shown  # the form


def make_something_to_see(process) -> None:
    registry = getUtility(IRegistry)
    use_distributions()
    registry["collective.cloudfront.window"] = 0.0
    registry["collective.cloudfront.monthly_budget"] = 1
    cause = Cause("jane", code="settings")
    items = [Entry(DISTRIBUTION, f"/{number}", cause=cause) for number in range(5)]
    process.outbox.release("one", items)
    process.courier.round()
    process.outbox.release("two", items)
    process.outbox.claim(DISTRIBUTION, 60.0)
    process.outbox.wait(
        DISTRIBUTION,
        reason=message("refused", error="AccessDenied: no"),
        advice=message("advice_denied", operation="CreateInvalidation"),
        paused=True,
        until=process.courier._clock() + 60,
    )


def text_of(page: str) -> str:
    tree = html.fromstring(page)
    for each in tree.xpath("//script | //style"):
        each.drop_tree()
    return " ".join(tree.text_content().split())


def english_in(shown: str) -> list[str]:
    """Return our English sentences, or parts of them, that can be seen."""
    german = " ".join(each.text for each in read(path_of("de")).values())
    return [
        part
        for entry in POT.values()
        for part in re.split(r"\$\{.*?\}", entry.english)
        if len(part.split()) > 1 and part not in german and part.strip() in shown
    ]
