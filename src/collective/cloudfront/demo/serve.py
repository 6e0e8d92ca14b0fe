"""Run Zope as its own ``runwsgi`` does, and end at SIGINT whoever starts it.

A process that a shell starts in the background, as some CI does, ignores SIGINT, and
so do its children. Zope would then have to be killed.
"""

from Zope2.Startup.serve import main

import signal
import sys


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main() or 0)
