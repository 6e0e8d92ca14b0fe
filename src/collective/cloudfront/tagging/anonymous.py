"""Who asks."""

from collective.cloudfront.changes.causes import current_user


def is_anonymous() -> bool:
    """Say whether nobody is logged in, as far as is known yet."""
    return not current_user()
