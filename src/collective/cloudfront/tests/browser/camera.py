"""Looking at a page as it is: with axe-core, for its width, and with a camera."""

from axe_playwright_python.sync_playwright import Axe
from pathlib import Path
from PIL import Image
from playwright.sync_api import Page

import io


#: The part of a page that is ours. Around it is Plone's own frame, which violates, with
#: Plone 6.2.2 and axe 4.12: aria-allowed-role (toolbar, menu), aria-prohibited-attr
#: (toolbar), color-contrast (search, breadcrumbs, footer), landmark-unique (menu and
#: messages), region (toolbar).
OURS = "#content"
#: Pixels, of a telephone.
NARROW = 400
_MARGIN = 12

_WIDER_THAN_THE_WINDOW = """() => {
    const root = document.querySelector("#content");
    const limit = document.documentElement.clientWidth;
    const scrolls = (element) => {
        for (let e = element; e && e !== root; e = e.parentElement) {
            if (["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX)) {
                return true;
            }
        }
        return false;
    };
    return [...root.querySelectorAll("*")]
        .filter((e) => e.getBoundingClientRect().right > limit + 1 && !scrolls(e))
        .map((e) => e.outerHTML.slice(0, 200));
}"""


class Camera:
    """Looks at pages; in ``folder``, if one is named, it keeps pictures of them."""

    def __init__(self, axe: Axe, folder: str):
        self._axe = axe
        self._folder = Path(folder) if folder else None

    def __call__(self, page: Page) -> None:
        """Assert that a page is accessible, and fits a telephone."""
        # A link may have been clicked just now
        page.wait_for_load_state()
        self._assert_accessible(page)
        size = page.viewport_size
        page.set_viewport_size({"width": NARROW, "height": size["height"]})
        self._assert_accessible(page)
        too_wide = page.evaluate(_WIDER_THAN_THE_WINDOW)
        assert not too_wide, "\n".join(too_wide)
        page.set_viewport_size(size)

    def _assert_accessible(self, page: Page) -> None:
        results = self._axe.run(page, OURS)
        assert not results.violations_count, results.generate_report()

    def picture(self, page: Page, name: str, last: str = OURS) -> None:
        """Keep a picture of a page, from its tabs or heading to the end of ``last``."""
        if self._folder is None:
            return
        # The cursor would blink.
        page.evaluate("document.activeElement.blur()")
        page.mouse.move(0, 0)
        page.evaluate("window.scrollTo(0, 0)")
        frame = page.locator(OURS).bounding_box()
        begin = page.locator(f"{OURS} .autotabs, {OURS} h1").first
        top = begin.bounding_box()["y"]
        end = page.locator(last).bounding_box()
        clip = {
            "x": max(0, frame["x"] - _MARGIN),
            "y": top - _MARGIN,
            "width": frame["width"] + 2 * _MARGIN,
            "height": end["y"] + end["height"] - top + 2 * _MARGIN,
        }
        self._keep(
            page.screenshot(full_page=True, clip=clip, animations="disabled"), name
        )

    def picture_of_window(self, page: Page, name: str, last: str) -> None:
        """Keep a picture of a page that does not scroll, from its top to the end of
        ``last``.
        """
        if self._folder is None:
            return
        page.evaluate("document.activeElement.blur()")
        page.mouse.move(0, 0)
        end = page.locator(last).bounding_box()
        clip = {
            "x": 0,
            "y": 0,
            "width": page.viewport_size["width"],
            "height": end["y"] + end["height"] + 2 * _MARGIN,
        }
        self._keep(page.screenshot(clip=clip, animations="disabled"), name)

    def _keep(self, picture: bytes, name: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # 256 colours are plenty, and a third of the size.
        Image.open(io.BytesIO(picture)).convert("RGB").quantize(256).save(
            self._folder / f"{name}.png", optimize=True
        )
