import { describe, expect, it } from 'vitest';
import {
  decodeFrame,
  HEADER_BYTES,
  latOfMercatorY,
  mercatorX,
  mercatorY,
  type Picture,
  rowOf,
  TRACK_BYTES,
  TRACKS_MAX,
} from '../src/model/frame';

/** A frame of `count` tracks; `edit` changes its bytes before it is decoded. */
function build(count: number, edit: (view: DataView) => void = () => undefined, extra = 0): ArrayBuffer {
  const bytes = new ArrayBuffer(HEADER_BYTES + count * TRACK_BYTES + extra);
  const view = new DataView(bytes);
  for (const [i, letter] of [...'SKT1'].entries()) view.setUint8(i, letter.charCodeAt(0));
  view.setUint32(4, 77, true);
  view.setBigInt64(8, 1_795_000_000_123n, true);
  view.setUint32(16, count, true);
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * TRACK_BYTES;
    view.setUint32(at, 1000 + i, true);
    view.setInt32(at + 4, 561_234_567, true);
    view.setInt32(at + 8, -71_234_567, true);
    view.setInt32(at + 12, 73_152_000, true); // 7315.2 m = 24,000 ft
    view.setUint16(at + 16, 2300, true);
    view.setUint16(at + 18, 35_999, true);
    view.setInt16(at + 20, -508, true);
    view.setUint16(at + 22, 15, true);
    view.setUint8(at + 24, 255);
    view.setUint8(at + 27, 5);
    view.setUint32(at + 28, 1852, true);
  }
  edit(view);
  return bytes;
}

function good(bytes: ArrayBuffer): Picture {
  const picture = decodeFrame(bytes);
  if (typeof picture === 'string') throw new Error(picture);
  return picture;
}

describe('decodeFrame', () => {
  it('reads every column', () => {
    const p = good(build(2));
    expect([p.frame, p.utc_ms, p.count, p.frozen, p.malformed]).toEqual([77, 1_795_000_000_123, 2, false, 0]);
    expect([p.id[1], p.owner[1], p.flags[1], p.precision_m[1]]).toEqual([1001, 255, 5, 1852]);
    expect(p.lat[0]).toBeCloseTo(56.1234567, 9);
    expect(p.lon[0]).toBeCloseTo(-7.1234567, 9);
    expect(p.altitude_ft[0]).toBeCloseTo(24_000, 1);
    expect(p.speed[0]).toBeCloseTo(230, 3);
    expect(p.track[0]).toBeCloseTo(359.99, 3);
    expect(p.vertical[0]).toBeCloseTo(-5.08, 4);
    expect(p.age_s[0]).toBeCloseTo(1.5, 5);
  });

  it('keeps unknown values unknown', () => {
    const p = good(
      build(1, (view) => {
        view.setInt32(HEADER_BYTES + 12, -0x8000_0000, true);
        view.setUint16(HEADER_BYTES + 16, 0xffff, true);
        view.setUint16(HEADER_BYTES + 18, 0xffff, true);
        view.setInt16(HEADER_BYTES + 20, -0x8000, true);
      }),
    );
    expect([p.altitude_ft[0], p.speed[0], p.track[0], p.vertical[0]]).toEqual([NaN, NaN, NaN, NaN]);
  });

  it('takes an empty picture and the frozen flag', () => {
    const p = good(build(0, (view) => view.setUint32(20, 1, true)));
    expect([p.count, p.frozen]).toEqual([0, true]);
  });

  it.each([
    ['too short', new ArrayBuffer(0)],
    ['too short', new ArrayBuffer(HEADER_BYTES - 1)],
    ['not a track frame', build(1, (view) => view.setUint8(3, 0x32))],
    ['length and count differ', build(1, (view) => view.setUint32(16, 2, true))],
    ['length and count differ', build(2, (view) => view.setUint32(16, 1, true))],
    ['length and count differ', build(1, () => undefined, 1)],
    ['too many tracks', build(1, (view) => view.setUint32(16, TRACKS_MAX + 1, true))],
    ['too many tracks', build(1, (view) => view.setUint32(16, 0xffff_ffff, true))],
  ])('refuses a frame that is %s', (reason, bytes) => {
    expect(decodeFrame(bytes)).toBe(reason);
  });

  it('leaves out and counts tracks outside the earth', () => {
    const p = good(
      build(3, (view) => {
        view.setInt32(HEADER_BYTES + 4, 900_000_001, true);
        view.setInt32(HEADER_BYTES + TRACK_BYTES + 8, -1_800_000_001, true);
      }),
    );
    expect([p.count, p.malformed, p.id[0]]).toEqual([1, 2, 1002]);
  });

  it('never throws and never counts beyond what arrived, whatever the bytes', () => {
    let seed = 1;
    for (let round = 0; round < 2000; round++) {
      const bytes = build(round % 5);
      const view = new DataView(bytes);
      for (let k = 0; k < 6; k++) {
        seed = (seed * 48271) % 2147483647;
        view.setUint8(seed % bytes.byteLength, seed >> 8);
      }
      const p = decodeFrame(bytes);
      if (typeof p !== 'string')
        expect(p.count + p.malformed).toBe((bytes.byteLength - HEADER_BYTES) / TRACK_BYTES);
    }
  });
});

describe('rowOf', () => {
  it('does not find an id among the rows left out', () => {
    const p = good(build(2, (view) => view.setInt32(HEADER_BYTES + 4, 900_000_001, true)));
    expect([rowOf(p, 1001), rowOf(p, 1000), rowOf(p, 0)]).toEqual([0, -1, -1]);
  });
});

describe('mercator', () => {
  it('goes there and back, and ends before the poles', () => {
    for (const lat of [-85, -33.3, 0, 51.5, 85]) expect(latOfMercatorY(mercatorY(lat))).toBeCloseTo(lat, 9);
    expect(mercatorY(90)).toBeCloseTo(mercatorX(180), -2);
  });
});
