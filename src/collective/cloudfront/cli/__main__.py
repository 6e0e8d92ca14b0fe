"""``python -m collective.cloudfront.cli``: the same as ``cloudfront``."""

from collective.cloudfront.cli.main import main


if __name__ == "__main__":
    main(prog_name="cloudfront")
