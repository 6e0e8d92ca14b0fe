project = "collective.cloudfront"
author = "Six Feet Up and the Plone Collective"
copyright = author
exclude_patterns = ["_build"]
