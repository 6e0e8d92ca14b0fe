'use strict';

/**
 * Express middleware for Volto: pages carry the cache tags of what they are made from.
 *
 * Plone tells in a header what each answer of its REST API depends on. Volto makes a page
 * from several answers, and forwards no such header. This collects the tags of all
 * answers that were asked for while a response was being made, and sends them with it.
 *
 * A page that a shared cache keeps without all its tags would never be purged. So
 * whatever cannot be told, for whatever reason, is sent as private.
 *
 * It needs Node 18.7 or later and nothing else. See docs/cache-tags.rst.
 */

const { AsyncLocalStorage } = require('async_hooks');
const { subscribe } = require('diagnostics_channel');
const { errorMonitor } = require('events');

/** CloudFront silently stores no more. */
const MOST_TAGS = 50;

/** What Volto keeps the token of people in who have logged in. */
const LOGGED_IN = /(?:^|;\s*)auth_token=[^;]/;

/** With any of these the answer itself must not be kept, nor what is made from it. */
const NOT_SHARED = /^(private|no-store|no-cache)\b/i;

/** Milliseconds between two lines in the log. */
const SILENCE = 60000;

/** The response that is being made. It follows promises, timers and callbacks. */
const pages = new AsyncLocalStorage();

/** Which response a request to the API is for: its answer comes in the context of a
 * connection, which other pages use, too. */
const pageOf = new WeakMap();

class Page {
  constructor(req, header, ignore) {
    this.req = req;
    this.header = header.toLowerCase();
    this.ignore = ignore;
    this.tags = new Map();
    this.asked = 0;
    this.waiting = 0;
    this.reason = '';
    this.forbidden = '';
    this.loggedIn = LOGGED_IN.test(req.headers.cookie || '');
  }

  ask() {
    this.asked += 1;
    this.waiting += 1;
    if (!this.loggedIn) {
      // A 304 would renew a copy at the edge, with the tags it has. Perhaps it has none.
      delete this.req.headers['if-none-match'];
      delete this.req.headers['if-modified-since'];
    }
  }

  take(name, header, isAuthorized) {
    this.waiting -= 1;
    const tags = split(header(this.header));
    tags.forEach((tag) => this.add(tag));
    if (isAuthorized) this.loggedIn = true;
    else if (split(header('cache-control')).some((each) => NOT_SHARED.test(each)))
      this.forbidden = this.forbidden || `${name} must not be cached`;
    else if (!tags.length) this.fail(`${name} came without tags`);
  }

  add(tag) {
    // Tags are the same to CloudFront in upper and lower case
    const key = tag.toLowerCase();
    if (!this.tags.has(key)) this.tags.set(key, tag);
  }

  fail(reason) {
    this.reason = this.reason || reason;
  }

  whyPrivate() {
    if (this.reason) return this.reason;
    if (this.waiting) return `${this.waiting} answers had not come when it was sent`;
    if (this.tags.size > MOST_TAGS) return `it depends on ${this.tags.size} tags`;
    return this.forbidden;
  }

  /** Set the headers of the response, just before they are sent. */
  finish(res) {
    if (!this.asked) return; // not made from content: a file of Volto's own
    const there = split(res.getHeader(this.header));
    there.forEach((tag) => this.add(tag));
    const reason = this.whyPrivate();
    if (reason || this.loggedIn) {
      res.removeHeader(this.header);
      makePrivate(res);
      if (!this.loggedIn) complain(this.req, reason, reason === this.forbidden);
    } else if (this.tags.size > there.length) {
      // Otherwise it is Plone's answer, passed on by a proxy
      res.setHeader(this.header, [...this.tags.values()].join(','));
    }
  }
}

function split(list) {
  return String(list || '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
}

function makePrivate(res) {
  const told = split(res.getHeader('cache-control'));
  if (told.some((each) => /^(private|no-store)$/i.test(each))) return;
  const kept = told.filter((each) => !/^(public|s-maxage)\b/i.test(each));
  res.setHeader('Cache-Control', ['private', ...(kept.length ? kept : ['no-cache'])].join(', '));
}

/** When it last was complained of what is expected (true), such as searches, and of all
 * else (false): the former must not hide the latter. */
const complained = new Map();

function complain(req, reason, isExpected) {
  const now = Date.now();
  if (now - (complained.get(isExpected) ?? -Infinity) < SILENCE) return;
  complained.set(isExpected, now);
  // A proxy rewrites `url`
  console.warn(`Cache tags: ${req.originalUrl || req.url} is sent as private: ${reason}.`);
}

// --- what is asked of the API --------------------------------------------------------

function onAsked(request, origin) {
  const page = pages.getStore();
  if (!page || pageOf.has(request) || page.ignore.has(origin)) return;
  pageOf.set(request, page);
  page.ask();
}

function onAnswered(request, header, isAuthorized) {
  const page = pageOf.get(request);
  if (!page) return;
  // What fails from now on, such as when fetch drops the body of a redirect, has tags
  pageOf.set(request, null);
  page.take(nameOf(request), header, isAuthorized());
}

function onFailed(request) {
  const page = pageOf.get(request);
  if (page) page.fail(`${nameOf(request)} failed`);
}

function nameOf(request) {
  return `${request.method} ${request.path}`;
}

/** superagent, axios and whatever else uses http and https. */
function onHttpAsked({ request }) {
  if (pageOf.has(request)) return;
  onAsked(request, `${request.protocol}//${request.getHeader('host')}`);
  if (pageOf.has(request)) request.on(errorMonitor, () => onFailed(request));
}

// Where it is "created" (Node 22) the context is certainly the caller's. "start" comes
// when the request is written, perhaps once there is a connection.
subscribe('http.client.request.created', onHttpAsked);
subscribe('http.client.request.start', onHttpAsked);
subscribe('http.client.response.finish', ({ request, response }) => {
  onAnswered(
    request,
    (name) => response.headers[name],
    () => request.hasHeader('authorization'),
  );
});

/** fetch. */
subscribe('undici:request:create', ({ request }) => onAsked(request, String(request.origin)));
subscribe('undici:request:error', ({ request }) => onFailed(request));
subscribe('undici:request:headers', ({ request, response }) => {
  onAnswered(
    request,
    (name) => valuesOf(response.headers, name),
    // A text or a list, depending on the version
    () => /^authorization\b/im.test([].concat(request.headers).join('\n')),
  );
});

/** From a list of names and values, in turns. */
function valuesOf(headers, name) {
  return headers
    .filter((_, index) => index % 2 && String(headers[index - 1]).toLowerCase() === name)
    .join(',');
}

// --- the middleware ------------------------------------------------------------------

/**
 * @param {object} [options]
 * @param {string} [options.header] The header with the tags, as it is set in Plone
 *   ("Header for cache tags") and at the distribution (CacheTagConfig).
 * @param {string[]} [options.ignore] What pages may be made from and need no tags: the
 *   origins of other services, such as "https://weather.example.com". All else counts:
 *   after a redirect Plone may answer under another name.
 */
module.exports = function cacheTags({ header = 'Cache-Tag', ignore = [] } = {}) {
  const ignored = new Set(ignore.map((url) => new URL(url).origin));

  return function cacheTagsMiddleware(req, res, next) {
    // CloudFront keeps answers to nothing else
    if (req.method !== 'GET' && req.method !== 'HEAD') return next();
    const page = new Page(req, header, ignored);
    beforeHeaders(res, () => page.finish(res));
    return pages.run(page, next);
  };
};

/** Call something once, when the headers of this response are about to be sent. */
function beforeHeaders(res, callback) {
  const writeHead = res.writeHead;
  let called = false;
  res.writeHead = function (status, ...more) {
    if (called) return writeHead.call(this, status, ...more);
    called = true;
    const reason = typeof more[0] === 'string' ? [more.shift()] : [];
    setHeaders(res, more[0]);
    callback();
    return writeHead.call(this, status, ...reason);
  };
}

/** What was given to writeHead, as an object or as a list, is set like all else. */
function setHeaders(res, headers) {
  if (!Array.isArray(headers)) {
    Object.entries(headers || {}).forEach(([name, value]) => res.setHeader(name, value));
    return;
  }
  const list = headers.flat();
  const names = list.filter((_, index) => index % 2 === 0);
  names.forEach((name) => res.removeHeader(name));
  names.forEach((name, index) => res.appendHeader(name, list[2 * index + 1]));
}
