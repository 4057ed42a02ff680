/** What a conflict's alert was decided from: the two reports as the detector read them, and what it found. */
import { isObject, type Json, num, optional, str } from './json';

export interface Input {
  name: string;
  sha256: string;
  class: string;
  at_utc_ms: number | null;
  age_ms: number | null;
  lat: number | null;
  lon: number | null;
  pressure_altitude_ft: number | null;
  wgs84_height_ft: number | null;
  ground_speed_kt: number | null;
  track_deg: number | null;
  vertical_rate_fpm: number | null;
  vertical_rate_is_noise: boolean;
  accuracy_m: number | null;
  drift_m: number | null;
}

export interface Found {
  tin_s: number | null;
  tout_s: number | null;
  tcpa_s: number | null;
  dcpa_m: number | null;
  d0_m: number | null;
  vertical_at_cpa_ft: number | null;
  vertical_now_ft: number | null;
  vertical_error_ft: number | null;
  basis: string;
  violation_now: boolean;
  velocity_unknown: boolean;
  widened_m: number | null;
}

export interface Decision {
  engine: string;
  earth: string;
  t0_utc_ms: number;
  minima: { lateral_m: number | null; vertical_ft: number | null; horizon_s: number | null };
  a: Input;
  b: Input;
  found: Found;
  /** `the same`, or why the detector of this build finds another result. */
  again: string;
}

export interface Explanation {
  first: Decision;
  last: Decision;
}

/** Null if it is not whole: half of a decision explains nothing. */
export function readExplanation(value: unknown): Explanation | null {
  if (!isObject(value)) return null;
  const [first, last] = [readDecision(value.first), readDecision(value.last)];
  return first === null || last === null ? null : { first, last };
}

function readDecision(value: unknown): Decision | null {
  if (!isObject(value) || !isObject(value.minima) || !isObject(value.found)) return null;
  const t0 = num(value.t0_utc_ms);
  if (!isObject(value.a) || !isObject(value.b) || t0 === null) return null;
  const { minima, found } = value;
  return {
    engine: str(value.engine, 120, '?'),
    earth: str(value.earth, 120, '?'),
    t0_utc_ms: t0,
    minima: {
      lateral_m: num(minima.lateral_m),
      vertical_ft: num(minima.vertical_ft),
      horizon_s: num(minima.horizon_s),
    },
    a: readInput(value.a),
    b: readInput(value.b),
    found: {
      tin_s: num(found.tin_s),
      tout_s: num(found.tout_s),
      tcpa_s: num(found.tcpa_s),
      dcpa_m: num(found.dcpa_m),
      d0_m: num(found.d0_m),
      vertical_at_cpa_ft: num(found.vertical_at_cpa_ft),
      vertical_now_ft: num(found.vertical_now_ft),
      vertical_error_ft: num(found.vertical_error_ft),
      basis: str(found.basis, 32, '?'),
      violation_now: found.violation_now === true,
      velocity_unknown: found.velocity_unknown === true,
      widened_m: num(found.widened_m),
    },
    // Only a clear "the same" is the same.
    again: str(value.again, 400, 'the node does not say'),
  };
}

function readInput(value: Json): Input {
  const [callsign, address] = [optional(value.callsign, 16), optional(value.address, 16)];
  return {
    name: [callsign, address].filter((part) => part !== null).join(' ') || 'unnamed',
    sha256: str(value.sha256, 64, '?'),
    class: str(value.class, 32, '?'),
    at_utc_ms: num(value.at_utc_ms),
    age_ms: num(value.age_ms),
    lat: num(value.lat),
    lon: num(value.lon),
    pressure_altitude_ft: num(value.pressure_altitude_ft),
    wgs84_height_ft: num(value.wgs84_height_ft),
    ground_speed_kt: num(value.ground_speed_kt),
    track_deg: num(value.track_deg),
    vertical_rate_fpm: num(value.vertical_rate_fpm),
    vertical_rate_is_noise: value.vertical_rate_is_noise === true,
    accuracy_m: num(value.accuracy_m),
    drift_m: num(value.drift_m),
  };
}

/** What the vertical distance may be off by, in words. */
export function verticalError(found: Found): string {
  if (found.vertical_error_ft === null) return 'a level is not known: it conflicts at all levels';
  return found.vertical_error_ft === 0
    ? 'both levels in one reference: nothing added'
    : `may be off by ${Math.round(found.vertical_error_ft)} ft: added to the minimum`;
}
