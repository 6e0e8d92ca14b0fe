"""boto3's sessions and clients: timeouts, profiles, key pairs and roles.

boto3 is imported when a session is first needed, which is in the courier's thread: its
cold start costs 230 ms and 37 MB.
"""

from collective.cloudfront.delivery.aws.port import Credentials
from typing import Any


#: Seconds. boto3's 60 s each would hold the courier for minutes.
CONNECT_TIMEOUT = 3
READ_TIMEOUT = 10


def make_client(credentials: Credentials) -> Any:
    """Return a client for CloudFront. Raises what boto3 and botocore raise."""
    return client_of(make_session(credentials))


def client_of(session: Any) -> Any:
    """Return a client for CloudFront that signs with what ``session`` has found."""
    # CloudFront is global, but boto3 wants a region to sign for.
    return session.client("cloudfront", region_name=session.region_name or "us-east-1")


def make_session(credentials: Credentials) -> Any:
    """Return a session of its own: sessions are not thread-safe."""
    from botocore.exceptions import PartialCredentialsError

    import boto3

    if bool(credentials.access_key_id) != bool(credentials.secret_access_key):
        # boto3 would sign with whatever else it finds.
        missing = "secret access key" if credentials.access_key_id else "access key id"
        raise PartialCredentialsError(provider="the settings", cred_var=missing)
    session = boto3.session.Session(
        botocore_session=_new_session(),
        profile_name=credentials.profile or None,
        aws_access_key_id=credentials.access_key_id or None,
        aws_secret_access_key=credentials.secret_access_key or None,
    )
    if credentials.role_arn:
        session = _assume(session, credentials.role_arn)
    return session


def _new_session() -> Any:
    """Return a session whose clients, those for credentials as well, wait shortly."""
    from botocore.config import Config
    from botocore.session import get_session

    session = get_session()
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


def _assume(source: Any, role_arn: str) -> Any:
    """Return a session whose credentials are the role's, renewed by themselves."""
    from botocore.credentials import AssumeRoleCredentialFetcher
    from botocore.credentials import DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    import boto3

    own = source.get_credentials()
    if own is None:
        raise NoCredentialsError()
    core = _new_session()
    region = source.region_name or "us-east-1"
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=lambda *args, **kwargs: core.create_client(
            *args, **{"region_name": region, **kwargs}
        ),
        source_credentials=own,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "collective.cloudfront"},
    )
    # botocore offers no public way to hand refreshing credentials to a session.
    core._credentials = DeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
    return boto3.session.Session(botocore_session=core, region_name=region)
