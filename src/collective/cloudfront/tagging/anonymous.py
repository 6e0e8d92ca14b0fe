"""Whether a request comes from somebody who is not logged in."""

from collective.cloudfront.changes.causes import current_user


def is_anonymous() -> bool:
    """Say whether nobody is logged in, as far as the request has found out yet."""
    return not current_user()
