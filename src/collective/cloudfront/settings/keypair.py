"""The key pair of the settings: an access key id and its secret belong together.

The secret goes in and never comes out, so that an empty one means: keep the stored one.
"""

from collective.cloudfront.i18n import _
from dataclasses import dataclass
from dataclasses import field


#: Names of the two settings.
KEY_ID, SECRET = "aws_access_key_id", "aws_secret_access_key"

#: What to say at the field that is empty.
MISSING = {
    SECRET: _(
        "missing_secret",
        default="Enter the secret access key that belongs to this access key ID.",
    ),
    KEY_ID: _(
        "missing_key_id",
        default="Enter the access key ID that belongs to this secret access key.",
    ),
}


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An access key id and its secret, as typed or as stored; either may be empty."""

    key_id: str
    secret: str = field(repr=False)


def missing_half(typed: KeyPair, stored: KeyPair) -> str:
    """Return the name of the setting that must not stay empty; "" if all is well.

    A stored secret belongs to the stored key id, and to no other.
    """
    if typed.secret and not typed.key_id:
        return KEY_ID
    is_kept = stored.secret and typed.key_id == stored.key_id
    if typed.key_id and not typed.secret and not is_kept:
        return SECRET
    return ""


def keeps_secret(typed: KeyPair) -> bool:
    """Say whether the stored secret stays. Without a key id it is removed."""
    return bool(typed.key_id and not typed.secret)
