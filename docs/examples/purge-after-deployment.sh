#!/bin/sh
# Purges every page after a deployment. Fails if Plone does not take it.
# PLONE_URL, such as https://edit.example.com, PLONE_USER and PLONE_PASSWORD are in the
# environment. The password is in no command line, which others on the machine may see.
set -eu

printf 'user = "%s:%s"\n' "$PLONE_USER" "$PLONE_PASSWORD" |
    curl --config - --fail-with-body --silent --show-error --max-time 60 \
        --header "Accept: application/json" \
        --header "Content-Type: application/json" \
        --data '{"all": true, "reason": "deployment"}' \
        "$PLONE_URL/@cloudfront/purge"
