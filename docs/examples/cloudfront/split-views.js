/*
 * CloudFront Function (viewer request, runtime cloudfront-js-2.0): tells visitors from people
 * who are logged in, in a header for the cache key.
 *
 *   no login cookie, no Authorization  ->  X-Plone-View: anonymous
 *   otherwise                          ->  X-Plone-View: a hash of them, one for each login
 *
 * All visitors share one copy, whatever other cookies they have. People who are logged in
 * get neither the copies of visitors nor those of each other.
 */
const crypto = require('crypto');

const HEADER = 'x-plone-view';
// Plone's Classic UI, and Volto
const COOKIES = ['__ac', 'auth_token'];

function values(part) {
  if (!part) {
    return [];
  }
  return part.multiValue ? part.multiValue.map((each) => each.value) : [part.value];
}

function login(request) {
  const found = [];
  for (const name of COOKIES) {
    for (const value of values(request.cookies[name])) {
      // Plone empties its cookie when somebody logs out
      if (value && value !== '""' && value !== 'deleted') {
        found.push(name + '=' + value);
      }
    }
  }
  for (const value of values(request.headers.authorization)) {
    found.push(value);
  }
  return found.join('\n');
}

function handler(event) {
  const request = event.request;
  const who = login(request);
  // Always set: a viewer may send this header, too
  request.headers[HEADER] = {
    value: who ? crypto.createHash('sha256').update(who).digest('hex') : 'anonymous',
  };
  return request;
}
