"""Numbers and money as people write them in their language."""

from decimal import Decimal
from plone import api
from typing import Any
from zope.i18n.locales import LoadLocaleError
from zope.i18n.locales import locales


#: There is none, or none yet.
NONE = "—"
#: The currency of AWS's bills.
CURRENCY = "$"


def number(value: float) -> str:
    """Return a number: ``1,874`` or ``1.874``."""
    return str(_numbers().getFormatter("decimal").format(value))


def seconds(value: float) -> str:
    """Return a duration: ``0.4 s`` or ``0,4 s``; without decimals from 100 s on."""
    # Clocks may have been set back in between.
    value = max(0.0, value)
    pattern = "0.0" if value < 100 else "0"
    text = _numbers().getFormatter("decimal").format(round(value, 1), pattern)
    return f"{text}\N{NO-BREAK SPACE}s"


def dollars(amount: Decimal) -> str:
    """Return an amount of money, to the cent: ``$4.37`` or ``4,37 $``."""
    formatter = _numbers().getFormatter("currency")
    text = str(formatter.format(float(round(amount, 2))))
    return text.replace("¤", CURRENCY).replace(" ", "\N{NO-BREAK SPACE}")


def _numbers() -> Any:
    """Return what is known of numbers in the language of the person."""
    language = (api.portal.get_current_language() or "en").partition("-")[0]
    try:
        return locales.getLocale(language).numbers
    except LoadLocaleError:
        return locales.getLocale("en").numbers
