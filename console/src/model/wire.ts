/**
 * The JSON messages of the node (docs/api.md), read field by field. The node is trusted to be up to date, not to be right:
 * a field of the wrong type becomes a safe default or drops its entry, and each drop is counted and shown.
 */
import { CLEARED_MAX, type Cleared, readCleared } from './cleared';
import { type Inhibition, readInhibition } from './inhibition';
import { array, isId, isObject, type Json, key, num, optional, pair, str } from './json';
import { plain } from './text';

export type Level = 'alarm' | 'warning' | 'caution';
export type Reference = 'pressure' | 'msl' | 'wgs84' | 'agl';

export interface LatLon {
  lat: number;
  lon: number;
}

export interface Altitude {
  value_ft: number;
  reference: Reference;
}

export interface Session {
  party: string;
  officer: string;
  role: string;
  csrf: string;
  mode: string;
  must_set_password: boolean;
}

export interface Minima {
  a: string;
  b: string;
  lateral_nm: number;
  vertical_ft: number;
  time_s: number;
}

export interface Hello {
  party: string;
  officer: string;
  role: string;
  mode: string;
  parties: string[];
  utc_ms: number;
  pact: { hash: string; minima: Minima[]; deadlines: Record<string, number> };
}

/** Whether somebody is at a desk, as its officers state. */
export interface Staffing {
  manned: boolean;
  /** When that is to change next. */
  next_utc_ms: number | null;
  note: string;
}

export interface Peer {
  party: string;
  /** How its desk is reached without the link: clause 1 of the pact. */
  desk: string | null;
  link: 'up' | 'down' | 'frozen';
  reason: string | null;
  age_ms: number | null;
  in: { size: number; sealed: number };
  out: { size: number; cosigned: number };
  channel: { ours: string; theirs: string };
  clock_offset_ms: number | null;
  refused: [string, number][];
  throttled: [string, number][];
  /** Whether somebody is at its desk, as it states; null if it never did. */
  staffing: Staffing | null;
  waiting: number;
  release_rev: number;
}

export interface Feed {
  name: string;
  format: string;
  state: 'up' | 'down' | 'connecting';
  age_ms: number | null;
  reports: number;
  errors: number;
  last_error: string | null;
}

export interface Side {
  id: number | null;
  label: string;
  owner: string | null;
  form: string | null;
}

export interface Acknowledged {
  by: string;
  utc_ms: number;
}

export interface Alert {
  id: string;
  kind: string;
  level: Level;
  state: 'raised' | 'shown' | 'acknowledged' | 'cleared';
  raised_utc_ms: number;
  /** When it was raised as it is now. */
  since_utc_ms: number;
  /** An alarm only because nobody acknowledged the warning. */
  escalated: boolean;
  /** How often it was raised: once, and again each time it became worse. */
  raising: number;
  text: string;
  about: string | null;
  a: Side | null;
  b: Side | null;
  cpa_utc_ms: number | null;
  tin_utc_ms: number | null;
  dcpa_m: number | null;
  distance_m: number | null;
  vertical_ft: number | null;
  basis: string | null;
  violation: boolean;
  /** The inhibition that it is under: a caution for as long, whatever it would be. */
  inhibited: string | null;
  /** What was entered is at a protected site, and nobody has said yet why it may stay. */
  asks_reason: boolean;
  /** Who said why, in their words. */
  reason: string | null;
  reason_utc_ms: number | null;
  data_age_ms: number | null;
  acknowledged: Acknowledged | null;
}

export interface Notice {
  id: string;
  subject: string;
  direction: 'in' | 'out';
  peer: string;
  class: string;
  precedence: string;
  text: string;
  place: LatLon | null;
  level: Altitude | null;
  start_utc_ms: number | null;
  end_utc_ms: number | null;
  action: string | null;
  issued_utc_ms: number;
  /** The answer asked for; null if none is. */
  receipt: string | null;
  due_utc_ms: number | null;
  overdue: boolean;
  received_utc_ms: number | null;
  seen_utc_ms: number | null;
  acknowledged: { utc_ms: number; role: string | null; by: string | null; read_back_ok: boolean } | null;
  /** What was decided, to whom it was passed, where it was published. */
  answers: NoticeAnswer[];
  sealed: boolean;
  /** How far the claimed time of issue lies outside of when it can have been told, by both logs. */
  claimed_off_ms: number;
}

export interface NoticeAnswer {
  level: string;
  utc_ms: number;
  role: string;
  by: string | null;
  decision: string | null;
  text: string;
}

/** The last full look at all pairs. */
export interface Checked {
  tracks: number;
  conflicts: number;
  unjudged: number;
  utc_ms: number;
  /** Own tracks asked in both ways of looking for conflicts, and how often these differed. */
  crosschecked: number;
  mismatches: number;
}

export interface State {
  utc_ms: number;
  mode: string;
  frozen: string | null;
  journal: { state: string; last_seq: number; bytes: number };
  /** Of the own desk; null if nobody has stated anything. */
  staffing: Staffing | null;
  /** Which release rules are in force, and the number of those that wait for people to agree. */
  release: { revision: number; proposal: number | null };
  peers: Peer[];
  feeds: Feed[];
  alerts: Alert[];
  notices: Notice[];
  /** Conflicts that officers took from among the alarms. */
  inhibitions: Inhibition[];
  /** Levels that own flights are cleared to, by flight. */
  cleared: Cleared[];
  checked: Checked;
  cut: number;
  /** Entries of this message that could not be read. */
  malformed: number;
}

export interface Label {
  callsign: string | null;
  address: string | null;
}

export type Message =
  | { type: 'hello'; hello: Hello }
  | { type: 'state'; state: State }
  | { type: 'labels'; labels: [number, Label][]; gone: number[] }
  | { type: 'unknown' };

/** More entries of one list than this are cut: the page must stay usable whatever arrives. */
export const LIST_MAX = 500;
const LABELS_MAX = 100_000;

/** Reads one text message; `null` if it is not a message at all. */
export function readMessage(text: string): Message | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  switch (value.type) {
    case 'hello':
      return { type: 'hello', hello: readHello(value) };
    case 'state':
      return { type: 'state', state: readState(value) };
    case 'labels':
      return {
        type: 'labels',
        labels: array(value.labels, LABELS_MAX).flatMap(readLabel),
        gone: array(value.gone, LABELS_MAX).filter(isId),
      };
    default:
      return { type: 'unknown' };
  }
}

export function readSession(value: unknown): Session | null {
  if (!isObject(value) || typeof value.csrf !== 'string') return null;
  return {
    party: str(value.party, 64, '?'),
    officer: str(value.officer, 64, '?'),
    role: str(value.role, 32, '?'),
    csrf: value.csrf,
    mode: str(value.mode, 64, 'unknown'),
    must_set_password: value.must_set_password === true,
  };
}

function readHello(value: Json): Hello {
  const pact = isObject(value.pact) ? value.pact : {};
  const deadlines = isObject(pact.deadlines) ? pact.deadlines : {};
  return {
    party: str(value.party, 64, '?'),
    officer: str(value.officer, 64, '?'),
    role: str(value.role, 32, '?'),
    mode: str(value.mode, 64, 'unknown'),
    parties: array(value.parties, 254).map((party) => str(party, 64, '?')),
    utc_ms: num(value.utc_ms) ?? 0,
    pact: {
      hash: str(pact.hash, 128, ''),
      minima: array(pact.minima, LIST_MAX).filter(isObject).map(readMinima),
      deadlines: Object.fromEntries(
        Object.entries(deadlines).flatMap(([key, s]) => pair(plain(key, 32), num(s))),
      ),
    },
  };
}

function readMinima(value: Json): Minima {
  return {
    a: str(value.a, 64, '?'),
    b: str(value.b, 64, '?'),
    lateral_nm: num(value.lateral_nm) ?? 0,
    vertical_ft: num(value.vertical_ft) ?? 0,
    time_s: num(value.time_s) ?? 0,
  };
}

function readState(value: Json): State {
  let malformed = 0;
  const list = <T>(from: unknown, read: (entry: Json) => T | null, max = LIST_MAX): T[] => {
    const all = Array.isArray(from) ? from : [];
    const good = all.slice(0, max).flatMap((entry) => {
      const one = isObject(entry) ? read(entry) : null;
      return one === null ? [] : [one];
    });
    malformed += all.length - good.length;
    return good;
  };
  const journal = isObject(value.journal) ? value.journal : {};
  const checked = isObject(value.checked) ? value.checked : {};
  const release = isObject(value.release) ? value.release : {};
  const state: State = {
    utc_ms: num(value.utc_ms) ?? 0,
    mode: str(value.mode, 64, 'unknown'),
    frozen: optional(value.frozen, 200),
    journal: {
      state: str(journal.state, 16, 'unknown'),
      last_seq: num(journal.last_seq) ?? 0,
      bytes: num(journal.bytes) ?? 0,
    },
    staffing: readStaffing(value.staffing),
    release: { revision: num(release.revision) ?? 0, proposal: num(release.proposal) },
    peers: list(value.peers, readPeer),
    feeds: list(value.feeds, readFeed),
    alerts: list(value.alerts, readAlert),
    notices: list(value.notices, readNotice),
    inhibitions: list(value.inhibitions, readInhibition),
    cleared: list(value.cleared, readCleared, CLEARED_MAX),
    checked: {
      tracks: num(checked.tracks) ?? 0,
      conflicts: num(checked.conflicts) ?? 0,
      unjudged: num(checked.unjudged) ?? 0,
      utc_ms: num(checked.utc_ms) ?? 0,
      crosschecked: num(checked.crosschecked) ?? 0,
      mismatches: num(checked.mismatches) ?? 0,
    },
    cut: num(value.cut) ?? 0,
    malformed: 0,
  };
  state.malformed = malformed;
  return state;
}

/** Numbers by word, of which there are few. */
function counts(value: unknown): [string, number][] {
  return Object.entries(isObject(value) ? value : {})
    .slice(0, 20)
    .flatMap(([word, count]) => pair(plain(word, 40), num(count)));
}

function readPeer(value: Json): Peer | null {
  const party = optional(value.party, 64);
  if (party === null) return null;
  const into = isObject(value.in) ? value.in : {};
  const out = isObject(value.out) ? value.out : {};
  const channel = isObject(value.channel) ? value.channel : {};
  return {
    party,
    desk: optional(value.desk, 200),
    // Anything but a clear "up" is not up.
    link: value.link === 'up' || value.link === 'frozen' ? value.link : 'down',
    reason: optional(value.reason, 200),
    age_ms: num(value.age_ms),
    in: { size: num(into.size) ?? 0, sealed: num(into.sealed) ?? 0 },
    out: { size: num(out.size) ?? 0, cosigned: num(out.cosigned) ?? 0 },
    channel: { ours: str(channel.ours, 32, 'unknown'), theirs: str(channel.theirs, 32, 'unknown') },
    clock_offset_ms: num(value.clock_offset_ms),
    refused: counts(value.refused),
    throttled: counts(value.throttled),
    staffing: readStaffing(value.staffing),
    waiting: num(value.waiting) ?? 0,
    release_rev: num(value.release_rev) ?? 0,
  };
}

function readStaffing(value: unknown): Staffing | null {
  if (!isObject(value)) return null;
  // Only a clear yes is a yes.
  return {
    manned: value.manned === true,
    next_utc_ms: num(value.next_utc_ms),
    note: str(value.note, 400, ''),
  };
}

function readFeed(value: Json): Feed | null {
  const name = optional(value.name, 64);
  if (name === null) return null;
  return {
    name,
    format: str(value.format, 32, '?'),
    state: value.state === 'up' || value.state === 'connecting' ? value.state : 'down',
    age_ms: num(value.age_ms),
    reports: num(value.reports) ?? 0,
    errors: num(value.errors) ?? 0,
    last_error: optional(value.last_error, 200),
  };
}

function readAlert(value: Json): Alert | null {
  const id = key(value.id);
  if (id === null) return null;
  const acknowledged = isObject(value.acknowledged) ? value.acknowledged : null;
  const states = ['raised', 'shown', 'acknowledged', 'cleared'] as const;
  return {
    id,
    kind: str(value.kind, 32, 'unknown'),
    // A level this console does not know is shown as the highest, never as the lowest.
    level: value.level === 'warning' || value.level === 'caution' ? value.level : 'alarm',
    state: states.find((state) => state === value.state) ?? 'raised',
    raised_utc_ms: num(value.raised_utc_ms) ?? 0,
    since_utc_ms: num(value.since_utc_ms) ?? num(value.raised_utc_ms) ?? 0,
    escalated: value.escalated === true,
    raising: Math.max(1, num(value.raising) ?? 1),
    text: str(value.text, 400, ''),
    about: optional(value.about, 128),
    a: readSide(value.a),
    b: readSide(value.b),
    cpa_utc_ms: num(value.cpa_utc_ms),
    tin_utc_ms: num(value.tin_utc_ms),
    dcpa_m: num(value.dcpa_m),
    distance_m: num(value.distance_m),
    vertical_ft: num(value.vertical_ft),
    basis: optional(value.basis, 32),
    violation: value.violation === true,
    inhibited: key(value.inhibited),
    asks_reason: value.asks_reason === true,
    reason: optional(value.reason, 500),
    reason_utc_ms: num(value.reason_utc_ms),
    data_age_ms: num(value.data_age_ms),
    acknowledged: acknowledged && {
      by: str(acknowledged.by, 64, '?'),
      utc_ms: num(acknowledged.utc_ms) ?? 0,
    },
  };
}

function readSide(value: unknown): Side | null {
  if (!isObject(value)) return null;
  return {
    id: isId(value.id) ? value.id : null,
    label: str(value.label, 64, 'unnamed'),
    owner: optional(value.owner, 64),
    form: optional(value.form, 32),
  };
}

function readNotice(value: Json): Notice | null {
  const id = key(value.id);
  if (id === null) return null;
  const acknowledged = isObject(value.acknowledged) ? value.acknowledged : null;
  return {
    id,
    subject: str(value.subject, 128, ''),
    direction: value.direction === 'out' ? 'out' : 'in',
    peer: str(value.peer, 64, '?'),
    class: str(value.class, 32, '?'),
    precedence: str(value.precedence, 16, '?'),
    text: str(value.text, 2000, ''),
    place: readPlace(value.place),
    level: readAltitude(value.level),
    start_utc_ms: num(value.start_utc_ms),
    end_utc_ms: num(value.end_utc_ms),
    action: optional(value.action, 400),
    issued_utc_ms: num(value.issued_utc_ms) ?? 0,
    // Only a clear "none" is none.
    receipt: value.receipt === null ? null : str(value.receipt, 16, 'ACKNOWLEDGED'),
    due_utc_ms: num(value.due_utc_ms),
    overdue: value.overdue === true,
    received_utc_ms: num(value.received_utc_ms),
    seen_utc_ms: num(value.seen_utc_ms),
    acknowledged: acknowledged && {
      utc_ms: num(acknowledged.utc_ms) ?? 0,
      role: optional(acknowledged.role, 32),
      by: optional(acknowledged.by, 64),
      // Only a clear yes is a yes.
      read_back_ok: acknowledged.read_back_ok === true,
    },
    answers: (Array.isArray(value.answers) ? value.answers : []).slice(0, 8).flatMap(readAnswer),
    sealed: value.sealed === true,
    claimed_off_ms: num(value.claimed_off_ms) ?? 0,
  };
}

function readAnswer(value: unknown): NoticeAnswer[] {
  if (!isObject(value)) return [];
  return [
    {
      level: str(value.level, 16, '?'),
      utc_ms: num(value.utc_ms) ?? 0,
      role: str(value.role, 32, '?'),
      by: optional(value.by, 64),
      decision: optional(value.decision, 16),
      text: str(value.text, 400, ''),
    },
  ];
}

function readPlace(value: unknown): LatLon | null {
  if (!isObject(value)) return null;
  const lat = num(value.lat);
  const lon = num(value.lon);
  if (lat === null || lon === null || Math.abs(lat) > 90 || Math.abs(lon) > 180) return null;
  return { lat, lon };
}

export function readAltitude(value: unknown): Altitude | null {
  if (!isObject(value)) return null;
  const value_ft = num(value.value_ft);
  const reference = (['pressure', 'msl', 'wgs84', 'agl'] as const).find((known) => known === value.reference);
  return value_ft === null || reference === undefined ? null : { value_ft, reference };
}

function readLabel(value: unknown): [number, Label][] {
  if (!Array.isArray(value) || !isId(value[0])) return [];
  return [[value[0], { callsign: optional(value[1], 16), address: optional(value[2], 16) }]];
}
