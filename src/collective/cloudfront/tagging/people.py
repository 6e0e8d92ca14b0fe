"""Who asks."""

from AccessControl import getSecurityManager


def is_anonymous() -> bool:
    """Say whether nobody is logged in, as far as is known yet."""
    user = getSecurityManager().getUser()
    return user is None or user.getId() is None
