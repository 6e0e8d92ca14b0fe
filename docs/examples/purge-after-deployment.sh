#!/bin/sh
# Purges every page after a deployment. Fails if Plone does not take it.
# PLONE_URL, such as https://edit.example.com, PLONE_USER and PLONE_PASSWORD are in the
# environment. The password is in no command line, which others on the machine may see.
set -eu

# curl's configuration wants a backslash before these two.
person=$(printf '%s' "$PLONE_USER:$PLONE_PASSWORD" | LC_ALL=C sed 's/["\\]/\\&/g')

status=0
answer=$(
    printf 'user = "%s"\n' "$person" |
        curl --config - --fail-with-body --silent --show-error --max-time 60 \
            --header "Accept: application/json" \
            --header "Content-Type: application/json" \
            --data '{"all": true, "reason": "deployment"}' \
            "$PLONE_URL/@cloudfront/purge"
) || status=$?

if [ "$status" -eq 0 ]; then
    printf '%s\n' "$answer"
    exit 0
fi
printf '%s\n' "$answer" >&2
case $answer in
*"Use REST API"*)
    echo "Install plone.restapi in this site: Site Setup, Add-ons." >&2 ;;
*Unauthorized*)
    echo "Check PLONE_USER and PLONE_PASSWORD. The user needs the permission" \
        "'collective.cloudfront: Purge everything'." >&2 ;;
*NotFound*)
    echo "Check PLONE_URL: it is the URL of a site, and collective.cloudfront must" \
        "be installed there." >&2 ;;
esac
exit "$status"
