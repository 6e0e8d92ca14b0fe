"""Specification: an access key id and its secret go together."""

from collective.cloudfront.settings.keypair import keeps_secret
from collective.cloudfront.settings.keypair import KEY_ID
from collective.cloudfront.settings.keypair import KeyPair
from collective.cloudfront.settings.keypair import missing_half
from collective.cloudfront.settings.keypair import SECRET

import pytest


NOTHING = KeyPair("", "")
STORED = KeyPair("AKIASTORED", "s")


@pytest.mark.parametrize(
    ("typed", "stored", "missing"),
    [
        (NOTHING, NOTHING, ""),
        (NOTHING, STORED, ""),
        (KeyPair("AKIANEW", "n"), NOTHING, ""),
        (KeyPair("AKIANEW", "n"), STORED, ""),
        # The stored secret belongs to the stored id
        (KeyPair("AKIASTORED", ""), STORED, ""),
        (KeyPair("AKIANEW", ""), STORED, SECRET),
        (KeyPair("AKIASTORED", ""), NOTHING, SECRET),
        (KeyPair("AKIASTORED", ""), KeyPair("AKIASTORED", ""), SECRET),
        (KeyPair("", "n"), NOTHING, KEY_ID),
        (KeyPair("", "n"), STORED, KEY_ID),
    ],
)
def test_which_half_is_missing(typed, stored, missing):
    assert missing_half(typed, stored) == missing


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (KeyPair("AKIASTORED", ""), True),
        (KeyPair("AKIASTORED", "n"), False),
        (NOTHING, False),
    ],
)
def test_the_stored_secret_stays_with_its_key_id_only(typed, kept):
    assert keeps_secret(typed) is kept


def test_the_secret_does_not_show():
    assert "topsecret" not in repr(KeyPair("AKIA", "topsecret"))
