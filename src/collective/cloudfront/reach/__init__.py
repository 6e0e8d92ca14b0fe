"""What a change makes stale.

``by_path`` and ``by_tag`` read the same ``change``, and return what is ``reached``. They
write nothing. The other modules answer one question each: where an object answers, who
shows it, what other pages show of it, when it changes by itself.
"""
