/** Commands and the session, over HTTP. Every change carries the CSRF token; every failure is text for the officer. */
import { type Explanation, readExplanation } from '../model/explanation';
import { type Joined, readTrackPage } from '../model/joined';
import { type Listed, readUnflown, readUnplanned, type Unflown, type Unplanned } from '../model/planned';
import { type Release, readRelease } from '../model/release';
import { plain } from '../model/text';
import { type Altitude, type LatLon, readSession, type Session } from '../model/wire';

/** A refusal as the node gave it (RFC 9457), cleaned for display. */
export interface Problem {
  status: number;
  title: string;
  detail: string;
  errors: { field: string; reason: string }[];
}

export type Answer<T> = { ok: true; value: T } | { ok: false; problem: Problem };

export interface NewNotice {
  to: string[];
  class: string;
  precedence: string;
  text: string;
  place?: LatLon;
  level?: Altitude;
  start_utc_ms?: number;
  end_utc_ms?: number;
  action?: string;
  receipt: 'ACKNOWLEDGED';
}

export interface ReadBack {
  place?: LatLon;
  level?: Altitude;
  time_utc_ms?: number;
}

/** The node itself gives up after 15 s; later than that it may or may not have been done. */
const TIMEOUT_MS = 16_000;

let csrf = '';

export async function session(): Promise<Answer<Session>> {
  return asSession(await call('GET', '/v1/session'));
}

export async function signIn(
  by: { code: string } | { name: string; password: string },
): Promise<Answer<Session>> {
  return asSession(await call('POST', '/v1/sign-in', by));
}

export async function signOut(): Promise<Answer<null>> {
  return nothing(await call('POST', '/v1/sign-out'));
}

export async function setPassword(password: string): Promise<Answer<null>> {
  return nothing(await call('POST', '/v1/password', { password }));
}

/** Acknowledges an alert as it was seen: one that has become worse since is not taken up by a key pressed for the old one. */
export async function acknowledgeAlert(id: string, raising: number): Promise<Answer<null>> {
  return nothing(await call('POST', `/v1/alerts/${encodeURIComponent(id)}/acknowledge`, { raising }));
}

export async function sendNotice(notice: NewNotice, idempotencyKey: string): Promise<Answer<null>> {
  return nothing(await call('POST', '/v1/notices', notice, { 'Idempotency-Key': idempotencyKey }));
}

export async function acknowledgeNotice(id: string, read_back: ReadBack): Promise<Answer<null>> {
  return nothing(await call('POST', `/v1/notices/${encodeURIComponent(id)}/acknowledge`, { read_back }));
}

/** Answers an acknowledged notice: what was decided, to whom it was passed, where it was published. */
export async function answerNotice(
  id: string,
  answer: { level: string; decision?: string; text: string },
): Promise<Answer<null>> {
  return nothing(await call('POST', `/v1/notices/${encodeURIComponent(id)}/answer`, answer));
}

export interface NewDeskState {
  manned: boolean;
  next_utc_ms?: number;
  note?: string;
}

/** States whether somebody is at the own desk. */
export async function stateDesk(status: NewDeskState): Promise<Answer<null>> {
  return nothing(await call('POST', '/v1/desk', status));
}

export interface NewInhibition {
  pair: [string, string];
  reason: string;
  until_utc_ms: number;
}

/** Takes the conflicts of two flights from among the alarms, until a time. */
export async function inhibit(of: NewInhibition, idempotencyKey: string): Promise<Answer<null>> {
  return nothing(await call('POST', '/v1/inhibitions', of, { 'Idempotency-Key': idempotencyKey }));
}

/** Ends an inhibition before its time. */
export async function liftInhibition(id: string): Promise<Answer<null>> {
  return nothing(await call('DELETE', `/v1/inhibitions/${encodeURIComponent(id)}`));
}

/** Says why what is flagged may stay at a protected site. */
export async function giveReason(
  alert: string,
  reason: string,
  idempotencyKey: string,
): Promise<Answer<null>> {
  const path = `/v1/alerts/${encodeURIComponent(alert)}/reason`;
  return nothing(await call('POST', path, { reason }, { 'Idempotency-Key': idempotencyKey }));
}

export interface NewCleared {
  flight: string;
  /** Without one the level entered before is taken away. */
  level?: Altitude;
  until_utc_ms: number;
}

/** Enters the level that an own flight is cleared to. */
export async function setCleared(of: NewCleared, idempotencyKey: string): Promise<Answer<null>> {
  return nothing(await call('POST', '/v1/cleared', of, { 'Idempotency-Key': idempotencyKey }));
}

/** The release rules in force, and those that wait. */
export async function release(): Promise<Answer<Release>> {
  return got('/v1/release', readRelease, 'rules');
}

/** What the alert of a conflict was decided from; 404 if it rests on a peer's word or is about something else. */
export async function explanation(alert: string): Promise<Answer<Explanation>> {
  return got(`/v1/alerts/${encodeURIComponent(alert)}/explanation`, readExplanation, 'explanation');
}

/** Aircraft in the air without a plan. */
export async function unplanned(): Promise<Answer<Listed<Unplanned>>> {
  return got('/v1/unplanned', readUnplanned, 'list');
}

/** Plans that are active and that nobody flies. */
export async function unflown(): Promise<Answer<Listed<Unflown>>> {
  return got('/v1/unflown', readUnflown, 'list');
}

/** Agrees to proposed rules; how many must still agree. */
export async function agreeToRelease(id: number): Promise<Answer<number>> {
  const answer = await call('POST', `/v1/release/proposals/${id}/confirm`);
  if (!answer.ok) return answer;
  const missing = (answer.value as { missing?: unknown } | null)?.missing;
  return { ok: true, value: typeof missing === 'number' ? missing : 0 };
}

export async function rejectRelease(id: number): Promise<Answer<null>> {
  return nothing(await call('DELETE', `/v1/release/proposals/${id}`));
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  extra: Record<string, string> = {},
): Promise<Answer<unknown>> {
  const headers: Record<string, string> = { Accept: 'application/json', ...extra };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (csrf !== '') headers['X-CSRF-Token'] = csrf;
  const init: RequestInit = {
    method,
    headers,
    credentials: 'same-origin',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    return {
      ok: false,
      problem: problem(0, 'The node did not answer', 'It is not known whether it was done.'),
    };
  }
  const value: unknown = await response.json().catch(() => null);
  return response.ok ? { ok: true, value } : { ok: false, problem: readProblem(response, value) };
}

/** Pages of 500 tracks looked through for one: 30,000 tracks, three times the load that the console is measured under. */
const PAGES_MAX = 60;

/** Tracks joined to one. There is no address for a single track, so the list is read up to it. */
export async function joinedTo(id: number): Promise<Answer<Joined[]>> {
  let after = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await got(
      `/v1/tracks?limit=500${after}`,
      (value) => readTrackPage(value, id),
      'list of tracks',
    );
    if (!answer.ok) return answer;
    const { joined, next } = answer.value;
    if (joined !== null) return { ok: true, value: joined };
    if (next === null) return { ok: false, problem: problem(0, 'The node lists no such track now', '') };
    after = `&after=${encodeURIComponent(next)}`;
  }
  return { ok: false, problem: problem(0, 'Too many tracks to look through', '') };
}

/** Parts a track from the one that it was joined to: they are two aircraft. */
export async function separate(id: number): Promise<Answer<null>> {
  return nothing(await call('POST', `/v1/tracks/${id}/separate`));
}

async function got<T>(path: string, read: (value: unknown) => T | null, what: string): Promise<Answer<T>> {
  const answer = await call('GET', path);
  if (!answer.ok) return answer;
  const value = read(answer.value);
  return value === null
    ? { ok: false, problem: problem(0, `The node gave no ${what} that can be read`, '') }
    : { ok: true, value };
}

function asSession(answer: Answer<unknown>): Answer<Session> {
  if (!answer.ok) return answer;
  const read = readSession(answer.value);
  if (read === null) return { ok: false, problem: problem(0, 'The node gave no session', '') };
  csrf = read.csrf;
  return { ok: true, value: read };
}

function nothing(answer: Answer<unknown>): Answer<null> {
  return answer.ok ? { ok: true, value: null } : answer;
}

function problem(status: number, title: string, detail: string): Problem {
  return { status, title, detail, errors: [] };
}

function readProblem(response: Response, value: unknown): Problem {
  const body = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const text = (from: unknown, max: number) => (typeof from === 'string' ? plain(from, max) : '');
  const wait = response.headers.get('Retry-After');
  const errors = Array.isArray(body.errors) ? body.errors.slice(0, 20) : [];
  return {
    status: response.status,
    title: text(body.title, 120) || `The node answered ${response.status}`,
    detail: text(body.detail, 400) || (wait ? `Try again in ${plain(wait, 10)} s.` : ''),
    errors: errors.map((error: Record<string, unknown> | null) => ({
      field: text(error?.field, 64),
      reason: text(error?.reason, 200),
    })),
  };
}
