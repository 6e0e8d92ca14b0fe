"""``/cdn-purge``: purging from Slack, in Plone, and without Plone as an AWS Lambda.

::

    raw body, headers ──► gate (signature, age, team, channel) ──► Incoming
                                                                     │ command
    text ──► command.read ──► Command ──► access (may this user?) ──► desk ──► Answer
                                                                     │
                              Plone: ManualPurge, outbox, courier ◄──┤
                              Lambda: CreateInvalidation          ◄──┘

``signature``, ``incoming``, ``gate``, ``access``, ``command``, ``answers``, ``desk`` and
``posting`` are shared, and know neither Zope nor AWS. ``view``, ``site``, ``once``,
``following`` and ``thread`` are for Plone, ``lambda_handler`` and ``lambda_aws`` for AWS
Lambda, which ``package`` makes a ZIP file for.
"""
