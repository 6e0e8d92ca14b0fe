"""Changes: Plone's events become items, inside the transaction.

``subscribers`` hears the events, ``paths`` finds an object's public paths, and
``transaction`` keeps the set of items and hands it to the outbox at the commit.
"""
