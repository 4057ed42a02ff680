import { describe, expect, it } from 'vitest';
import { packed, Raster, type Sprite, spriteOf } from '../src/map/raster';

const RED = packed('#ff0000');
const BLUE_HALF = packed('#0000ff', 0.5);
const cross: Sprite = {
  reach: 2,
  opaque: 5,
  offsets: new Int32Array(0),
  offsetsWidth: 0,
  dx: Int16Array.from([-1, 0, 1, 0, 0]),
  dy: Int16Array.from([0, 0, 0, -1, 1]),
  colour: new Int32Array(5).fill(RED),
};

function count(raster: Raster): number {
  let set = 0;
  for (let y = 0; y < raster.height; y++)
    for (let x = 0; x < raster.width; x++) if (raster.at(x, y) !== 0) set++;
  return set;
}

describe('the raster', () => {
  it('holds colours as the canvas does', () => {
    const raster = new Raster(1, 1);
    raster.stamp(
      { ...cross, dx: Int16Array.of(0), dy: Int16Array.of(0), colour: Int32Array.of(packed('#123456')) },
      0,
      0,
    );
    expect([...raster.bytes]).toEqual([0x12, 0x34, 0x56, 255]);
  });

  it.each([
    [5, 5, 5],
    [0, 0, 3],
    [9, 0, 3],
    [0, 5, 4],
    [-1, 5, 1],
    [10, 5, 1],
    [-2, 5, 0],
    [5, 400, 0],
  ])('cuts a sprite at %i,%i off at the edges', (x, y, pixels) => {
    const raster = new Raster(10, 10);
    raster.stamp(cross, x, y);
    expect(count(raster)).toBe(pixels);
  });

  it('draws the same with the fast way and the careful one', () => {
    for (const size of [20, 3]) {
      const raster = new Raster(size, 20);
      raster.stamp(cross, size === 20 ? 10 : 1, 10);
      expect(count(raster)).toBe(5);
    }
  });

  it('lays what is half clear over what is there', () => {
    const raster = new Raster(3, 3);
    raster.stamp(cross, 1, 1);
    raster.stamp({ ...cross, opaque: 0, colour: new Int32Array(5).fill(BLUE_HALF) }, 1, 1);
    const [r = 0, g = 0, b = 0, a = 0] = raster.bytes.subarray(4 * 4, 4 * 4 + 4);
    expect(a).toBe(255);
    expect(Math.abs(r - 127) + Math.abs(b - 128) + g).toBeLessThanOrEqual(2);
  });

  it.each([
    [0, 0, 9, 9],
    [-50, 5, 60, 5],
    [5, 5, 5, 5],
    [1e9, 1e9, -1e9, 3],
    [Number.NaN, 0, 5, 5],
    [0, 0, Number.POSITIVE_INFINITY, 5],
  ])('draws a line from %d,%d to %d,%d without leaving the picture', (x0, y0, x1, y1) => {
    const raster = new Raster(10, 10);
    raster.line(x0, y0, x1, y1, 1, RED);
    expect(count(raster)).toBeLessThanOrEqual(10);
  });

  it('draws circles that are mostly outside', () => {
    const raster = new Raster(50, 50);
    raster.dotted(25, -2000, 2020, 4, 2, RED);
    raster.dotted(25, 25, 20, 4, 1, RED);
    expect(count(raster)).toBeGreaterThan(20);
    expect(raster.at(45, 25)).toBe(RED);
  });

  it('is empty again after clearing', () => {
    const raster = new Raster(10, 10);
    raster.stamp(cross, 5, 5);
    raster.clear();
    expect(count(raster)).toBe(0);
  });
});

describe('spriteOf', () => {
  it('keeps the pixels that can be seen, around the middle', () => {
    const bytes = new Uint8ClampedArray(3 * 3 * 4);
    bytes.set([1, 2, 3, 255], 4 * 4);
    bytes.set([9, 9, 9, 5], 0);
    bytes.set([7, 7, 7, 200], 8 * 4);
    const sprite = spriteOf(bytes, 3);
    expect(sprite.opaque).toBe(1);
    expect([[...sprite.dx], [...sprite.dy]]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(sprite.colour[0]).toBe(packed('#010203'));
  });
});
