/** How figures are written. Every one carries its unit or its reference; what is not known says so. */
import type { Altitude, LatLon, Reference } from './wire';

const METRES_PER_NM = 1852;

export const REFERENCES: readonly Reference[] = ['pressure', 'msl', 'wgs84', 'agl'];
/** In the order of the frame's altitude reference byte. */
const REFERENCE_TEXT: Record<Reference, string> = {
  pressure: '1013.25 hPa',
  msl: 'above mean sea level',
  wgs84: 'above WGS 84 ellipsoid',
  agl: 'above ground',
};

export function referenceText(reference: Reference): string {
  return REFERENCE_TEXT[reference];
}

/** `12:04:33Z` */
export function clock(utc_ms: number): string {
  if (!Number.isFinite(utc_ms)) return '--:--:--Z';
  return `${new Date(utc_ms).toISOString().slice(11, 19)}Z`;
}

/** `12:04:33Z`, with the date before it when that is not the day of `now`. */
export function moment(utc_ms: number, now_utc_ms: number): string {
  const whole = new Date(utc_ms).toISOString();
  const same = whole.slice(0, 10) === new Date(now_utc_ms).toISOString().slice(0, 10);
  return same ? clock(utc_ms) : `${whole.slice(0, 10)} ${clock(utc_ms)}`;
}

/** An age: `0.8 s`, `42 s`, `2 min 05 s`, `3 h 10 min`; null is unknown. */
export function age(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return 'unknown';
  const s = Math.max(0, ms) / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 100) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** Time until: `00:42`, `1:02:03`; past times count up with a plus. */
export function countdown(ms: number): string {
  // Up, not to the nearest: "00:00" is then said only when the time has come.
  const s = ms >= 0 ? Math.ceil(ms / 1000) : Math.floor(-ms / 1000);
  const sign = ms < 0 ? '+' : '';
  const rest = `${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
  return s >= 3600 ? `${sign}${Math.floor(s / 3600)}:${rest}` : `${sign}${rest}`;
}

export function nauticalMiles(metres: number): string {
  const nm = metres / METRES_PER_NM;
  return `${nm.toFixed(nm < 10 ? 2 : 1)} NM`;
}

export function feet(ft: number): string {
  return `${thousands(Math.round(ft))} ft`;
}

export function thousands(n: number): string {
  return Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

export function altitude(value: Altitude | null): string {
  if (value === null) return 'level unknown';
  const ft = thousands(Math.round(value.value_ft));
  switch (value.reference) {
    case 'pressure':
      return `FL ${Math.round(value.value_ft / 100)
        .toString()
        .padStart(3, '0')} (${ft} ft)`;
    case 'msl':
      return `${ft} ft MSL`;
    case 'wgs84':
      return `${ft} ft WGS84`;
    case 'agl':
      return `${ft} ft AGL`;
  }
}

/** Hundreds of feet behind the letter of their reference, for the map's labels: `F240`, `A024`, `W031`, `H004`. */
export function shortAltitude(ft: number, reference: number): string {
  if (!Number.isFinite(ft)) return '?';
  const letter = 'FAWH'[reference] ?? '?';
  const hundreds = Math.round(ft / 100);
  return `${letter}${hundreds < 0 ? '-' : ''}${Math.abs(hundreds).toString().padStart(3, '0')}`;
}

/** `51.12345 N 004.50000 E`; as many decimals as the value has, at least four, so that it can be read back exactly. */
export function decimalPlace(place: LatLon): string {
  return `${decimal(place.lat, 2)} ${place.lat < 0 ? 'S' : 'N'} ${decimal(place.lon, 3)} ${place.lon < 0 ? 'W' : 'E'}`;
}

function decimal(degrees: number, digits: number): string {
  const [whole = '0', fraction = ''] = Math.abs(degrees)
    .toFixed(7)
    .replace(/0{1,3}$/, '')
    .split('.');
  return `${whole.padStart(digits, '0')}.${fraction}`;
}

/** `51°07'24"N 004°30'00"E`, rounded to the second. */
export function dmsPlace(place: LatLon): string {
  return `${dms(place.lat, 2, 'N', 'S')} ${dms(place.lon, 3, 'E', 'W')}`;
}

function dms(degrees: number, digits: number, plus: string, minus: string): string {
  const total = Math.round(Math.abs(degrees) * 3600);
  const d = Math.floor(total / 3600)
    .toString()
    .padStart(digits, '0');
  return `${d}°${two(Math.floor((total % 3600) / 60))}'${two(total % 60)}"${degrees < 0 ? minus : plus}`;
}

function two(n: number): string {
  return n.toString().padStart(2, '0');
}
