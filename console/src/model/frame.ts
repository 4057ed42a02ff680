/**
 * The binary track frame (docs/api.md): header of 24 bytes, 32 bytes a track, little endian. Decoded into columns, once,
 * with the map's coordinates beside the geographic ones, so that drawing a frame allocates nothing.
 */

export const HEADER_BYTES = 24;
export const TRACK_BYTES = 32;
/** A count above this is refused: it would be three times the largest picture a node is made for. */
export const TRACKS_MAX = 100_000;

export const ON_GROUND = 1;
export const STALE = 2;
export const COARSE = 4;
export const REDUCED = 8;
export const IN_ALARM = 16;
export const IN_WARNING = 32;

export const UNCLAIMED = 255;

const MAGIC = 0x31544b53; // "SKT1"
const EARTH_M = 6378137;
/** Web Mercator ends here. */
const LAT_MAX = 85.051129;

/** Why a frame was refused. Nothing of a refused frame is shown. */
export type FrameError = 'too short' | 'not a track frame' | 'too many tracks' | 'length and count differ';

/** One decoded frame. Columns are parallel and hold `count` tracks. */
export interface Picture {
  frame: number;
  utc_ms: number;
  frozen: boolean;
  count: number;
  /** Tracks left out because their position is outside the earth. */
  malformed: number;
  id: Uint32Array;
  lat: Float64Array;
  lon: Float64Array;
  /** Web Mercator, metres. */
  x: Float64Array;
  y: Float64Array;
  /** Feet; NaN unknown. */
  altitude_ft: Float32Array;
  /** Metres a second; NaN unknown. */
  speed: Float32Array;
  /** Degrees true; NaN unknown. */
  track: Float32Array;
  /** Metres a second, up; NaN unknown. */
  vertical: Float32Array;
  /** Seconds at `utc_ms`. */
  age_s: Float32Array;
  owner: Uint8Array;
  class: Uint8Array;
  reference: Uint8Array;
  flags: Uint8Array;
  precision_m: Uint32Array;
}

export function decodeFrame(bytes: ArrayBuffer): Picture | FrameError {
  if (bytes.byteLength < HEADER_BYTES) return 'too short';
  const view = new DataView(bytes);
  if (view.getUint32(0, true) !== MAGIC) return 'not a track frame';
  const declared = view.getUint32(16, true);
  if (declared > TRACKS_MAX) return 'too many tracks';
  if (bytes.byteLength !== HEADER_BYTES + declared * TRACK_BYTES) return 'length and count differ';
  const picture = empty(declared);
  picture.frame = view.getUint32(4, true);
  picture.utc_ms = Number(view.getBigInt64(8, true));
  picture.frozen = (view.getUint32(20, true) & 1) !== 0;
  for (let i = 0; i < declared; i++) readTrack(view, HEADER_BYTES + i * TRACK_BYTES, picture);
  return picture;
}

export function empty(capacity: number): Picture {
  return {
    frame: 0,
    utc_ms: 0,
    frozen: false,
    count: 0,
    malformed: 0,
    id: new Uint32Array(capacity),
    lat: new Float64Array(capacity),
    lon: new Float64Array(capacity),
    x: new Float64Array(capacity),
    y: new Float64Array(capacity),
    altitude_ft: new Float32Array(capacity),
    speed: new Float32Array(capacity),
    track: new Float32Array(capacity),
    vertical: new Float32Array(capacity),
    age_s: new Float32Array(capacity),
    owner: new Uint8Array(capacity),
    class: new Uint8Array(capacity),
    reference: new Uint8Array(capacity),
    flags: new Uint8Array(capacity),
    precision_m: new Uint32Array(capacity),
  };
}

function readTrack(view: DataView, at: number, into: Picture): void {
  const lat = view.getInt32(at + 4, true) * 1e-7;
  const lon = view.getInt32(at + 8, true) * 1e-7;
  if (Math.abs(lat) > 90 || Math.abs(lon) > 180) {
    into.malformed++;
    return;
  }
  const i = into.count++;
  const altitude = view.getInt32(at + 12, true);
  const speed = view.getUint16(at + 16, true);
  const track = view.getUint16(at + 18, true);
  const vertical = view.getInt16(at + 20, true);
  into.id[i] = view.getUint32(at, true);
  into.lat[i] = lat;
  into.lon[i] = lon;
  into.x[i] = mercatorX(lon);
  into.y[i] = mercatorY(lat);
  into.altitude_ft[i] = altitude === -0x8000_0000 ? Number.NaN : altitude * 1e-4 * FEET_PER_METRE;
  into.speed[i] = speed === 0xffff ? Number.NaN : speed * 0.1;
  into.track[i] = track >= 36000 ? Number.NaN : track * 0.01;
  into.vertical[i] = vertical === -0x8000 ? Number.NaN : vertical * 0.01;
  into.age_s[i] = view.getUint16(at + 22, true) * 0.1;
  into.owner[i] = view.getUint8(at + 24);
  into.class[i] = view.getUint8(at + 25);
  into.reference[i] = view.getUint8(at + 26);
  into.flags[i] = view.getUint8(at + 27);
  into.precision_m[i] = view.getUint32(at + 28, true);
}

const FEET_PER_METRE = 1 / 0.3048;

export function mercatorX(lon: number): number {
  return (lon * Math.PI * EARTH_M) / 180;
}

export function mercatorY(lat: number): number {
  const clamped = Math.max(-LAT_MAX, Math.min(LAT_MAX, lat));
  return EARTH_M * Math.log(Math.tan(Math.PI / 4 + (clamped * Math.PI) / 360));
}

export function latOfMercatorY(y: number): number {
  return (2 * Math.atan(Math.exp(y / EARTH_M)) - Math.PI / 2) * (180 / Math.PI);
}

/** Row of the track with this id, or -1. Linear: called for a few tracks a frame, never for all. */
export function rowOf(picture: Picture, id: number): number {
  const row = picture.id.indexOf(id);
  return row < picture.count ? row : -1;
}
