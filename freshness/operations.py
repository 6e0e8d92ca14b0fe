"""What editors do, each a small function, in steps.

An operation is a generator: at each ``yield`` it names the paths that it is going to
work on, also those that do not exist yet. Then these and all others are cached, and
when it goes on, it changes something. What it changed before is checked first.

In a walk the content is chosen at random where ``pick`` is asked for it; otherwise
``pick`` returns its first argument.
"""

from collections.abc import Callable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from freshness.editor import Editor
from freshness.editor import NotPossible
from freshness.site import AUTHOR
from freshness.site import BULK
from freshness.site import FILE_NAME
from freshness.site import KEPT
from freshness.site import picture
from typing import Any

import base64
import time


Steps = Iterator[tuple[str, ...]]
Pick = Callable[..., str]
Operation = Callable[[Editor, Pick], Steps]

OPERATIONS: dict[str, Operation] = {}
#: Too slow for a walk.
NOT_IN_A_WALK: set[str] = set()
#: Every page is purged after these, and nothing is left at the edge to be stale.
EVERYWHERE: set[str] = set()

_LOGO = "filenameb64:bG9nby5wbmc=;datab64:"


def operation(function: Operation) -> Operation:
    """Register an operation under its name."""
    OPERATIONS[operation_name(function)] = function
    return function


def table_only(function: Operation) -> Operation:
    """Leave an operation out of walks."""
    NOT_IN_A_WALK.add(operation_name(function))
    return function


def everywhere(function: Operation) -> Operation:
    """Leave an operation out of most steps of walks."""
    EVERYWHERE.add(operation_name(function))
    return function


def operation_name(function: Operation) -> str:
    """Return the name of an operation."""
    return function.__name__.replace("_", "-")


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _id(path: str) -> str:
    return path.rpartition("/")[2]


def _pick_folder(pick: Pick, default: str) -> str:
    folder = pick(default, "Folder")
    if folder in KEPT:
        raise NotPossible(f"Other operations need {folder}.")
    return folder


# Edited


@operation
def edit_text(editor: Editor, pick: Pick) -> Steps:
    """The text of a page, over plone.restapi."""
    page = pick("/work/edit-text", "Document")
    yield (page,)
    editor.edit_text(page, editor.new_words("Edited"))


@operation
def edit_in_form(editor: Editor, pick: Pick) -> Steps:
    """Text and description of a page, in the Classic edit form."""
    page = pick("/work/edit-form", "Document")
    yield (page,)
    editor.edit_in_form(
        page,
        **{
            "form.widgets.IRichTextBehavior.text": f"<p>{editor.new_words('Edited')}</p>",
            "form.widgets.IDublinCore.description": editor.new_words("Described"),
        },
    )


@everywhere
@operation
def edit_title_at_top(editor: Editor, pick: Pick) -> Steps:
    """The title of a page that all pages have in their navigation."""
    yield ("/top-page",)
    editor.edit("/top-page", title=editor.new_words("Top"))


@operation
def edit_title_below(editor: Editor, pick: Pick) -> Steps:
    """The title of a page that a listing, a collection and a relation show."""
    page = pick("/work/edit-title", "Document")
    yield (page,)
    editor.edit(page, title=editor.new_words("Title"))


@operation
def edit_title_of_folder(editor: Editor, pick: Pick) -> Steps:
    """The title of a folder that is in the breadcrumbs of deep pages."""
    folder = pick("/deep/b/c", "Folder")
    yield (folder,)
    editor.edit(folder, title=editor.new_words("Folder"))


@operation
def edit_title_deep(editor: Editor, pick: Pick) -> Steps:
    """The title of a page below the depth of the navigation."""
    yield ("/deep/b/c/d/e/page",)
    editor.edit("/deep/b/c/d/e/page", title=editor.new_words("Deep"))


@operation
def edit_news(editor: Editor, pick: Pick) -> Steps:
    """Title and description of a news item."""
    news = pick("/work/news", "News Item")
    yield (news,)
    editor.edit(
        news, title=editor.new_words("News"), description=editor.new_words("Described")
    )


@operation
def edit_news_deep(editor: Editor, pick: Pick) -> Steps:
    """The title of a news item that no navigation, but a portlet on every page shows."""
    yield ("/deep/b/c/d/e/news",)
    editor.edit("/deep/b/c/d/e/news", title=editor.new_words("Deep"))


@operation
def edit_event(editor: Editor, pick: Pick) -> Steps:
    """When and where an event is."""
    event = pick("/work/event", "Event")
    yield (event,)
    editor.edit(
        event, location=editor.new_words("Hall"), title=editor.new_words("Event")
    )


@operation
def edit_collection(editor: Editor, pick: Pick) -> Steps:
    """The order of a collection."""
    path = pick("/work/collection", "Collection")
    yield (path,)
    editor.edit(
        path,
        sort_reversed=editor.new_number() % 2 == 1,
        description=editor.new_words("D"),
    )


@operation
def edit_link(editor: Editor, pick: Pick) -> Steps:
    """The target of a link."""
    link = pick("/link", "Link")
    yield (link,)
    editor.edit(link, remoteUrl=f"https://example.org/{editor.new_name('target')}")


@operation
def repeat_event(editor: Editor, pick: Pick) -> Steps:
    """An event that was over is repeated: a collection of what is to come finds it."""
    name = editor.new_name("repeated")
    started = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=9)
    event = editor.create(
        "/work",
        "Event",
        id=name,
        title=name,
        start=started.isoformat(),
        end=(started + timedelta(hours=1)).isoformat(),
    )
    editor.transition(event, "publish")
    yield (event,)
    editor.edit(event, recurrence="RRULE:FREQ=DAILY;COUNT=30")


@operation
def change_creators(editor: Editor, pick: Pick) -> Steps:
    """Who made a page; a collection asks for that."""
    page = pick("/work/edit-text", "Document")
    for creator in (AUTHOR, "somebody"):
        yield page, "/work/of-author"
        editor.edit(page, creators=[creator])


@operation
def replace_image(editor: Editor, pick: Pick) -> Steps:
    """The picture of an image; its scales have URLs of their own."""
    image = pick("/work/photo", "Image")
    yield (image,)
    number = editor.new_number()
    colour = f"#{number * 4321 % 0xFFFFFF:06x}"
    editor.replace_file(image, "image", picture(colour), f"photo-{number}.png")


@operation
def replace_lead_image(editor: Editor, pick: Pick) -> Steps:
    """The picture of a news item."""
    news = pick("/work/news", "News Item")
    yield (news,)
    colour = f"#{editor.new_number() * 1234 % 0xFFFFFF:06x}"
    editor.replace_file(news, "image", picture(colour), "news.png")


@operation
def replace_file(editor: Editor, pick: Pick) -> Steps:
    """A file, keeping its name, which is not ASCII."""
    file = pick("/file", "File")
    yield (file,)
    editor.replace_file(file, "file", editor.new_words("Data").encode(), FILE_NAME)


@table_only
@operation
def edit_while_a_page_is_made(editor: Editor, pick: Pick) -> Steps:
    """The title of a page, while a visitor waits for a slow page that shows it."""
    page = "/deep/b/c/d/e/page"
    yield (page,)
    with editor.while_visitor_waits(page):
        editor.edit(page, title=editor.new_words("Late"))


# Created, copied, renamed, moved, deleted


@operation
def create_and_publish(editor: Editor, pick: Pick) -> Steps:
    """A private page where "not found" is cached, which is published then."""
    folder = pick("/states", "Folder")
    name = editor.new_name("created")
    page = f"{folder}/{name}"
    yield (page,)
    editor.create(folder, "Document", id=name, title=name)
    yield (page,)
    editor.transition(page, "publish")


@operation
def copy(editor: Editor, pick: Pick) -> Steps:
    """A copy of a page, in another folder, and published."""
    page = pick("/moving/copy", "Document")
    folder = pick("/moving/target", "Folder")
    new = f"{folder}/{_id(page)}"
    yield page, new
    editor.copy(page, folder)
    yield page, new
    editor.transition(new, "publish")


@operation
def rename_page(editor: Editor, pick: Pick) -> Steps:
    """Another id and title for a page, in the folder contents."""
    page = pick("/moving/rename", "Document")
    new = f"{_parent(page)}/{editor.new_name('renamed')}"
    yield page, new
    editor.rename(page, _id(new))


@operation
def rename_page_at_top(editor: Editor, pick: Pick) -> Steps:
    """Another id for a page in the navigation of all pages."""
    page = pick("/top-rename", "Document")
    new = f"{_parent(page)}/{editor.new_name('renamed')}"
    yield page, new
    editor.edit(page, id=_id(new))


@operation
def create_at_old_path(editor: Editor, pick: Pick) -> Steps:
    """A page where another one was renamed, and a redirect is cached."""
    page = pick("/moving/again", "Document")
    new = f"{_parent(page)}/{editor.new_name('renamed')}"
    yield page, new
    editor.rename(page, _id(new))
    yield page, new
    editor.create(_parent(page), "Document", id=_id(page), title="Again")
    editor.transition(page, "publish")


@operation
def rename_folder(editor: Editor, pick: Pick) -> Steps:
    """Another id for a folder with descendants."""
    folder = _pick_folder(pick, "/moving/rename-folder")
    new = f"{_parent(folder)}/{editor.new_name('renamed-folder')}"
    yield folder, new, f"{folder}/sub/page", f"{new}/sub/page"
    editor.rename(folder, _id(new))


@operation
def move_linked_draft(editor: Editor, pick: Pick) -> Steps:
    """A private page that the text of a public one links to."""
    page = pick("/work/edit-text", "Document")
    name = editor.new_name("linked")
    draft = editor.create("/moving", "Document", id=name, title=name)
    link = f'<p><a href="resolveuid/{editor.uid(draft)}">A draft</a></p>'
    editor.edit(page, text={"data": link, "content-type": "text/html"})
    yield page, draft
    editor.move(draft, "/moving/target")


@operation
def move_page(editor: Editor, pick: Pick) -> Steps:
    """A page into another folder."""
    page = pick("/moving/move", "Document")
    folder = pick("/moving/target", "Folder")
    new = f"{folder}/{_id(page)}"
    yield page, new
    editor.move(page, folder)


@operation
def move_folder(editor: Editor, pick: Pick) -> Steps:
    """A folder with descendants into another one."""
    folder = _pick_folder(pick, "/moving/move-folder")
    target = pick("/moving/target", "Folder")
    if f"{target}/".startswith(f"{folder}/"):
        raise NotPossible("A folder cannot be moved into itself.")
    new = f"{target}/{_id(folder)}"
    yield folder, new, f"{folder}/sub/page", f"{new}/sub/page"
    editor.move(folder, target)


@operation
def move_into_private(editor: Editor, pick: Pick) -> Steps:
    """A published page into a private folder."""
    page = pick("/moving/copy", "Document")
    new = f"/moving/private/{_id(page)}"
    yield page, new
    editor.move(page, "/moving/private")


@operation
def move_out_of_private(editor: Editor, pick: Pick) -> Steps:
    """A page out of a private folder."""
    name = editor.new_name("in-private")
    page = editor.create("/moving/private", "Document", id=name, title=name)
    new = f"/moving/target/{name}"
    yield page, new
    editor.move(page, "/moving/target")


@operation
def delete_page(editor: Editor, pick: Pick) -> Steps:
    """A page that another one is related to."""
    page = pick("/moving/delete", "Document")
    yield (page,)
    editor.delete(page)


@everywhere
@operation
def delete_page_at_top(editor: Editor, pick: Pick) -> Steps:
    """A page in the navigation of all pages."""
    yield ("/top-delete",)
    editor.delete("/top-delete")


@operation
def delete_folder(editor: Editor, pick: Pick) -> Steps:
    """A folder with descendants."""
    folder = _pick_folder(pick, "/moving/delete-folder")
    yield folder, f"{folder}/sub", f"{folder}/sub/page"
    editor.delete(folder)


# Workflow and sharing


@operation
def publish(editor: Editor, pick: Pick) -> Steps:
    """A private page."""
    page = pick("/states/publish", "Document", "private")
    yield (page,)
    editor.transition(page, "publish")


@operation
def publish_at_top(editor: Editor, pick: Pick) -> Steps:
    """A private page that all pages then have in their navigation."""
    page = pick("/top-private", "Document", "private")
    yield (page,)
    editor.transition(page, "publish")


@operation
def retract(editor: Editor, pick: Pick) -> Steps:
    """A published page."""
    page = pick("/states/retract", "Document", "published")
    yield (page,)
    editor.transition(page, "retract")


@operation
def reject(editor: Editor, pick: Pick) -> Steps:
    """A page that was submitted for publication."""
    page = pick("/states/reject", "Document", "pending")
    yield (page,)
    editor.transition(page, "reject")


@operation
def retract_folder(editor: Editor, pick: Pick) -> Steps:
    """A folder whose children stay published, and are seen on their own."""
    folder = pick("/states/retract-folder", "Folder", "published")
    yield folder, f"{folder}/sub/page"
    editor.transition(folder, "retract")


@everywhere
@operation
def publish_many(editor: Editor, pick: Pick) -> Steps:
    """A folder and all in it, in one transaction."""
    names = [f"/bulk/bulk-{number:02}" for number in (1, 2, BULK)]
    yield "/bulk", *names
    # Retracted for the sake of it: Plone publishes what is below on the way.
    editor.transition("/bulk", "retract", include_children=False)
    editor.transition("/bulk", "publish", include_children=True)


@everywhere
@operation
def retract_many(editor: Editor, pick: Pick) -> Steps:
    """A folder and all in it, in one transaction."""
    yield "/bulk", "/bulk/bulk-01"
    editor.transition("/bulk", "retract", include_children=True)


@operation
def share_with_everybody(editor: Editor, pick: Pick) -> Steps:
    """A local role of a group: nothing that visitors see."""
    page = pick("/states/share", "Document")
    yield (page,)
    editor.share(page, {"Reader": editor.new_number() % 2 == 1}, "AuthenticatedUsers")


@operation
def share_inheritance(editor: Editor, pick: Pick) -> Steps:
    """Local roles are not inherited any more."""
    page = pick("/states/share", "Document")
    yield (page,)
    editor.inherit_roles(page, editor.new_number() % 2 == 0)


# Display of folders


@operation
def set_default_page(editor: Editor, pick: Pick) -> Steps:
    """A page in the place of a folder's listing."""
    page = pick("/folders/default-set/first", "Document")
    folder = _parent(page)
    yield folder, page
    editor.set_default_page(folder, _id(page))


@operation
def edit_default_page(editor: Editor, pick: Pick) -> Steps:
    """The text of a page that is shown at the folder, too."""
    page = pick("/folders/default-text/first", "Document")
    yield _parent(page), page
    editor.edit_text(page, editor.new_words("Default"))


@operation
def delete_default_page(editor: Editor, pick: Pick) -> Steps:
    """The page that is shown in the place of a folder's listing goes."""
    page = pick("/folders/default-gone/first", "Document")
    yield _parent(page), page
    editor.delete(page)


@operation
def unset_default_page(editor: Editor, pick: Pick) -> Steps:
    """The folder shows its listing again."""
    folder = pick("/folders/default-unset", "Folder")
    yield folder, f"{folder}/first"
    editor.set_layout(folder, "listing_view")


@operation
def change_layout(editor: Editor, pick: Pick) -> Steps:
    """Another view of a folder, over plone.restapi, which raises no event."""
    folder = pick("/folders/arranged", "Folder")
    yield (folder,)
    editor.edit(
        folder, layout=("summary_view", "tabular_view")[editor.new_number() % 2]
    )


@operation
def change_layout_in_classic(editor: Editor, pick: Pick) -> Steps:
    """Another view of a folder, in the Classic menu."""
    folder = pick("/folders/arranged", "Folder")
    yield (folder,)
    editor.set_layout(folder, ("album_view", "full_view")[editor.new_number() % 2])


@operation
def reorder(editor: Editor, pick: Pick) -> Steps:
    """The order of a folder's children, over plone.restapi."""
    page = pick("/folders/order/other", "Document")
    folder = _parent(page)
    yield (folder,)
    editor.edit(folder, ordering={"obj_id": _id(page), "delta": "top"})


@everywhere
@operation
def reorder_at_top(editor: Editor, pick: Pick) -> Steps:
    """The order of the navigation."""
    yield ()
    editor.edit("", ordering={"obj_id": "top-page", "delta": "bottom"})


@operation
def reorder_in_contents(editor: Editor, pick: Pick) -> Steps:
    """The order of a folder's children, in the folder contents."""
    page = pick("/folders/order/first", "Document")
    folder = _parent(page)
    yield (folder,)
    editor.classic(f"{folder}/fc-itemOrder", id=_id(page), delta="top")


@operation
def exclude_from_navigation(editor: Editor, pick: Pick) -> Steps:
    """A page that is in the navigation of its neighbours."""
    page = pick("/states/hide", "Document")
    yield (page,)
    editor.edit(page, exclude_from_nav=True)


# Time


@operation
def expire(editor: Editor, pick: Pick) -> Steps:
    """An expiry date in the past."""
    page = pick("/states/expire", "Document")
    yield (page,)
    # Not before it was published: Plone would refuse that
    passed = datetime.now(timezone.utc) - timedelta(minutes=2)
    editor.edit(page, expires=passed.isoformat())


def _next_minute() -> datetime:
    """Return a minute to come: Plone knows no seconds in these indexes."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=12)
    return soon.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, moment.timestamp() + 1.5 - time.time()))


@table_only
@operation
def arrive(editor: Editor, pick: Pick) -> Steps:
    """A publication date that comes."""
    page = pick("/states/arrive", "Document")
    moment = _next_minute()
    yield (page,)
    editor.edit(page, effective=moment.isoformat())
    yield (page,)
    _sleep_until(moment)


@table_only
@operation
def depart(editor: Editor, pick: Pick) -> Steps:
    """An expiry date that comes."""
    page = pick("/states/depart", "Document")
    moment = _next_minute()
    yield (page,)
    editor.edit(page, expires=moment.isoformat())
    yield (page,)
    # It is listed until the end of its last minute
    _sleep_until(moment + timedelta(minutes=1))


@table_only
@operation
def event_ends(editor: Editor, pick: Pick) -> Steps:
    """An event that is over, and leaves a collection."""
    event = pick("/deep/b/c/d/e/event", "Event")
    moment = _next_minute()
    yield (event,)
    started = moment - timedelta(hours=1)
    editor.edit(event, start=started.isoformat(), end=moment.isoformat())
    yield (event,)
    # It is listed until the end of its last minute
    _sleep_until(moment + timedelta(minutes=1))


# Comments, working copies


@operation
def comment(editor: Editor, pick: Pick) -> Steps:
    """A comment on a page."""
    yield ("/work/discussed",)
    editor.comment("/work/discussed", editor.new_words("Comment"))


@operation
def check_in(editor: Editor, pick: Pick) -> Steps:
    """A working copy in the place of the original."""
    page = pick("/work/check-out", "Document")
    yield (page,)
    working_copy = editor.check_out(page)
    editor.edit_text(working_copy, editor.new_words("Working copy"))
    yield page, working_copy
    editor.check_in(working_copy)


# The site


@everywhere
@operation
def site_title(editor: Editor, pick: Pick) -> Steps:
    """The title of the site, in the Site control panel."""
    yield ()
    editor.set_record("plone.site_title", editor.new_words("Site"))


@everywhere
@operation
def site_logo(editor: Editor, pick: Pick) -> Steps:
    """The logo of the site, which keeps its name."""
    yield ("/@@site-logo/logo.png",)
    colour = f"#{editor.new_number() * 7777 % 0xFFFFFF:06x}"
    data = base64.b64encode(picture(colour)).decode()
    editor.set_in_site_panel(site_logo=_LOGO + data)


@everywhere
@operation
def scales(editor: Editor, pick: Pick) -> Steps:
    """The size of a scale, in the Image Handling control panel."""
    photo = pick("/work/photo", "Image")
    yield (photo,)
    size = 200 + editor.new_number()
    editor.set_record(
        "plone.allowed_sizes", [f"preview {size}:{size}", "thumb 128:128"]
    )


@everywhere
@operation
def navigation_settings(editor: Editor, pick: Pick) -> Steps:
    """The depth of the navigation."""
    yield ()
    editor.set_record("plone.navigation_depth", 1 + editor.new_number() % 3)


@everywhere
@operation
def navigation_types(editor: Editor, pick: Pick) -> Steps:
    """The types in the navigation."""
    yield ()
    types: list[Any] = ["Document", "Folder"]
    types += ["Link", "Collection"] if editor.new_number() % 2 else ["News Item"]
    editor.set_record("plone.displayed_types", types)


@everywhere
@operation
def theme_setting(editor: Editor, pick: Pick) -> Steps:
    """Styles of one's own."""
    yield ()
    css = f"p {{ margin: {editor.new_number()}px }}"
    editor.set_record("plone.app.theming.interfaces.IThemeSettings.custom_css", css)


@everywhere
@operation
def theme_file(editor: Editor, pick: Pick) -> Steps:
    """A file of a theme in the database, in place of what was there."""
    number = editor.new_number()
    editor.upload_theme("mine", {"styles.css": f"p {{ margin: {number}px }}"})
    yield ("/++theme++mine/styles.css",)
    editor.upload_theme("mine", {"styles.css": f"q {{ margin: {number}px }}"})


@everywhere
@operation
def hide_portlet(editor: Editor, pick: Pick) -> Steps:
    """A portlet on every page is hidden, or shown again."""
    yield ()
    editor.classic(
        "/++contextportlets++plone.rightcolumn/@@toggle-visibility", name="all-news"
    )


@everywhere
@operation
def hide_viewlet(editor: Editor, pick: Pick) -> Steps:
    """A viewlet on every page is hidden, and shown again."""
    for what in ("hide", "show"):
        yield ()
        editor.classic(f"/@@manage-viewlets?{what}=plone.portalheader:plone.searchbox")


@everywhere
@operation
def author_name(editor: Editor, pick: Pick) -> Steps:
    """The full name of an author, which a table of pages shows."""
    page = pick("/folders/order/first", "Document")
    folder = _parent(page)
    editor.rename_author("jane", editor.new_words("Jane"))
    editor.edit(page, creators=["jane"])
    editor.edit(folder, layout="tabular_view")
    yield folder, page
    editor.rename_author("jane", editor.new_words("Jane"))


@everywhere
@operation
def undo(editor: Editor, pick: Pick) -> Steps:
    """A transaction undone in the ZMI, of which Plone tells nobody."""
    page = pick("/moving/undo", "Document")
    editor.edit_text(page, editor.new_words("Wrong"))
    yield (page,)
    editor.undo_last()


@everywhere
@operation
def undo_whatever(editor: Editor, pick: Pick) -> Steps:
    """Whatever came last, undone in the ZMI: here, the undoing."""
    yield ("/moving/undo",)
    editor.undo_last()
