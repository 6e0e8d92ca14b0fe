"""Runs in Zope: a small site with add-ons that people have.

``python -m freshness.addons_site etc/zope.conf E123 classic``. ``make addons`` uses it.
"""

from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.make_site import main
from collective.cloudfront.demo.make_site import make_site
from freshness.site import _add
from freshness.site import _add_pages
from freshness.site import _configure
from freshness.site import picture
from typing import Any
from urllib.parse import urlencode

import sys
import transaction


#: collective.exportimport, collective.purgebyid and collective.redismemoize have none.
PROFILES = (
    "plone.app.discussion:default",
    "plone.app.iterate:default",
    "Products.CMFPlacefulWorkflow:CMFPlacefulWorkflow",
    "plone.app.multilingual:default",
    "plone.app.imagecropping:default",
    "collective.easyform:default",
    "collective.taxonomy:default",
    "plone.app.mosaic:default",
)
_TILES = "plone.app.standardtiles"
_LAYOUT = """\
<!DOCTYPE html>
<html lang="en" data-layout="./@@default-site-layout">
<body>
<div data-panel="content">{}</div>
</body>
</html>
"""
_MODEL = """\
<model xmlns="http://namespaces.plone.org/supermodel/schema"><schema>{}</schema></model>
"""
_SAVER = """\
<field name="saver" type="collective.easyform.actions.SaveData"><title>Saver</title></field>
"""


def fields(*titles: str) -> str:
    """Return the model of a form with optional lines of text."""
    return _MODEL.format(
        "".join(
            f'<field name="line{number}" type="zope.schema.TextLine">'
            f"<title>{title}</title><required>False</required></field>"
            for number, title in enumerate(titles)
        )
    )


def make(app: Any, distribution: str, kind: str) -> None:
    """Make the site and install everything in it."""
    make_site(app, distribution, kind)
    site = app[SITE_ID]
    _set_languages()
    for profile in PROFILES:
        site.portal_setup.runAllImportStepsFromProfile(f"profile-{profile}")
    _configure()
    _add_mosaic(site)
    _add_forms(site)
    _add_policies(site)
    _add_imported(site)
    _add_translations(site)
    _add(site, "Image", "cropped", image=_striped())
    _add_pages(site, "talk", ("open", "moderated"))
    for page in site["talk"].objectValues():
        page.allow_discussion = True
    _add_taxonomy(site)
    transaction.commit()


def _set_languages() -> None:
    from plone import api

    api.portal.set_registry_record("plone.available_languages", ["en", "de"])


def tile(name: str, number: int, **data: Any) -> str:
    """Return where a tile is, with its data in the query string."""
    query = urlencode(data).replace("&", "&amp;")
    return f'<div data-tile="./@@{_TILES}.{name}/tile{number}?{query}"></div>'


def _add_mosaic(site: Any) -> None:
    mosaic = _add_pages(site, "mosaic", ("shown", "hidden", "linked"))
    listed = _add_pages(site, "listed", ("first", "second"))
    listing = {
        "query.i:records": "path",
        "query.o:records": "plone.app.querystring.operation.string.absolutePath",
        "query.v:records": f"{listed.UID()}::-1",
        "sort_on": "sortable_title",
        "view_template": "listing_view",
    }
    tiles = [
        *(
            tile(
                "existingcontent",
                number,
                content_uid=mosaic[name].UID(),
                **{"show_text:boolean": 1},
            )
            for number, name in enumerate(("shown", "hidden"))
        ),
        tile("contentlisting", 2, **listing),
        tile("title", 3),
    ]
    page = _add(mosaic, "Document", "page")
    page.customContentLayout = _LAYOUT.format("".join(tiles))
    page.setLayout("layout_view")
    # Another page embeds the page with the tiles
    outer = _add(mosaic, "Document", "outer")
    outer.customContentLayout = _LAYOUT.format(
        tile("existingcontent", 4, content_uid=page.UID())
    )
    outer.setLayout("layout_view")


def _add_forms(site: Any) -> None:
    forms = _add_pages(site, "forms", ())
    form = _add(forms, "EasyForm", "form")
    form.fields_model = fields("First line")
    form.actions_model = _MODEL.format(_SAVER)
    form.CSRFProtection = True
    _add(forms, "EasyForm", "embedded").fields_model = fields("Embedded line")


def _add_policies(site: Any) -> None:
    _add_pages(_add_pages(site, "policies", ("beside",)), "inner", ("page", "other"))


def _add_imported(site: Any) -> None:
    imported = _add_pages(site, "imported", ("one", "two", "three"))
    _add_pages(imported, "default", ("front", "back"))


def _add_translations(site: Any) -> None:
    from plone.app.multilingual.interfaces import ITranslationManager

    for name in ("page", "apart"):
        page = _add(site["en"], "Document", name)
        page.language = "en"
        translation = _add(site["de"], "Document", f"{name}-de")
        translation.language = "de"
        if name == "page":
            ITranslationManager(page).register_translation("de", translation)


def _add_taxonomy(site: Any) -> None:
    from collective.taxonomy.factory import registerTaxonomy

    taxonomy = registerTaxonomy(
        site, name="topics", title="Topics", default_language="en"
    )
    taxonomy.add("en", "/Rivers", "1")
    taxonomy.registerBehavior(
        field_title="Topics",
        field_description="",
        is_single_select=False,
        is_required=False,
        write_permission="",
        taxonomy_fieldset="categorization",
    )
    fti = site.portal_types["Document"]
    fti.behaviors = (*fti.behaviors, taxonomy.getGeneratedName())


def _striped() -> Any:
    """Return a picture whose parts are unlike."""
    from io import BytesIO
    from PIL import Image
    from plone.namedfile.file import NamedBlobImage

    image = Image.open(BytesIO(picture("red")))
    image.paste("blue", (450, 0, 900, 600))
    file = BytesIO()
    image.save(file, "PNG")
    return NamedBlobImage(file.getvalue(), filename="striped.png")


if __name__ == "__main__":
    main(*sys.argv[1:], make=make)
