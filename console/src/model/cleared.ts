/** Levels that own flights are cleared to: conflicts are predicted with a climb or descent that ends there. */
import { type Json, num, optional, str } from './json';
import { type Altitude, type Label, readAltitude } from './wire';

/** More the node does not hold. */
export const CLEARED_MAX = 1000;

export interface Cleared {
  /** Callsign or address, in capitals. */
  flight: string;
  /** Null: it cannot be read, and is in force all the same. */
  level: Altitude | null;
  by: string;
  until_utc_ms: number;
}

/** How long one may be asked for here; the node itself allows a day. */
export const LASTS: readonly (readonly [string, number])[] = [
  ['10 min', 10 * 60_000],
  ['30 min', 30 * 60_000],
  ['1 h', 60 * 60_000],
  ['4 h', 4 * 60 * 60_000],
];

/** Bytes of a name that the node takes. */
const NAME_MAX = 16;

export function readCleared(value: Json): Cleared | null {
  const flight = optional(value.flight, 32);
  if (flight === null) return null;
  return {
    flight,
    level: readAltitude(value.level),
    by: str(value.by, 64, '?'),
    until_utc_ms: num(value.until_utc_ms) ?? Number.NaN,
  };
}

/** By what a track goes at the node, which asks in this order: its callsign, then its address. */
function names(label: Label | undefined): string[] {
  const both = [label?.callsign ?? null, label?.address ?? null];
  return both.flatMap((name) => (name === null ? [] : [name.trim().toUpperCase()]));
}

/** The level in force for a track. */
export function clearedOf(all: readonly Cleared[], label: Label | undefined): Cleared | null {
  for (const name of names(label)) {
    const found = all.find(({ flight }) => flight === name);
    if (found !== undefined) return found;
  }
  return null;
}

/** Own tracks by the level that is used for them: a name may be several tracks', and a track may have two names. */
export function usedBy(
  all: readonly Cleared[],
  own: readonly [number, Label][],
): ReadonlyMap<string, number[]> {
  const used = new Map<string, number[]>(all.map(({ flight }) => [flight, []]));
  for (const [id, label] of own) {
    const name = names(label).find((name) => used.has(name));
    if (name !== undefined) used.get(name)?.push(id);
  }
  return used;
}

/**
 * The name by which a level is entered for a track: the one under which it has a level already, so that it is replaced and does not
 * stand behind it; else the first that no other own track goes by. Null if there is none.
 */
export function nameToClear(
  all: readonly Cleared[],
  id: number,
  own: readonly [number, Label][],
): string | null {
  const label = own.find(([of]) => of === id)?.[1];
  const before = clearedOf(all, label);
  if (before !== null) return before.flight;
  const others = new Set(own.flatMap(([of, label]) => (of === id ? [] : names(label))));
  return names(label).find((name) => isName(name) && !others.has(name)) ?? null;
}

/** What this console changed for display is no name. */
function isName(name: string): boolean {
  return name.length <= NAME_MAX && /^~?[A-Z0-9-]+$/.test(name);
}
