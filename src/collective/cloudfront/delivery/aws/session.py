"""boto3's sessions and clients: timeouts, profiles, key pairs and roles.

boto3 is imported when a session is first needed, which is in a thread of the courier's:
its cold start costs 230 ms and 37 MB. A session is made for one set of credentials and
never asks a person for anything.
"""

from collections.abc import Iterator
from collective.cloudfront.delivery.aws import bounds
from collective.cloudfront.delivery.aws.errors import CredentialsFailed
from collective.cloudfront.delivery.aws.errors import NeedsPerson
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.calls import GivenUp
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import os


#: Seconds. boto3's 60 s each would hold a call for minutes.
CONNECT_TIMEOUT = 3
READ_TIMEOUT = 10

_GLOBAL = "us-east-1"
_CHINA = "cn-northwest-1"
#: What regions of partitions without CloudFront begin with.
_WITHOUT = ("us-gov-", "us-iso", "eu-iso")


@dataclass(frozen=True, slots=True)
class Client:
    """A client of boto3 for CloudFront, and the credentials that it signs with."""

    boto: Any
    credentials: Any

    def check_credentials(self) -> None:
        """Get, assume or renew credentials, so that it fails before something is sent.

        Raises what botocore raises, and ``CredentialsFailed``.
        """
        from botocore.exceptions import NoCredentialsError

        if self.credentials is None:
            raise NoCredentialsError()
        with reading_credentials():
            self.credentials.get_frozen_credentials()


def make_client(credentials: Credentials) -> Client:
    """Return a client for CloudFront. Raises what boto3 and botocore raise, and
    ``CredentialsFailed``.
    """
    session = make_session(credentials)
    with reading_credentials():
        found = session.get_credentials()
    return Client(client_of(session), found)


def client_of(session: Any) -> Any:
    """Return a client for CloudFront that signs with what ``session`` has found."""
    # CloudFront is global, but boto3 wants a region to sign for.
    client = session.client("cloudfront", region_name=region_of(session))
    bounds.mark(client)
    return client


def region_of(session: Any, role_arn: str = "") -> str:
    """Return the region to sign for, which decides about the partition.

    boto3 knows no ``AWS_REGION``, which Amazon ECS, EKS and Lambda set. It counts where
    there is a CloudFront.
    """
    if session.region_name:
        return session.region_name
    region = os.environ.get("AWS_REGION", "")
    if not region and role_arn.startswith("arn:aws-cn:"):
        return _CHINA
    return _GLOBAL if not region or region.startswith(_WITHOUT) else region


def make_session(credentials: Credentials) -> Any:
    """Return a session of its own: sessions are not thread-safe."""
    from botocore.exceptions import PartialCredentialsError

    import boto3

    if bool(credentials.access_key_id) != bool(credentials.secret_access_key):
        # boto3 would sign with whatever else it finds.
        missing = "secret access key" if credentials.access_key_id else "access key ID"
        raise PartialCredentialsError(provider="the settings", cred_var=missing)
    core = _new_session()
    session = boto3.session.Session(
        botocore_session=core,
        profile_name=credentials.profile or None,
        aws_access_key_id=credentials.access_key_id or None,
        aws_secret_access_key=credentials.secret_access_key or None,
    )
    bounds.ask_nobody(core)
    if credentials.role_arn:
        session = _assume(session, credentials)
    return session


def _new_session() -> Any:
    """Return a session whose clients, those for credentials as well, wait shortly."""
    from botocore.config import Config

    session = bounds.new_session()
    session.set_default_client_config(
        Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            # The courier repeats, with the pace of all its calls in view.
            retries={"total_max_attempts": 1},
            user_agent_extra="collective.cloudfront",
        )
    )
    return session


def _assume(source: Any, credentials: Credentials) -> Any:
    """Return a session whose credentials are the role's, renewed by themselves."""
    from botocore.credentials import AssumeRoleCredentialFetcher
    from botocore.credentials import DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    import boto3

    with reading_credentials():
        own = source.get_credentials()
    if own is None:
        raise NoCredentialsError()
    core = _new_session()
    if credentials.profile:
        # Its endpoint_url, ca_bundle and the like are for the role's calls, too.
        core.set_config_variable("profile", credentials.profile)
    region = region_of(source, credentials.role_arn)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=lambda *args, **kwargs: core.create_client(
            *args, **{"region_name": region, **kwargs}
        ),
        source_credentials=own,
        role_arn=credentials.role_arn,
        extra_args={"RoleSessionName": "collective.cloudfront"},
    )
    # botocore offers no public way to hand refreshing credentials to a session.
    core._credentials = DeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
    return boto3.session.Session(botocore_session=core, region_name=region)


@contextmanager
def reading_credentials() -> Iterator[None]:
    """Make ``CredentialsFailed`` of what botocore lets pass: a token file or a program
    that is missing, and output that nobody can read.
    """
    from botocore.exceptions import BotoCoreError
    from botocore.exceptions import ClientError

    try:
        yield
    except (BotoCoreError, ClientError, NeedsPerson, CredentialsFailed, GivenUp):
        raise
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise CredentialsFailed(f"{type(error).__name__}: {error}") from error
