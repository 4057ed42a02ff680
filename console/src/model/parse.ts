/** What an officer types: places, levels and times. Anything that could be read two ways is refused with the reason. */
import type { LatLon } from './wire';

export type Parsed<T> = { ok: true; value: T } | { ok: false; reason: string };

const no = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

/**
 * A place: `51.1234 4.5`, `51.1234N 4.5E`, `51 07 24 N 004 30 00 E`, `51°07'24"N, 4°30'E`, `510724N 0043000E`.
 * Latitude first. Signs and letters are not mixed; without letters the order is latitude, longitude.
 */
export function parsePlace(text: string): Parsed<LatLon> {
  const clean = text
    .trim()
    .toUpperCase()
    .replace(/[°º'’′"”″:]/g, ' ')
    .replace(/,\s*/g, ' ; ')
    .replace(/−/g, '-')
    .replace(/\s+/g, ' ')
    .trim();
  if (clean === '') return no('no place given');
  const halves = split(clean);
  if (halves === null)
    return no('give latitude, then longitude, each with N/S or E/W, or two signed decimals');
  const lat = angle(halves[0], 'NS', 90, 'latitude');
  if (!lat.ok) return lat;
  const lon = angle(halves[1], 'EW', 180, 'longitude');
  if (!lon.ok) return lon;
  return { ok: true, value: { lat: lat.value, lon: lon.value } };
}

function split(text: string): [string, string] | null {
  const lettered = /^(.*?[NS])\s*;?\s*(.*[EW])$/.exec(text) ?? /^([NS].*?)\s*;?\s*([EW].*)$/.exec(text);
  if (lettered) return [lettered[1] ?? '', lettered[2] ?? ''];
  if (/[A-Z]/.test(text)) return null;
  const parts = text.includes(';') ? text.split(';') : text.split(' ');
  // Two bare numbers only: six would leave the officer to guess which way the signs go.
  return parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : null;
}

function angle(text: string, letters: string, max: number, what: string): Parsed<number> {
  const found = /^([NSEW])?\s*([-+])?([\d. ]+?)\s*([NSEW])?$/.exec(text.trim());
  if (!found) return no(`the ${what} cannot be read`);
  const [, before, sign, digits = '', after] = found;
  const letter = before ?? after;
  if (before !== undefined && after !== undefined) return no(`the ${what} has two letters`);
  if (letter !== undefined && !letters.includes(letter)) return no(`the ${what} ends in ${letter}`);
  if (letter !== undefined && sign !== undefined) return no(`the ${what} has a sign and a letter`);
  const parts = packed(digits.trim(), letter === undefined, letters === 'NS' ? 2 : 3);
  if (parts === null) return no(`the ${what} cannot be read`);
  const [d = 0, m = 0, s = 0] = parts;
  if (m >= 60 || s >= 60) return no(`minutes and seconds of the ${what} must be below 60`);
  const value = d + m / 60 + s / 3600;
  if (value > max) return no(`the ${what} is more than ${max}°`);
  return { ok: true, value: round7(sign === '-' || letter === 'S' || letter === 'W' ? -value : value) };
}

/** Degrees, minutes, seconds; only the last may have decimals. `DDMMSS` (`DDDMMSS`) may stand without spaces. */
function packed(text: string, bare: boolean, degreeDigits: number): number[] | null {
  let parts = text.split(' ');
  const run =
    parts.length === 1
      ? new RegExp(`^(\\d{${degreeDigits}})(\\d{2})(\\d{2}(?:\\.\\d+)?)?$`).exec(text)
      : null;
  if (run && !bare) parts = run.slice(1).filter((part) => part !== undefined);
  if (parts.length > 3 || (bare && parts.length > 1)) return null;
  const last = parts.length - 1;
  const good = parts.every((part, i) => (i === last ? /^\d{1,3}(\.\d*)?$/ : /^\d{1,3}$/).test(part));
  return good ? parts.map(Number) : null;
}

/** The wire counts in 1e-7 degrees; nothing finer may be shown as if it were sent. */
function round7(value: number): number {
  return Math.round(value * 1e7) / 1e7;
}

/** Feet: `24000`, `24,000`, `FL240` (only with the pressure reference). */
export function parseLevel(text: string, reference: string): Parsed<number> {
  const clean = text.trim().toUpperCase();
  if (clean === '') return no('no level given');
  const level = /^FL\s*(\d{1,3})$/.exec(clean);
  if (level) {
    if (reference !== 'pressure') return no('a flight level goes with the pressure reference only');
    return { ok: true, value: Number(level[1]) * 100 };
  }
  if (!/^-?(\d{1,6}|\d{1,3}(,\d{3})+)(\s*FT)?$/.test(clean))
    return no('give feet as a whole number, or FL and three digits');
  const value = Number(clean.replace(/[,FT\s]/g, ''));
  if (value < -2000 || value > 150_000) return no('the level is outside -2,000 to 150,000 ft');
  return { ok: true, value };
}

/** A UTC time: `1204`, `12:04`, `12:04:30`, `2026-11-21 12:04`, each with or without `Z`. A bare time is the one nearest to now. */
export function parseTime(text: string, now_utc_ms: number): Parsed<number> {
  const clean = text.trim().toUpperCase().replace(/Z$/, '').trim();
  if (clean === '') return no('no time given');
  const found = /^(?:(\d{4})-(\d{2})-(\d{2})[T ]\s*)?(\d{2}):?(\d{2})(?::?(\d{2})(?:\.\d+)?)?$/.exec(clean);
  if (!found) return no('give UTC as HH:MM or HH:MM:SS, or YYYY-MM-DD HH:MM');
  const [h, m, s] = [Number(found[4]), Number(found[5]), Number(found[6] ?? 0)];
  if (h > 23 || m > 59 || s > 59) return no('hours end at 23, minutes and seconds at 59');
  if (found[1] !== undefined) {
    const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
    const value = Date.UTC(year, month - 1, day, h, m, s);
    // Date.UTC turns 31 April into 1 May; the officer did not mean that.
    if (new Date(value).getUTCDate() !== day || month > 12) return no('there is no such date');
    return { ok: true, value };
  }
  const now = new Date(now_utc_ms);
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), h, m, s);
  const DAY = 86_400_000;
  const nearest = [today - DAY, today, today + DAY].sort(
    (a, b) => Math.abs(a - now_utc_ms) - Math.abs(b - now_utc_ms),
  );
  return { ok: true, value: nearest[0] ?? today };
}
