#!/usr/bin/env node
// DEVELOPMENT AID, never shipped: a made-up world behind docs/api.md, so that the console can be worked on and looked at
// without a node. Nothing here is durable, signed or checked as a node checks it.
//
//   node dev/fake-server.mjs [demo] [--json] [--port-base N] [--mode live|exercise:NAME] [--tracks N] [--calm]
//
// Three parties, one port each. Each serves dist/ with the console's real headers. `POST /dev` with {"freeze":true},
// {"peer":"south","link":"down"}, {"clear":true} changes the scene.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';
import { World } from './fake-world.mjs';

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const DIST = new URL('../dist/', import.meta.url).pathname;
const POLICY = readFileSync(new URL('../../crates/console/src/policy.txt', import.meta.url), 'utf8')
  .replace(/\s*\n\s*/g, ' ')
  .trim();
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

const world = new World({
  mode: option('mode', 'exercise:FAKE'),
  tracks: Number(option('tracks', 900)),
  calm: process.argv.includes('--calm'),
});
let cspReports = 0;

// The demo's orders: `stop NODE` and `start NODE` on standard input.
createInterface({ input: process.stdin }).on('line', (line) => {
  const [, order, peer] = /^(stop|start) ([a-z]+)$/.exec(line) ?? [];
  if (peer) world.control({ peer, link: order === 'stop' ? 'down' : 'up' });
});

async function serve(party, port) {
  const code = randomUUID();
  const session = { id: randomUUID(), csrf: randomUUID(), used: false, password: null };
  const server = createServer((request, response) => handle(party, session, code, request, response));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 65536 });
  server.on('upgrade', (request, socket, head) => {
    const origin = request.headers.origin ?? '';
    if (
      new URL(request.url, 'http://x').pathname !== '/v1/stream' ||
      !hasSession(session, request) ||
      !origin.endsWith(request.headers.host)
    ) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => stream(party, ws));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return { party, url: `http://127.0.0.1:${server.address().port}/#code=${code}` };
}

const hasSession = (session, request) =>
  (request.headers.cookie ?? '').includes(`skypact_session=${session.id}`);

function stream(party, ws) {
  const view = world.viewOf(party);
  const send = (value) => ws.readyState === 1 && ws.send(JSON.stringify(value));
  send(world.hello(party));
  send(view.labels());
  let waiting = null;
  const timer = setInterval(() => {
    send(view.state());
    if (world.stalled) return;
    // One frame on its way at most; the latest wins.
    if (waiting !== null && Date.now() - waiting < 5000) return;
    waiting = Date.now();
    ws.send(view.frame());
  }, 1000);
  const soon = () => send(view.state());
  world.changes.add(soon);
  send(view.state());
  ws.send(view.frame());
  ws.on('message', (data) => {
    const message = JSON.parse(data.toString());
    if (message.type !== 'displayed') return;
    waiting = null;
    view.displayed(message);
  });
  ws.on('close', () => {
    clearInterval(timer);
    world.changes.delete(soon);
  });
}

async function handle(party, session, code, request, response) {
  const path = new URL(request.url, 'http://x').pathname;
  const body = await read(request);
  const json = (status, value, headers = {}) => {
    response.writeHead(status, {
      'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
      ...headers,
    });
    response.end(value === undefined ? '' : JSON.stringify(value));
  };
  const problem = (status, title, detail = '', errors = []) =>
    json(status, { type: `/problems/${title}`, title, status, detail, errors });
  if (path === '/csp-report') {
    cspReports++;
    console.error('CSP violation', body.toString().slice(0, 400));
    return json(204);
  }
  if (path === '/dev') return json(200, { cspReports, ...world.control(JSON.parse(body || '{}')) });
  if (!path.startsWith('/v1/')) return asset(path, request, response);
  const value = body.length > 0 ? JSON.parse(body) : {};
  const about = {
    party,
    officer: `watch-${party}`,
    role: 'officer',
    csrf: session.csrf,
    mode: world.mode,
    must_set_password: session.password === null,
  };
  if (path === '/v1/sign-in') {
    const good =
      value.code === code
        ? !session.used
        : value.name === about.officer && value.password === session.password;
    if (!good)
      return problem(401, 'Sign-in refused', 'Name and password do not match, or the link was used already.');
    session.used = true;
    return json(200, about, {
      'Set-Cookie': `skypact_session=${session.id}; HttpOnly; SameSite=Strict; Path=/`,
    });
  }
  if (!hasSession(session, request)) return problem(401, 'Not signed in');
  if (path === '/v1/session') return json(200, about);
  if (request.method === 'GET') return asked(party, path, json, problem);
  if (request.headers['x-csrf-token'] !== session.csrf) return problem(403, 'CSRF token missing');
  if (path === '/v1/password') {
    if (value.password.length < 12) return problem(422, 'Password too short', '12 characters or more.');
    session.password = value.password;
    return json(204);
  }
  if (path === '/v1/sign-out')
    return json(204, undefined, { 'Set-Cookie': 'skypact_session=; Max-Age=0; Path=/' });
  if (path === '/v1/inhibitions') return json(201, { id: world.inhibit(party, value, about.officer) });
  const [, inhibition] = /^\/v1\/inhibitions\/(\d+)$/.exec(path) ?? [];
  if (inhibition !== undefined && request.method === 'DELETE')
    return world.lift(party, inhibition) ? json(204) : problem(404, 'No such inhibition');
  const [, list, id, verb] = /^\/v1\/(\w+)(?:\/([^/]+)\/(\w+))?$/.exec(path) ?? [];
  if (list === 'tracks' && verb === 'separate')
    return world.separate(Number(id)) ? json(204) : problem(404, 'No such track that is joined to another');
  if (list === 'alerts' && verb === 'acknowledge') {
    return world.acknowledgeAlert(party, decodeURIComponent(id), about.officer)
      ? json(204)
      : problem(404, 'No such alert');
  }
  if (list === 'alerts' && verb === 'reason') {
    return world.giveReason(decodeURIComponent(id), value.reason, about.officer)
      ? json(204)
      : problem(404, 'No such alert about a protected site');
  }
  if (list === 'cleared') {
    const refused = world.clear(party, value, about.officer);
    return refused === null ? json(204) : problem(422, refused);
  }
  if (list === 'notices' && verb === 'acknowledge') {
    const errors = world.readBack(party, decodeURIComponent(id), value.read_back ?? {}, about);
    if (errors === null) return problem(404, 'No such notice');
    return errors.length === 0
      ? json(204)
      : problem(409, 'read-back-differs', 'What was typed is not what was sent.', errors);
  }
  if (list === 'desk') {
    world.staffing.set(party, { note: '', next_utc_ms: null, ...value });
    return json(201, { sent: [] });
  }
  if (list === 'notices' && id === undefined) {
    if (typeof value.text !== 'string' || value.text === '')
      return problem(422, 'Notice refused', '', [{ field: 'text', reason: 'must not be empty' }]);
    world.send(party, value);
    return json(201, { items: [] });
  }
  return problem(404, 'No such resource');
}

/** What the console asks for when it wants it. */
function asked(party, path, json, problem) {
  const view = world.viewOf(party);
  if (path === '/v1/tracks') return json(200, { items: view.listed(), next: null });
  if (path === '/v1/unplanned') return json(200, { items: view.unplanned(), cut: true });
  if (path === '/v1/unflown') return json(200, { items: world.unflown(), cut: false });
  const [, alert] = /^\/v1\/alerts\/([^/]+)\/explanation$/.exec(path) ?? [];
  const explained = alert === undefined ? null : view.explanation(decodeURIComponent(alert));
  return explained === null ? problem(404, 'No such resource') : json(200, explained);
}

function asset(path, request, response) {
  const name = normalize(path === '/' ? '/index.html' : path);
  const file = join(DIST, name);
  if (name.includes('..') || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  const gz = existsSync(`${file}.gz`) && (request.headers['accept-encoding'] ?? '').includes('gzip');
  response.writeHead(200, {
    'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    ...(gz ? { 'Content-Encoding': 'gzip' } : {}),
  });
  response.end(readFileSync(gz ? `${file}.gz` : file));
}

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

const base = Number(option('port-base', 8470));
const nodes = [];
for (const [i, party] of world.parties.entries()) nodes.push(await serve(party, base === 0 ? 0 : base + i));
if (process.argv.includes('--json')) console.log(JSON.stringify({ nodes }));
else for (const node of nodes) console.log(`${node.party}: ${node.url}`);
