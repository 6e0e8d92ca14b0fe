"""People at a browser: Chromium on a real Zope with the local CloudFront."""
