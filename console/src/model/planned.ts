/** Aircraft in the air without a plan, and plans that nobody flies. */
import { isId, isObject, type Json, num, optional, str } from './json';

/** More of either list the node does not give. */
const LISTED_MAX = 1000;

export interface Listed<T> {
  items: T[];
  /** There may be more. */
  cut: boolean;
}

export interface Unplanned {
  id: number;
  name: string;
  /** Null: an own sensor sees it, and nobody claims it. */
  owner: string | null;
  class: string;
  stale: boolean;
  /** A plan that names it and is not active now. */
  inactive_plan: string | null;
}

export interface Unflown {
  subject: string;
  owner: string;
  callsign: string | null;
  /** The drone traffic service whose operational intent it is. */
  uss: string | null;
  since_utc_ms: number | null;
  why: string;
}

export function readUnplanned(value: unknown): Listed<Unplanned> | null {
  return readListed(value, (row) => {
    const track = isObject(row.track) ? row.track : {};
    if (!isId(track.id)) return null;
    return {
      id: track.id,
      name: optional(track.callsign, 16) ?? optional(track.address, 16) ?? `#${track.id}`,
      owner: optional(track.owner, 64),
      class: str(track.class, 32, 'unknown'),
      stale: track.stale === true,
      inactive_plan: optional(row.inactive_plan, 128),
    };
  });
}

export function readUnflown(value: unknown): Listed<Unflown> | null {
  return readListed(value, (row) => {
    const subject = optional(row.subject, 128);
    if (subject === null) return null;
    return {
      subject,
      owner: str(row.owner, 64, '?'),
      callsign: optional(row.callsign, 16),
      uss: optional(row.uss, 64),
      since_utc_ms: num(row.since_utc_ms),
      why: str(row.why, 200, '?'),
    };
  });
}

/** What cannot be read is left out, and then there is more than is listed. */
function readListed<T>(value: unknown, read: (row: Json) => T | null): Listed<T> | null {
  if (!isObject(value) || !Array.isArray(value.items)) return null;
  const items = value.items.slice(0, LISTED_MAX).flatMap((row) => {
    const one = isObject(row) ? read(row) : null;
    return one === null ? [] : [one];
  });
  // Only a clear "no" says that this is all.
  return { items, cut: value.cut !== false || items.length < value.items.length };
}
