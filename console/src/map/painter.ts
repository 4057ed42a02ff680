/**
 * Draws one picture onto a canvas: everything about tracks, nothing about the map. No interpolation: a track stands where it
 * was last reported until it is reported elsewhere.
 */

import { shortAltitude } from '../model/format';
import { COARSE, IN_ALARM, IN_WARNING, type Picture, STALE } from '../model/frame';
import { GROUP_COLOURS, groupOf } from '../model/party';
import { packed, Raster } from './raster';
import { CURRENT, FROZEN, FROZEN_COLOUR, STALE as STALE_LOOK, Symbols } from './symbols';

/** Circumference of the Web Mercator world, metres. */
export const WORLD = 2 * Math.PI * 6378137;

/** A pair of tracks in an alert, to be joined by a line. */
export interface Pair {
  a: number;
  b: number;
  alarm: boolean;
  open: boolean;
}

export interface Scene {
  picture: Picture;
  frozen: boolean;
  selected: number | null;
  pairs: readonly Pair[];
  nameOf(id: number): string;
  isLost(owner: number): boolean;
}

/** Where the map is: pixels are CSS pixels from the canvas's top left. */
export interface Frame {
  width: number;
  height: number;
  ratio: number;
  /** Map units (Web Mercator metres) a pixel. */
  resolution: number;
  centreX: number;
  centreY: number;
}

const LABELS_MAX = 260;
/** With more tracks than this in view only those that matter are labelled. */
const CROWD = 1_500;
/** And with more than this symbols are drawn smaller. */
const SMALLER_ABOVE = 3_000;
/** Leader lines show where a track is in this many seconds if it goes on. */
const LEADER_S = 60;
const LEADER_PX_MIN = 5;
const MARGIN = 60;
const GLYPH = 6.62;
const HALO = 9;
const LINE = 12;
const SLOT = 8;
/** What may stand in a slot, the least first. */
const SYMBOL = 1;
const LABEL = 2;

export class Painter {
  private symbols: Symbols | null = null;
  private raster: Raster | null = null;
  private px = new Float32Array(0);
  private py = new Float32Array(0);
  private visible = new Int32Array(0);
  private shown = 0;
  private taken = new Uint8Array(0);
  private columns = 0;
  /** Labels drawn last time; read by tests. */
  labels = 0;

  /** Paints over nothing: whatever the canvas held is gone. */
  paint(context: CanvasRenderingContext2D, scene: Scene, frame: Frame): void {
    this.project(scene.picture, frame);
    const raster = this.tracks(scene, frame);
    context.putImageData(new ImageData(raster.bytes, raster.width), 0, 0);
    context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
    this.alerts(context, scene);
    this.tags(context, scene, frame);
    this.brackets(context, scene);
  }

  /** Row nearest to a point, within `reach` pixels; -1 for none. Uses the positions painted last. */
  nearest(x: number, y: number, reach: number): number {
    let best = -1;
    let least = reach * reach;
    for (let k = 0; k < this.shown; k++) {
      const i = this.visible[k] ?? 0;
      const dx = (this.px[i] ?? 0) - x;
      const dy = (this.py[i] ?? 0) - y;
      const d = dx * dx + dy * dy;
      if (d <= least) {
        least = d;
        best = i;
      }
    }
    return best;
  }

  get inView(): number {
    return this.shown;
  }

  /** Screen position of a row, or null if it is not in view. */
  at(row: number): [number, number] | null {
    const x = this.px[row];
    const y = this.py[row];
    return x === undefined || y === undefined || Number.isNaN(x) ? null : [x, y];
  }

  private project(picture: Picture, frame: Frame): void {
    if (this.px.length < picture.count) {
      this.px = new Float32Array(picture.count * 2);
      this.py = new Float32Array(picture.count * 2);
      this.visible = new Int32Array(picture.count * 2);
    }
    const { x: xs, y: ys, count } = picture;
    const { px, py, visible } = this;
    const scale = 1 / frame.resolution;
    const halfWidth = frame.width / 2;
    const halfHeight = frame.height / 2;
    let shown = 0;
    for (let i = 0; i < count; i++) {
      // The nearest copy of the world: a view across the date line shows both sides.
      let dx = (xs[i] as number) - frame.centreX;
      dx -= Math.round(dx / WORLD) * WORLD;
      const x = halfWidth + dx * scale;
      const y = halfHeight - ((ys[i] as number) - frame.centreY) * scale;
      px[i] = x;
      py[i] = y;
      if (x > -MARGIN && y > -MARGIN && x < frame.width + MARGIN && y < frame.height + MARGIN)
        visible[shown++] = i;
    }
    this.shown = shown;
  }

  /** Precision circles and leader lines, then the symbols, the own ones on top. */
  private tracks(scene: Scene, frame: Frame): Raster {
    const { ratio } = frame;
    const size = this.shown > SMALLER_ABOVE ? 0.7 : 1;
    if (this.symbols?.ratio !== ratio || this.symbols.size !== size) this.symbols = new Symbols(ratio, size);
    const [width, height] = [Math.round(frame.width * ratio), Math.round(frame.height * ratio)];
    if (this.raster?.width !== width || this.raster.height !== height)
      this.raster = new Raster(width, height);
    const { raster, symbols } = this;
    raster.clear();
    this.lines(raster, scene, frame);
    const { picture } = scene;
    const lost = Array.from({ length: 256 }, (_, owner) => scene.isLost(owner));
    for (const own of [false, true]) {
      for (let k = 0; k < this.shown; k++) {
        const i = this.visible[k] as number;
        const owner = picture.owner[i] as number;
        if ((owner === 0) !== own) continue;
        const old = ((picture.flags[i] as number) & STALE) !== 0 || lost[owner] === true;
        const sprite = symbols.get(groupOf(owner), scene.frozen ? FROZEN : old ? STALE_LOOK : CURRENT);
        if (sprite) raster.stamp(sprite, (this.px[i] as number) * ratio, (this.py[i] as number) * ratio);
      }
    }
    return raster;
  }

  private lines(raster: Raster, scene: Scene, frame: Frame): void {
    const { picture } = scene;
    const { ratio } = frame;
    const thick = Math.max(1, Math.round(ratio));
    const colours = GROUP_COLOURS.map((colour) => packed(scene.frozen ? FROZEN_COLOUR : colour, 1, 0.75));
    for (let k = 0; k < this.shown; k++) {
      const i = this.visible[k] as number;
      const colour = colours[groupOf(picture.owner[i] as number)] as number;
      const x = (this.px[i] as number) * ratio;
      const y = (this.py[i] as number) * ratio;
      // Device pixels for a metre on the ground here.
      const scale = ratio / (stretch(picture.lat[i] as number) * frame.resolution);
      if (((picture.flags[i] as number) & COARSE) !== 0) {
        // Coarsened release: the aircraft is somewhere in the circle.
        const r = (picture.precision_m[i] as number) * scale;
        if (r >= 7 * ratio && r <= 4000 * ratio) raster.dotted(x, y, r, 4.5 * ratio, thick, colour);
      }
      // Where it is in a minute if it goes on; not drawn if that is too near to be seen, or not known.
      const length = (picture.speed[i] as number) * LEADER_S * scale;
      const angle = ((picture.track[i] as number) * Math.PI) / 180;
      if (!(length >= LEADER_PX_MIN * ratio) || Number.isNaN(angle)) continue;
      const from = 5 * ratio;
      const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
      raster.line(
        x + sin * from,
        y - cos * from,
        x + sin * (from + length),
        y - cos * (from + length),
        thick,
        colour,
      );
    }
  }

  /** Halos, and lines that join the two tracks of a conflict. Alarm: double ring and solid line; warning: one ring, dashed. */
  private alerts(context: CanvasRenderingContext2D, scene: Scene): void {
    const { picture } = scene;
    const rows = new Map<number, number>();
    const wanted = new Set(scene.pairs.flatMap((pair) => [pair.a, pair.b]));
    for (let i = 0; i < picture.count && wanted.size > 0; i++) {
      if (wanted.has(picture.id[i] as number)) rows.set(picture.id[i] as number, i);
    }
    for (const pair of scene.pairs) {
      const from = this.at(rows.get(pair.a) ?? -1);
      const to = this.at(rows.get(pair.b) ?? -1);
      if (from === null || to === null) continue;
      context.setLineDash(pair.alarm ? [] : [6, 4]);
      context.lineWidth = pair.alarm ? 2 : 1.4;
      context.strokeStyle = pair.alarm ? ALARM : WARNING;
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
    }
    context.setLineDash([]);
    for (let k = 0; k < this.shown; k++) {
      const i = this.visible[k] as number;
      const flags = picture.flags[i] as number;
      if ((flags & (IN_ALARM | IN_WARNING)) === 0) continue;
      const alarm = (flags & IN_ALARM) !== 0;
      ring(
        context,
        this.px[i] as number,
        this.py[i] as number,
        11,
        alarm ? ALARM_LINE : WARNING,
        alarm ? 3 : 2,
      );
      if (alarm) ring(context, this.px[i] as number, this.py[i] as number, 14.5, '#ffffff', 1.5);
    }
  }

  /** Labels, the most urgent first; one that would cover another is left out, but never one in an alert or selected. */
  private tags(context: CanvasRenderingContext2D, scene: Scene, frame: Frame): void {
    this.columns = Math.ceil(frame.width / SLOT) + 1;
    const slots = this.columns * (Math.ceil(frame.height / SLOT) + 1);
    if (this.taken.length < slots) this.taken = new Uint8Array(slots);
    else this.taken.fill(0);
    context.font = '11px "IBM Plex Mono", monospace';
    context.textBaseline = 'top';
    this.labels = 0;
    const levels = this.shown > CROWD ? 3 : 6;
    this.reserve(scene, frame);
    const queues: number[][] = [[], [], [], [], [], []];
    for (let k = 0; k < this.shown; k++) {
      const i = this.visible[k] as number;
      const priority = this.priority(scene, i);
      if (priority < levels && (queues[priority]?.length ?? 0) < 4 * LABELS_MAX) queues[priority]?.push(i);
    }
    for (let priority = 0; priority < levels; priority++) {
      for (const i of queues[priority] ?? []) {
        if (this.labels >= LABELS_MAX) return;
        this.tag(context, scene, i, priority);
      }
    }
  }

  /** Keeps labels off the symbols, and every label off those of an alert and of the selected track. */
  private reserve(scene: Scene, frame: Frame): void {
    const { picture } = scene;
    for (let k = 0; k < this.shown; k++) {
      const i = this.visible[k] as number;
      const [x, y] = [this.px[i] as number, this.py[i] as number];
      if (x < 0 || y < 0 || x >= frame.width || y >= frame.height) continue;
      const vital =
        ((picture.flags[i] as number) & (IN_ALARM | IN_WARNING)) !== 0 || picture.id[i] === scene.selected;
      const at = Math.floor(y / SLOT) * this.columns + Math.floor(x / SLOT);
      if (!vital) {
        this.taken[at] = Math.max(SYMBOL, this.taken[at] as number);
        continue;
      }
      this.cells(x - HALO, y - HALO, 2 * HALO, 2 * HALO, (slot) => {
        this.taken[slot] = LABEL;
        return true;
      });
    }
  }

  private priority(scene: Scene, i: number): number {
    const flags = scene.picture.flags[i] as number;
    if ((flags & IN_ALARM) !== 0) return 0;
    if (scene.picture.id[i] === scene.selected) return 1;
    if ((flags & IN_WARNING) !== 0) return 2;
    const owner = scene.picture.owner[i] as number;
    return owner === 0 ? 3 : owner === 255 ? 5 : 4;
  }

  private tag(context: CanvasRenderingContext2D, scene: Scene, i: number, priority: number): void {
    const { picture } = scene;
    const x = Math.round(this.px[i] as number);
    const y = Math.round(this.py[i] as number);
    const name = scene.nameOf(picture.id[i] as number);
    const below = `${shortAltitude(picture.altitude_ft[i] as number, picture.reference[i] as number)}${arrow(picture.vertical[i] as number)} ${knots(picture.speed[i] as number)}`;
    const width = Math.ceil(Math.max(name.length, below.length) * GLYPH) + 6;
    const height = 2 * LINE + 3;
    const spot = this.spot(x, y, width, height, priority <= 2);
    if (spot === null) return;
    const [left, top] = spot;
    this.labels++;
    const alarm = priority === 0;
    const warning = !alarm && ((picture.flags[i] as number) & IN_WARNING) !== 0;
    const colour = scene.frozen
      ? FROZEN_COLOUR
      : (GROUP_COLOURS[groupOf(picture.owner[i] as number)] ?? FROZEN_COLOUR);
    context.fillStyle = alarm ? ALARM : warning ? '#0a0e12' : 'rgba(13,18,24,0.66)';
    context.fillRect(left, top, width, height);
    if (alarm || warning) {
      context.lineWidth = 1.5;
      context.strokeStyle = alarm ? '#ffffff' : WARNING;
      context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
    }
    context.fillStyle = alarm ? '#ffffff' : colour;
    context.fillText(name, left + 3, top + 2);
    context.globalAlpha = alarm ? 1 : 0.85;
    context.fillText(below, left + 3, top + 2 + LINE);
    context.globalAlpha = 1;
  }

  /** The first free place around the symbol; a forced label is never left out. */
  private spot(x: number, y: number, width: number, height: number, force: boolean): [number, number] | null {
    const gap = force ? 17 : 9;
    const places: [number, number][] = [
      [x + gap, y - height - 2],
      [x + gap, y + 4],
      [x - gap - width, y - height - 2],
      [x - gap - width, y + 4],
    ];
    // One that must be shown looks further out before it covers another.
    if (force) {
      for (const step of [1, 2]) {
        const far = step * (height + 4);
        for (const side of [x + gap, x - gap - width])
          places.push([side, y + 4 + far], [side, y - height - 2 - far]);
      }
    }
    const free = (below: number) =>
      places.find(([left, top]) => this.isFree(left, top, width, height, below));
    // An urgent label may cover symbols, and as the last resort other labels; no other may cover anything.
    const chosen = free(SYMBOL) ?? (force ? (free(LABEL) ?? places[0]) : undefined);
    if (chosen === undefined) return null;
    this.cells(chosen[0], chosen[1], width, height, (at) => {
      this.taken[at] = LABEL;
      return true;
    });
    return chosen;
  }

  /** Whether nothing in the way is `least` or more. */
  private isFree(left: number, top: number, width: number, height: number, least: number): boolean {
    return this.cells(left, top, width, height, (at) => (this.taken[at] as number) < least);
  }

  private cells(
    left: number,
    top: number,
    width: number,
    height: number,
    good: (at: number) => boolean,
  ): boolean {
    const rows = Math.floor(this.taken.length / this.columns);
    const lastRow = Math.min(rows - 1, Math.floor((top + height) / SLOT));
    const lastColumn = Math.min(this.columns - 1, Math.floor((left + width) / SLOT));
    for (let row = Math.max(0, Math.floor(top / SLOT)); row <= lastRow; row++) {
      for (let column = Math.max(0, Math.floor(left / SLOT)); column <= lastColumn; column++) {
        if (!good(row * this.columns + column)) return false;
      }
    }
    return true;
  }

  private brackets(context: CanvasRenderingContext2D, scene: Scene): void {
    if (scene.selected === null) return;
    for (let k = 0; k < this.shown; k++) {
      const i = this.visible[k] as number;
      if (scene.picture.id[i] !== scene.selected) continue;
      const [x, y] = [Math.round(this.px[i] as number), Math.round(this.py[i] as number)];
      context.strokeStyle = '#ffffff';
      context.lineWidth = 2;
      context.beginPath();
      for (const [sx, sy] of [
        [-1, -1],
        [1, -1],
        [1, 1],
        [-1, 1],
      ] as const) {
        context.moveTo(x + sx * 18, y + sy * 11);
        context.lineTo(x + sx * 18, y + sy * 18);
        context.lineTo(x + sx * 11, y + sy * 18);
      }
      context.stroke();
      return;
    }
  }
}

const ALARM = '#c8102e';
const ALARM_LINE = '#ff4d5e';
const WARNING = '#ffd21f';

function ring(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  r: number,
  colour: string,
  width: number,
): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.arc(x, y, r, 0, Math.PI * 2);
  context.stroke();
}

/** Metres on the ground to Web Mercator metres: divide by this. */
function stretch(lat: number): number {
  return Math.max(0.05, Math.cos((lat * Math.PI) / 180));
}

/** More than 200 ft a minute counts as climbing or descending. */
function arrow(vertical: number): string {
  if (!(Math.abs(vertical) > 1)) return ' ';
  return vertical > 0 ? '↑' : '↓';
}

function knots(speed: number): string {
  return Number.isNaN(speed)
    ? '---'
    : Math.round(speed / 0.514444)
        .toString()
        .padStart(3, '0');
}
