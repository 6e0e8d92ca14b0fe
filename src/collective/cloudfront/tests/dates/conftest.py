"""Zope processes, each with an outbox of its own or with another's."""

from collective.cloudfront.process import replace_process
from collective.cloudfront.testing import QuietProcess

import pytest


@pytest.fixture
def new_process(functional_portal, tmp_path):
    """Start the Zope process anew, with a new outbox or that of another process.

    It is the one that saves use from then on; several may be made.
    """
    database = functional_portal._p_jar.db()
    folders = {}

    def make(sharing=None):
        folder = folders.get(sharing)
        if sharing is not None and folder is None:
            folder = sharing.outbox.store.path.parent
        if folder is None:
            folder = tmp_path / str(len(folders))
            folder.mkdir()
        made = QuietProcess(folder)
        folders[made] = folder
        made.start(database)
        if sharing is None:
            replace_process(lambda: made)
        return made

    yield make
    for each in folders:
        each.outbox.close()
