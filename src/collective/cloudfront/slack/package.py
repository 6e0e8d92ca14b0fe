"""Makes the ZIP file of the AWS Lambda function: ours without Zope, and slack-sdk.

::

    python -m collective.cloudfront.slack.package cdn-purge.zip

The same files make the same bytes. boto3 is not in it: AWS's runtime has it.
"""

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED
from zipfile import ZipFile
from zipfile import ZipInfo

import sys


#: Of ours, inside ``collective/cloudfront``.
MODULES = (
    "__init__.py",
    "alerts/__init__.py",
    "alerts/webhook.py",
    "manual/__init__.py",
    "manual/around.py",
    "manual/lines.py",
    "planning/__init__.py",
    "planning/items.py",
    "slack/__init__.py",
    "slack/access.py",
    "slack/answers.py",
    "slack/asked.py",
    "slack/command.py",
    "slack/desk.py",
    "slack/gate.py",
    "slack/incoming.py",
    "slack/lambda_aws.py",
    "slack/lambda_handler.py",
    "slack/lambda_purge.py",
    "slack/posting.py",
    "slack/signature.py",
)
# The earliest that ZIP knows
_DATE = (1980, 1, 1, 0, 0, 0)


def write(target: Path) -> int:
    """Write the file; return how many files are in it. Raises ``ImportError`` without
    slack-sdk.
    """
    files = dict(_files())
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = ZipInfo(name, _DATE)
            info.compress_type = ZIP_DEFLATED
            # Readable by everybody, as Lambda wants it
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name].read_bytes())
    return len(files)


def _files() -> Iterator[tuple[str, Path]]:
    import slack_sdk

    ours = Path(__file__).parents[1]
    for name in MODULES:
        yield f"collective/cloudfront/{name}", ours / name
    theirs = Path(slack_sdk.__file__).parent
    for path in sorted(theirs.rglob("*.py")):
        yield f"slack_sdk/{path.relative_to(theirs).as_posix()}", path


def main(arguments: list[str]) -> int:
    """Write the file that is named."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("Usage: python -m collective.cloudfront.slack.package FILE.zip")
        return 2
    try:
        count = write(Path(arguments[0]))
    except ImportError:
        print("slack-sdk is not installed. Install collective.cloudfront[slack].")
        return 1
    print(f"{arguments[0]}: {count} files")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
