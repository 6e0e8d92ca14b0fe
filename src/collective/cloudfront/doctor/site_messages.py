"""What the doctor finds when it asks the site itself, in English, for the command line."""

from collective.cloudfront.doctor.wording import Wording


#: The checks in their order, with their labels. Those of the origin come last.
SITE_CHECKS = {
    "site": "Site",
    "site_https": "HTTP is redirected to HTTPS",
    "site_links": "Links name the public host",
    "site_cached": "Pages are cached",
    "site_trackers": "Cookies of trackers make no copies",
    "site_session": "People who are logged in get their own pages",
    "site_token": "Clients of the REST API get their own answers",
    "site_set_cookie": "Cached pages set no cookies",
    "site_tags": "Visitors get no cache tags",
    "site_compressed": "Pages are compressed",
    "site_missing": "Missing pages",
    "site_private": "Answers to private pages are not kept",
    "origin": "Plone",
    "origin_links": "Links of Plone name the public host",
    "origin_rulesets": "Cache-Control of Plone",
}

_PROFILE = (
    "Import the caching profile “With CloudFront” in the Caching control panel, and check "
    "which operation the rulesets have there."
)

SITE_MESSAGES = {
    "site": Wording("${url} is answered by CloudFront."),
    "site_unreachable": Wording(
        "Visitors may not reach the site: ${url} does not answer (${reason}).",
        "Check the name, its DNS record, and the certificate of the distribution.",
    ),
    "site_failed": Wording(
        "Visitors get an error: ${url} answers ${status}.",
        "Check the origin of the distribution, and that Plone runs.",
    ),
    "site_elsewhere": Wording(
        "Visitors do not get this site from CloudFront: the answer of ${url} has no "
        "header X-Cache of CloudFront.",
        "Point the DNS record of the host name to the domain name of the distribution.",
    ),
    "site_not_asked": Wording("This was not checked (${reason})."),
    "site_https": Wording("HTTP is redirected to HTTPS."),
    "site_http_only": Wording("The site is asked over HTTP, so this was not checked."),
    "site_http_open": Wording(
        "Passwords and cookies of visitors can be read on the way, because ${url} answers "
        "${status} instead of a redirect to HTTPS.",
        "Set the viewer protocol policy to “Redirect HTTP to HTTPS”.",
    ),
    "site_links": Wording("Links and redirects name ${host}."),
    "site_links_away": Wording(
        "Visitors are sent to ${others} instead of ${host}, because Plone does not know "
        "the public host name.",
        "Forward the header Host, or write the path of the VirtualHostMonster into the "
        "origin path.",
    ),
    "site_cached": Wording("The second visitor got the copy (Age: ${age} s)."),
    "site_uncacheable": Wording(
        "Plone answers every visitor itself, because ${path} has “Cache-Control: "
        "${value}”.",
        _PROFILE,
    ),
    "site_not_kept": Wording(
        "Plone answers every visitor itself, because CloudFront does not keep ${path} "
        "(X-Cache: ${x_cache}, Cache-Control: ${value}).",
        "Check the cache policy of the default cache behavior: a maximum TTL of a day, "
        "and only the cookies and headers that are needed.",
    ),
    "site_query_ignored": Wording(
        "Visitors get wrong search results and batches, because a query string that was "
        "never asked for before was answered from the cache.",
        "Include all query strings in the cache policy.",
    ),
    "site_trackers": Wording("A cookie of web analytics makes no copy of its own."),
    "site_trackers_split": Wording(
        "Plone answers many visitors itself, because each cookie, for example of web "
        "analytics, makes another copy of a page.",
        "Include only the cookies that Plone needs in the cache policy.",
    ),
    "site_session": Wording(
        "A request with the cookie ${cookie} gets no copy of others."
    ),
    "site_session_shared": Wording(
        "People who are logged in see the pages that are cached for visitors, and visitors "
        "may see theirs, because the cookie ${cookie} makes no difference.",
        "Include the cookie ${cookie} in the cache policy, or let editors use another host "
        "name.",
    ),
    "site_visitors_only": Wording("Nobody logs in through CloudFront."),
    "site_token": Wording("A request with Authorization gets no copy of others."),
    "site_token_shared": Wording(
        "Clients of the REST API that log in get the answers that are cached for visitors, "
        "because the header Authorization makes no difference.",
        "Include the header Authorization in the cache policy.",
    ),
    "site_set_cookie": Wording("Cached pages set no cookies."),
    "site_set_cookie_shared": Wording(
        "All visitors get the same cookie (${cookies}), because it is part of a cached "
        "page.",
        "Have the application that sets the cookie send “Cache-Control: private”, or "
        "remove Set-Cookie with a response headers policy.",
    ),
    "site_tags": Wording("The header ${header} does not reach visitors."),
    "site_tags_unused": Wording("Cache tags are not used."),
    "site_tags_sent": Wording(
        "Visitors receive the header ${header} with internal IDs, which they do not need.",
        "Attach a response headers policy that removes ${header} to the cache behaviors.",
    ),
    "site_compressed": Wording("Pages are compressed (${encoding})."),
    "site_small": Wording("The page is too small to be compressed."),
    "site_not_compressed": Wording(
        "Visitors wait longer than they need to, because ${path} (${size} bytes) is not "
        "compressed.",
        "Switch on “Compress objects automatically” in the cache behavior, and Gzip and "
        "Brotli in its cache policy.",
    ),
    "site_missing": Wording("A page that does not exist answers ${status}."),
    "site_missing_found": Wording(
        "Visitors and search engines take missing pages for real ones, because a page that "
        "does not exist answers ${status}.",
        "Do not map errors to the response code 200 in the custom error responses.",
    ),
    "site_missing_long": Wording(
        "Visitors do not see a new page for ${seconds} seconds if somebody asked for it "
        "before, because the answer 404 is kept for so long.",
        "Set the error caching minimum TTL of 404 to 10 seconds, and no longer maximum age "
        "for errors.",
    ),
    "site_private": Wording("${path} is private (${status}), and is not kept."),
    "site_private_open": Wording(
        "Everybody sees ${path}, which only managers should see (${status}).",
        "Check the permissions of the site in Plone, and what CloudFront keeps of this "
        "page: purge everything after you have corrected it.",
    ),
    "site_private_kept": Wording(
        "People who log in may be sent to the login form again, or get the page of somebody "
        "else, because CloudFront keeps the answer to ${path} (${status}).",
        "Set the minimum TTL and the default TTL of the cache policy to 0, and include the "
        "session cookie.",
    ),
    "origin": Wording("Plone answers at ${url}."),
    "origin_unreachable": Wording(
        "Plone does not answer at ${url} (${reason}).",
        "Check the URL of the origin, and that this machine may connect to it.",
    ),
    "origin_failed": Wording(
        "Plone answers ${status} at ${url}.",
        "Check the path of the site in the URL of the origin.",
    ),
    "origin_links": Wording("With the VirtualHostMonster, links name ${host}."),
    "origin_links_away": Wording(
        "Visitors are sent to ${others} instead of ${host}, although the "
        "VirtualHostMonster has the right name.",
        "Check the settings that override the host name, and Volto's public URL.",
    ),
    "origin_rulesets": Wording("${values}."),
    "origin_uncached": Wording(
        "Plone answers every visitor itself, because it does not let CloudFront keep "
        "this: ${values}.",
        _PROFILE,
    ),
}
