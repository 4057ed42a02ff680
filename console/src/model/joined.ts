/** Other tracks that the node holds for the same aircraft as one, and does not look at by themselves. */
import { isId, isObject, type Json, num, optional } from './json';
import { type Altitude, readAltitude } from './wire';

/** More of one track are cut: it stands in a narrow panel. */
const JOINED_MAX = 20;

export interface Joined {
  id: number;
  name: string;
  /** Who tells of it; null for an own sensor. */
  owner: string | null;
  altitude: Altitude | null;
  at_utc_ms: number | null;
}

/** A page of `GET /v1/tracks`, as far as it matters for one of them. */
export interface TrackPage {
  /** The track that was looked for; null if it is not on this page. */
  joined: Joined[] | null;
  /** Where the next page begins; null if the track cannot be on a later one. */
  next: string | null;
}

/** Looks for a track on a page; pages are in the order of the ids. */
export function readTrackPage(value: unknown, id: number): TrackPage | null {
  if (!isObject(value) || !Array.isArray(value.items)) return null;
  const rows = value.items.filter(isObject);
  const found = rows.find((row) => row.id === id);
  if (found !== undefined) return { joined: readJoined(found.joined), next: null };
  const last = rows.at(-1)?.id;
  const passed = !isId(last) || last > id;
  return { joined: null, next: passed ? null : optional(value.next, 200) };
}

function readJoined(value: unknown): Joined[] {
  return (Array.isArray(value) ? value : [])
    .slice(0, JOINED_MAX)
    .flatMap((row: unknown) => (isObject(row) && isId(row.id) ? [readOne(row, row.id)] : []));
}

function readOne(row: Json, id: number): Joined {
  const mode_a = optional(row.mode_a, 4);
  return {
    id,
    name:
      optional(row.callsign, 16) ??
      optional(row.address, 16) ??
      (mode_a === null ? `#${id}` : `mode A ${mode_a}`),
    owner: optional(row.owner, 64),
    altitude: readAltitude(row.altitude),
    at_utc_ms: num(row.at_utc_ms),
  };
}
