/** Inhibitions: conflicts that an officer took from among the alarms, for a reason and until a time. */
import { decimalPlace, nauticalMiles } from './format';
import { isObject, type Json, key, num, optional, str } from './json';
import type { Alert, Label } from './wire';

export interface Inhibition {
  id: string;
  /** Of what, in words. */
  of: string;
  owner: string;
  reason: string;
  since_utc_ms: number;
  until_utc_ms: number;
}

/** How long one may be asked for here; the node itself allows a day. */
export const ENDS: readonly (readonly [string, number])[] = [
  ['15 min', 15 * 60_000],
  ['1 h', 60 * 60_000],
  ['4 h', 4 * 60 * 60_000],
];

/** Bytes of a reason, in UTF-8, that the node takes. */
export const REASON_MAX_BYTES = 400;
/** Bytes of a name that the node takes. */
const NAME_MAX = 16;

/** Whatever cannot be read of one, it is listed: what keeps an alarm quiet must not itself be left out. */
export function readInhibition(value: Json): Inhibition | null {
  const id = key(value.id);
  if (id === null) return null;
  return {
    id,
    of: ofWhat(value),
    owner: str(value.owner, 64, '?'),
    reason: str(value.reason, 400, 'no reason that can be read'),
    since_utc_ms: num(value.since_utc_ms) ?? Number.NaN,
    until_utc_ms: num(value.until_utc_ms) ?? Number.NaN,
  };
}

function ofWhat(value: Json): string {
  const flight = optional(value.flight, 32);
  if (flight !== null) return `every conflict of ${flight}`;
  if (Array.isArray(value.pair) && value.pair.length === 2)
    return `${str(value.pair[0], 32, '?')} × ${str(value.pair[1], 32, '?')}`;
  if (isObject(value.volume)) return `conflicts inside ${volumeWords(value.volume)}`;
  return 'something this console cannot read';
}

function volumeWords(volume: Json): string {
  const outline = isObject(volume.outline) ? volume.outline : {};
  const levels = `${limit('from', volume.lower)}${limit('to', volume.upper)}`;
  const points = (Array.isArray(outline.points) ? outline.points : []).slice(0, 100).flatMap(point);
  if (outline.type === 'circle') {
    const [centre] = point(outline.centre);
    const radius = num(outline.radius_m);
    if (centre !== undefined && radius !== null)
      return `a circle of ${nauticalMiles(radius)} round ${decimalPlace(centre)}${levels}`;
  }
  if (points.length === 0) return `a volume${levels}`;
  const lat = points.map((at) => at.lat);
  const lon = points.map((at) => at.lon);
  const corner = (pick: (...of: number[]) => number) =>
    decimalPlace({ lat: pick(...lat), lon: pick(...lon) });
  const what = outline.type === 'corridor' ? 'a corridor' : 'an area';
  return `${what} between ${corner(Math.min)} and ${corner(Math.max)}${levels}`;
}

function point(value: unknown): { lat: number; lon: number }[] {
  if (!Array.isArray(value)) return [];
  const [lon, lat] = [num(value[0]), num(value[1])];
  return lon === null || lat === null ? [] : [{ lat, lon }];
}

function limit(word: string, value: unknown): string {
  if (!isObject(value)) return '';
  const [ft, m] = [num(value.value_ft), num(value.value_m)];
  const reference = str(value.reference, 16, '?');
  if (ft !== null) return `, ${word} ${Math.round(ft)} ft ${reference}`;
  return m === null ? '' : `, ${word} ${Math.round(m)} m ${reference}`;
}

/**
 * The two names by which the node is asked to inhibit a conflict: the labels that the officer reads, and the addresses where the
 * labels are one. Null if the two cannot be told apart by name.
 */
export function pairOf(alert: Alert, labels: ReadonlyMap<number, Label>): [string, string] | null {
  if (alert.kind !== 'conflict' || alert.a === null || alert.b === null) return null;
  const address = (id: number | null) => (id === null ? '' : (labels.get(id)?.address ?? ''));
  for (const [a, b] of [
    [alert.a.label, alert.b.label],
    [address(alert.a.id), address(alert.b.id)],
  ] as const) {
    if (isName(a) && isName(b) && a.toLowerCase() !== b.toLowerCase()) return [a, b];
  }
  return null;
}

/** What this console made up or changed for display is no name: callsigns, addresses and numbers are plain ASCII. */
function isName(name: string): boolean {
  return (
    name.length > 0 && name.length <= NAME_MAX && /^[#~]?[A-Za-z0-9-]+$/.test(name) && name !== 'unnamed'
  );
}

/** Why a typed reason cannot be sent, or null. */
export function reasonFault(reason: string): string | null {
  if (reason.trim() === '') return 'say why';
  const bytes = new TextEncoder().encode(reason.trim()).length;
  return bytes > REASON_MAX_BYTES ? `${bytes - REASON_MAX_BYTES} bytes too long` : null;
}
