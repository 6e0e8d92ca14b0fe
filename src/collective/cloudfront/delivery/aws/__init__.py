"""All that is AWS.

::

    port ◄── gateway, choice ◄── session, errors        what the courier needs
    probe, described ──► judging ──► connection         the connection test, apart
                            └── findings: what it tells people
"""
