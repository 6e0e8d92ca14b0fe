'use strict';

/**
 * A program that makes pages from answers of an API, as Volto does, to try the middleware.
 *
 *   node ssr.js <middleware> <URL of the API> [<its options, as JSON>]
 *
 * Each parameter "http", "post", "fetch" and "queued" (over the one connection that all such
 * requests share) asks the API for a path; they are asked for at once, "then" after that.
 * "late" is not waited for. "sets" is a header of the page, "status" its status. How it
 * is sent: "implicit", "object" or "list". /proxy passes an answer on, headers and all.
 */

const http = require('http');
const [, , middleware, api, options] = process.argv;
const cacheTags = require(middleware)(JSON.parse(options || '{}'));

const one = new http.Agent({ keepAlive: true, maxSockets: 1 });

const clients = {
  http: (path, headers) => get(path, { headers }),
  queued: (path, headers) => get(path, { headers, agent: one }),
  // What follows "#" is the body
  post: (path, headers) => {
    const [where, body] = path.split('#');
    const json = { 'Content-Type': 'application/json', ...headers };
    return get(where, { method: 'POST', headers: json }, body);
  },
  fetch: (path, headers) => fetch(api + path, { headers }).then((answer) => answer.text()),
};

function get(path, how, body) {
  return new Promise((resolve, reject) => {
    http
      .request(api + path, how, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => resolve(Buffer.concat(parts).toString()));
      })
      .on('error', reject)
      .end(body);
  });
}

async function render(req, res, parameters) {
  const token = parameters.get('authorization');
  const headers = token ? { Authorization: token } : {};
  const asked = [...parameters]
    .filter(([client]) => clients[client])
    .map(([client, path]) => clients[client](path, headers).catch(String));
  for (const path of parameters.getAll('late')) clients.http(path, headers).catch(String);
  const parts = await Promise.all(asked);
  for (const path of parameters.getAll('then')) parts.push(await clients.http(path, headers));
  send(req, res, parts.join('\n'), parameters);
}

function send(req, res, body, parameters) {
  const status = Number(parameters.get('status') || 200);
  const sets = parameters.getAll('sets').map((each) => each.split(': '));
  const conditional = ['if-none-match', 'if-modified-since'].filter((name) => req.headers[name]);
  sets.push(['X-Conditional', conditional.join(',') || 'no']);
  if (parameters.get('by') === 'object') res.writeHead(status, Object.fromEntries(sets));
  else if (parameters.get('by') === 'list') res.writeHead(status, 'Listed', sets.flat());
  else {
    res.statusCode = status;
    sets.forEach(([name, value]) => res.setHeader(name, value));
  }
  res.end(req.method === 'HEAD' ? '' : body);
}

function proxy(req, res, path) {
  const { method, headers } = req;
  req.url = path; // as Volto's proxy does
  const passed = http.request(api + path, { method, headers }, (answer) => {
    res.writeHead(answer.statusCode, answer.headers);
    answer.pipe(res);
  });
  req.pipe(passed);
}

const server = http.createServer((req, res) => {
  req.originalUrl = req.url; // as Express does
  cacheTags(req, res, () => {
    const url = new URL(req.url, 'http://here');
    if (url.pathname === '/proxy') proxy(req, res, url.searchParams.get('path'));
    else render(req, res, url.searchParams);
  });
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
