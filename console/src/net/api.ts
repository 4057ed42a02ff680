/** Commands and the session, over HTTP. Every change carries the CSRF token; every failure is text for the officer. */
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

/** The release rules in force, and those that wait. */
export async function release(): Promise<Answer<Release>> {
  const answer = await call('GET', '/v1/release');
  if (!answer.ok) return answer;
  const value = readRelease(answer.value);
  return value === null
    ? { ok: false, problem: problem(0, 'The node gave no rules', '') }
    : { ok: true, value };
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
