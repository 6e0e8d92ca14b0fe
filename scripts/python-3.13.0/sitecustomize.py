"""Let Plone version content on Python 3.13.0; on PYTHONPATH of tox's py313.

That release made ``Pickler.persistent_id`` read-only (cpython#125631, mended in
3.13.1), so Products.CMFEditions fails on every edit of a versioned object
(CMFPlone#4065). The picklers written in Python have no such fault.
"""

import pickle
import sys


if sys.version_info[:3] == (3, 13, 0):
    pickle.Pickler = pickle._Pickler
    pickle.Unpickler = pickle._Unpickler
