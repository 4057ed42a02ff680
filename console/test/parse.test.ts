import { describe, expect, it } from 'vitest';
import { decimalPlace, dmsPlace } from '../src/model/format';
import { parseLevel, parsePlace, parseTime } from '../src/model/parse';

const near = { lat: 51 + 7 / 60 + 24 / 3600, lon: 4.5 };

describe('parsePlace', () => {
  it.each([
    ['51.1233333 4.5'],
    ['51.1233333, 4.5'],
    ['51.1233333N 4.5E'],
    ['N51.1233333 E4.5'],
    ['51 07 24 N 004 30 00 E'],
    [`51°07'24"N 004°30'00"E`],
    ['51º 07′ 24″ N, 4º 30′ E'],
    ['510724N 0043000E'],
    ['51:07:24N 4:30E'],
    ['51 07.4 N 4 30.0 E'],
  ])('reads %s', (text) => {
    const place = parsePlace(text);
    expect(place.ok).toBe(true);
    if (place.ok) {
      expect(place.value.lat).toBeCloseTo(near.lat, 6);
      expect(place.value.lon).toBeCloseTo(near.lon, 6);
    }
  });

  it.each([
    ['-33.5 -70.25', -33.5, -70.25],
    ['33 30 S 070 15 W', -33.5, -70.25],
    ['0 0', 0, 0],
    ['90N 180W', 90, -180],
    ['−1.5 −2.5', -1.5, -2.5],
  ])('reads the hemispheres of %s', (text, lat, lon) => {
    expect(parsePlace(text)).toEqual({ ok: true, value: { lat, lon } });
  });

  it.each([
    ['', 'no place'],
    ['51.5', 'latitude, then longitude'],
    ['4.5E 51.1N', 'latitude, then longitude'],
    ['51.1E 4.5E', 'latitude, then longitude'],
    ['N51.1 N4.5', 'latitude, then longitude'],
    ['51 07 24 004 30 00', 'latitude, then longitude'],
    ['91 0', 'more than 90'],
    ['0 181', 'more than 180'],
    ['51 60 00 N 004 00 00 E', 'below 60'],
    ['51 00 61 N 004 00 00 E', 'below 60'],
    ['-51N 4E', 'sign and a letter'],
    ['51.5.1 4', 'cannot be read'],
    ['51.5 07 N 4 E', 'cannot be read'],
    ['NaN 4', 'latitude, then longitude'],
    ['1e1 4', 'latitude, then longitude'],
    ['1 2 3', 'latitude, then longitude'],
  ])('refuses %j', (text, reason) => {
    const place = parsePlace(text);
    expect(place.ok).toBe(false);
    if (!place.ok) expect(place.reason).toContain(reason);
  });

  it('reads back what the console itself shows', () => {
    let seed = 5;
    for (let i = 0; i < 500; i++) {
      seed = (seed * 48271) % 2147483647;
      const lat = Math.round(((seed % 1_800_000_000) - 900_000_000) * 1) / 1e7;
      seed = (seed * 48271) % 2147483647;
      const lon = Math.round(((seed % 2_147_000_000) / 2_147_000_000) * 3.6e9 - 1.8e9) / 1e7;
      expect(parsePlace(decimalPlace({ lat, lon }))).toEqual({
        ok: true,
        value: { lat: lat + 0, lon: lon + 0 },
      });
      const dms = parsePlace(dmsPlace({ lat, lon }));
      expect(dms.ok && Math.abs(dms.value.lat - lat) < 1.4e-4 && Math.abs(dms.value.lon - lon) < 1.4e-4).toBe(
        true,
      );
    }
  });
});

describe('parseLevel', () => {
  it.each([
    ['24000', 'msl', 24_000],
    ['24,000 ft', 'msl', 24_000],
    ['FL240', 'pressure', 24_000],
    ['fl 45', 'pressure', 4_500],
    ['-200', 'msl', -200],
  ])('reads %s against %s', (text, reference, ft) => {
    expect(parseLevel(text, reference)).toEqual({ ok: true, value: ft });
  });

  it.each([
    ['', 'msl'],
    ['FL240', 'msl'],
    ['7300 m', 'msl'],
    ['24.5', 'msl'],
    ['999999', 'msl'],
    ['2,40', 'msl'],
  ])('refuses %j against %s', (text, reference) => {
    expect(parseLevel(text, reference).ok).toBe(false);
  });
});

describe('parseTime', () => {
  const now = Date.UTC(2026, 10, 21, 23, 50, 0);
  it.each([
    ['23:55', Date.UTC(2026, 10, 21, 23, 55)],
    ['2355Z', Date.UTC(2026, 10, 21, 23, 55)],
    ['00:10', Date.UTC(2026, 10, 22, 0, 10)],
    ['12:00:30', Date.UTC(2026, 10, 22, 12, 0, 30) - 0],
    ['2026-11-21 23:55', Date.UTC(2026, 10, 21, 23, 55)],
    ['2026-11-21T23:55:10Z', Date.UTC(2026, 10, 21, 23, 55, 10)],
  ])('reads %s as the nearest such time', (text, expected) => {
    const time = parseTime(text, now);
    expect(time.ok && Math.abs(time.value - now) <= 12 * 3_600_000).toBe(true);
    if (time.ok && text !== '12:00:30') expect(time.value).toBe(expected);
  });

  it.each(['', '24:00', '12:60', '9', '2026-02-30 12:00', '2026-13-01 12:00', 'noon'])(
    'refuses %j',
    (text) => {
      expect(parseTime(text, now).ok).toBe(false);
    },
  );
});
