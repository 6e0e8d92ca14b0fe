"""What editors and visitors do with add-ons: ``make addons``.

As in ``operations``; the content is in ``addons_site``, and is never picked at random.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.tests.outbox.redis.server import Server
from contextlib import contextmanager
from freshness.addons_editor import AddOnEditor as Editor
from freshness.addons_site import fields
from freshness.editor import NotPossible
from freshness.operations import operation_name
from freshness.operations import Pick
from freshness.operations import Steps
from pathlib import Path


AddOnOperation = Callable[[Editor, Pick], Steps]

ADD_ON_OPERATIONS: dict[str, AddOnOperation] = {}
_PAGES = ("/mosaic/page", "/mosaic/outer")
_IMPORTED = "/imported"


def operation(function: AddOnOperation) -> AddOnOperation:
    """Register an operation under its name."""
    ADD_ON_OPERATIONS[operation_name(function)] = function
    return function


@contextmanager
def redis(folder: Path) -> Iterator[dict[str, str]]:
    """Start a Redis in which collective.redismemoize keeps what Plone has computed."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder.absolute()).start()
    try:
        yield {"REDIS_MEMOIZE_URL": server.url}
    finally:
        server.kill()


# plone.app.mosaic


@operation
def mosaic_edit_shown(editor: Editor, pick: Pick) -> Steps:
    """The text, then the title, of a page that a tile of another page shows."""
    yield ("/mosaic/shown", *_PAGES)
    editor.edit_text("/mosaic/shown", editor.new_words("Shown in a tile"))
    yield ("/mosaic/shown", *_PAGES)
    editor.edit("/mosaic/shown", title=editor.new_words("Shown"))


@operation
def mosaic_retract_shown(editor: Editor, pick: Pick) -> Steps:
    """A page that a tile shows, retracted, and published again."""
    for transition in ("retract", "publish"):
        yield ("/mosaic/hidden", *_PAGES)
        editor.transition("/mosaic/hidden", transition)


@operation
def mosaic_listed(editor: Editor, pick: Pick) -> Steps:
    """A page in a listing tile: another title, retracted, deleted; a new one."""
    pages = ("/listed/second", *_PAGES)
    yield pages
    editor.edit("/listed/second", title=editor.new_words("Listed"))
    yield pages
    editor.transition("/listed/second", "retract")
    yield pages
    editor.delete("/listed/second")
    name = editor.new_name("listed")
    yield (f"/listed/{name}", *_PAGES)
    editor.create("/listed", "Document", id=name, title=name)
    editor.transition(f"/listed/{name}", "publish")


@operation
def mosaic_rename_shown(editor: Editor, pick: Pick) -> Steps:
    """Another id for a page that a tile shows, which is found by its UID."""
    name = editor.new_name("shown")
    yield ("/mosaic/shown", f"/mosaic/{name}", *_PAGES)
    editor.rename("/mosaic/shown", name)
    yield ("/mosaic/shown", f"/mosaic/{name}", *_PAGES)
    editor.rename(f"/mosaic/{name}", "shown")


@operation
def mosaic_edit_layout(editor: Editor, pick: Pick) -> Steps:
    """The layout of a page with tiles, which another page shows."""
    layout = editor.field("/mosaic/page", "customContentLayout")
    words = f"<p>{editor.new_words('Layout')}</p>"
    yield _PAGES
    editor.edit(
        "/mosaic/page",
        customContentLayout=layout.replace('content">', f'content">{words}'),
    )


# collective.easyform


@operation
def easyform_fields(editor: Editor, pick: Pick) -> Steps:
    """The fields of a form, over plone.restapi and in the model editor."""
    yield ("/forms/form",)
    editor.edit("/forms/form", fields_model=fields(editor.new_words("Line")))
    yield ("/forms/form",)
    editor.classic(
        "/forms/form/fields/@@modeleditor",
        source=fields(editor.new_words("Line")),
        **{"form.button.save": "Save"},
    )


@operation
def easyform_submit(editor: Editor, pick: Pick) -> Steps:
    """A visitor sends a form; nothing of it may be kept for the next one."""
    yield ("/forms/form",)
    page = editor.submit_form("/forms/form", editor.new_words("A secret"))
    if "secret" not in page:
        raise NotPossible("The page that thanks does not show what was sent.")


@operation
def easyform_thanks(editor: Editor, pick: Pick) -> Steps:
    """The words of thanks, and the words before the form."""
    yield ("/forms/form",)
    for field in ("thanksPrologue", "formPrologue"):
        words = f"<p>{editor.new_words('Thanks')}</p>"
        editor.edit(
            "/forms/form", **{field: {"data": words, "content-type": "text/html"}}
        )


@operation
def easyform_retract(editor: Editor, pick: Pick) -> Steps:
    """A form that visitors may not see any more."""
    yield ("/forms/embedded",)
    editor.transition("/forms/embedded", "retract")


# collective.exportimport, plone.exportimport


@operation
def import_again(editor: Editor, pick: Pick) -> Steps:
    """Content exported, changed, and imported over what is there."""
    exported = editor.export(_IMPORTED, "Document")
    for item in exported:
        item["title"] = editor.new_words("Imported")
    yield (_IMPORTED, f"{_IMPORTED}/one")
    editor.import_content(exported)


@operation
def import_retracted(editor: Editor, pick: Pick) -> Steps:
    """Content imported over what is there, which is private then, and public again."""
    exported = editor.export(_IMPORTED, "Document")
    for state in ("private", "published"):
        for item in exported:
            item["review_state"] = state
            item.pop("workflow_history", None)
        yield (_IMPORTED, f"{_IMPORTED}/one", f"{_IMPORTED}/two")
        editor.import_content(exported)


@operation
def import_new(editor: Editor, pick: Pick) -> Steps:
    """Content deleted, and imported from what was exported before."""
    exported = editor.export(_IMPORTED, "Document")
    yield (_IMPORTED, f"{_IMPORTED}/three")
    editor.delete(f"{_IMPORTED}/three")
    yield (_IMPORTED, f"{_IMPORTED}/three")
    editor.import_content(exported, existing=0)


@operation
def import_ordering(editor: Editor, pick: Pick) -> Steps:
    """The order of content, which collective.exportimport sets without events."""
    uids = [editor.uid(f"{_IMPORTED}/{name}") for name in ("one", "two")]
    yield (_IMPORTED,)
    orders = [{"uuid": uid, "order": 3 - n} for n, uid in enumerate(uids)]
    editor.import_other("ordering", orders)


@operation
def import_default_pages(editor: Editor, pick: Pick) -> Steps:
    """The default page of a folder, set without events."""
    folder = f"{_IMPORTED}/default"
    for name in ("front", "back"):
        yield (folder, f"{folder}/{name}")
        uids = {"uuid": editor.uid(folder), "default_page": name}
        editor.import_other("defaultpages", [uids])


@operation
def import_local_roles(editor: Editor, pick: Pick) -> Steps:
    """Local roles, and that they are not acquired, set without events."""
    yield (_IMPORTED, f"{_IMPORTED}/default/front")
    roles = {"uuid": editor.uid(_IMPORTED), "localroles": {"jane": ["Reader"]}}
    editor.import_other("localroles", [{**roles, "block": 1}])


@operation
def import_comments(editor: Editor, pick: Pick) -> Steps:
    """Comments that were exported."""
    page = "/talk/open"
    item = {
        "comment_id": str(1000 + editor.new_number()),
        "creation_date": "2026-01-02T03:04:05",
        "modification_date": "2026-01-02T03:04:05",
        "author_name": "Jane",
        "author_username": "jane",
        "text": editor.new_words("Imported"),
        "user_notification": False,
        "in_reply_to": None,
    }
    yield (page,)
    found = {"uuid": editor.uid(page), "conversation": {"items": [item]}}
    editor.import_other("discussion", [found])


# Products.CMFPlacefulWorkflow


@operation
def placeful_policy(editor: Editor, pick: Pick) -> Steps:
    """A workflow policy of a folder: what is in it is for members, and again for all."""
    paths = ("/policies/inner", "/policies/inner/page", "/policies/inner/other")
    view = "/policies/@@placeful-workflow-configuration"
    editor.classic(view, add_wp_for_type="Add")
    for policy in ("intranet", "one-state", "simple-publication"):
        yield paths
        editor.classic(
            view,
            policy_in="",
            policy_below=policy,
            update_security="1",
            submit="Save",
        )


@operation
def placeful_policy_goes(editor: Editor, pick: Pick) -> Steps:
    """The workflow policy of a folder is changed without security, and removed."""
    paths = ("/policies/inner", "/policies/inner/page")
    view = "/policies/@@placeful-workflow-configuration"
    yield paths
    editor.classic(view, policy_in="", policy_below="one-state", submit="Save")
    yield paths
    editor.classic("/policies/manage_delObjects", **{"ids:list": ".wf_policy_config"})


# plone.app.iterate


@operation
def check_out_and_in(editor: Editor, pick: Pick) -> Steps:
    """A page with tiles' content is checked out, edited, and checked in."""
    page = "/mosaic/shown"
    yield (page, *_PAGES)
    working_copy = editor.check_out(page)
    yield (page, working_copy, *_PAGES)
    editor.edit(working_copy, title=editor.new_words("Checked"))
    yield (page, working_copy, *_PAGES)
    editor.check_in(working_copy)


@operation
def check_out_cancelled(editor: Editor, pick: Pick) -> Steps:
    """A working copy is made, and thrown away."""
    page = "/mosaic/linked"
    yield (page,)
    working_copy = editor.check_out(page)
    yield (page, working_copy)
    editor.cancel_check_out(working_copy)


# plone.app.discussion


@operation
def comment_by_a_visitor(editor: Editor, pick: Pick) -> Steps:
    """A comment of somebody who is not logged in, in the form on the page."""
    yield ("/talk/open",)
    editor.comment_as_visitor("/talk/open", editor.new_words("Visitor"))


@operation
def comment_moderated(editor: Editor, pick: Pick) -> Steps:
    """A comment that waits for a moderator, and is published."""
    page = "/talk/moderated"
    editor.moderate_comments(True)
    yield (page,)
    editor.comment_as_visitor(page, editor.new_words("Waiting"))
    comment = editor.comments(page)[-1]
    yield (page,)
    editor.moderate(page, comment, "transmit-comment", workflow_action="publish")
    editor.moderate_comments(False)


@operation
def comments_in_bulk(editor: Editor, pick: Pick) -> Steps:
    """All comments of a page are deleted in the moderation view."""
    page = "/talk/open"
    for _each in range(2):
        editor.comment(page, editor.new_words("Bulk"))
    comments = editor.comments(page)
    yield (page,)
    editor.classic(
        "/bulk-actions",
        **{
            "form.select.BulkAction": "delete",
            "paths:list": [
                f"/Plone{page}/++conversation++default/{comment}"
                for comment in comments
            ],
        },
    )


# plone.app.imagecropping


@operation
def crop(editor: Editor, pick: Pick) -> Steps:
    """A scale of a picture shows a part of it, and all of it again."""
    form = {"fieldname": "image", "scale": "preview"}
    part = {"x": "500", "y": "0", "width": "300", "height": "300"}
    for change in (part, {"remove": "1"}):
        yield ("/cropped", "/cropped/@@images/image/preview")
        editor.classic("/cropped/@@crop-image", **form, **change)


# plone.app.multilingual


@operation
def translate(editor: Editor, pick: Pick) -> Steps:
    """A page gets a translation, which is published, edited, and retracted."""
    name = editor.new_name("uebersetzt")
    translation = f"/de/{name}"
    paths = ("/en/apart", translation)
    yield paths
    editor.create("/de", "Document", id=name, title=name, language="de")
    editor.transition(translation, "publish")
    yield paths
    editor.link("/en/apart", translation)
    yield paths
    editor.edit(translation, title=editor.new_words("Titel"))
    yield paths
    editor.transition(translation, "retract")


@operation
def unlink_translation(editor: Editor, pick: Pick) -> Steps:
    """A translation is not one any more."""
    yield ("/en/page", "/de/page-de")
    editor.unlink("/en/page", "de")


@operation
def add_a_language(editor: Editor, pick: Pick) -> Steps:
    """Another language of the site."""
    yield ("/es",)
    editor.set_record("plone.available_languages", ["en", "de", "es"])


# All


@operation
def uninstall_and_install(editor: Editor, pick: Pick) -> Steps:
    """Add-ons are removed, and installed again."""
    for add_on in ("plone.app.imagecropping", "collective.easyform"):
        for action in ("uninstall", "install"):
            yield ("/forms/form", "/cropped")
            editor.change_add_on(add_on, action)


@operation
def delete_with_add_ons(editor: Editor, pick: Pick) -> Steps:
    """Folders with forms, with tiles, and with a policy are deleted."""
    for folder in ("/forms", "/listed", "/policies"):
        yield (folder, *_PAGES)
        editor.delete(folder)
