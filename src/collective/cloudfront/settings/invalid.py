"""What a setting refuses."""

from zope import schema
from zope.i18n import interpolate


class InvalidSetting(schema.ValidationError):
    """What was typed is not valid; the argument is a sentence, a message id.

    Where ``Invalid`` itself is raised, plone.restapi answers with the bare id.
    """

    def doc(self) -> str:
        """Return the sentence, for forms."""
        return self.args[0]

    def __str__(self) -> str:
        """Return the sentence in English, for the log."""
        return interpolate(self.args[0].default, self.args[0].mapping)
