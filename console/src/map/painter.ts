/**
 * Draws one picture onto a canvas: everything about tracks, nothing about the map. No interpolation: a track stands where it
 * was last reported until it is reported elsewhere.
 */

import { shortAltitude } from '../model/format';
import { COARSE, IN_ALARM, IN_WARNING, type Picture, STALE } from '../model/frame';
import { GROUP_COLOURS, groupOf } from '../model/party';
import { CELL, CURRENT, FROZEN, FROZEN_COLOUR, Sprites, STALE as STALE_COLUMN } from './sprites';

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
/** Leader lines show where a track is in this many seconds if it goes on. */
const LEADER_S = 60;
const LEADER_PX_MIN = 5;
const MARGIN = 60;
const GLYPH = 6.62;
const LINE = 12;
const SLOT = 8;

export class Painter {
  private sprites: Sprites | null = null;
  private px = new Float32Array(0);
  private py = new Float32Array(0);
  private visible = new Int32Array(0);
  private shown = 0;
  private taken = new Uint8Array(0);
  private columns = 0;
  /** Labels drawn last time; read by tests. */
  labels = 0;

  paint(context: CanvasRenderingContext2D, scene: Scene, frame: Frame): void {
    if (this.sprites?.ratio !== frame.ratio) this.sprites = new Sprites(frame.ratio);
    this.project(scene.picture, frame);
    context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
    this.precision(context, scene, frame);
    this.leaders(context, scene, frame);
    this.symbols(context, scene, frame);
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

  /** Coarsened releases: the aircraft is somewhere in the dotted circle. */
  private precision(context: CanvasRenderingContext2D, scene: Scene, frame: Frame): void {
    const { picture } = scene;
    context.lineWidth = 1;
    context.setLineDash([1, 4]);
    context.lineCap = 'round';
    for (let group = 1; group < GROUP_COLOURS.length; group++) {
      context.strokeStyle = scene.frozen ? FROZEN_COLOUR : (GROUP_COLOURS[group] ?? FROZEN_COLOUR);
      context.beginPath();
      for (let k = 0; k < this.shown; k++) {
        const i = this.visible[k] as number;
        if (((picture.flags[i] as number) & COARSE) === 0 || groupOf(picture.owner[i] as number) !== group)
          continue;
        const r = (picture.precision_m[i] as number) / (stretch(picture.lat[i] as number) * frame.resolution);
        if (r < 7 || r > 4000) continue;
        const x = this.px[i] as number;
        const y = this.py[i] as number;
        context.moveTo(x + r, y);
        context.arc(x, y, r, 0, Math.PI * 2);
      }
      context.stroke();
    }
    context.setLineDash([]);
    context.lineCap = 'butt';
  }

  private leaders(context: CanvasRenderingContext2D, scene: Scene, frame: Frame): void {
    // At 300 m/s a leader is at most 18 km: below five pixels of that none can be seen, so none is worked out.
    if (300 * LEADER_S < LEADER_PX_MIN * frame.resolution * 0.2) return;
    const { picture } = scene;
    context.lineWidth = 1;
    context.globalAlpha = 0.85;
    for (let group = 0; group < GROUP_COLOURS.length; group++) {
      context.strokeStyle = scene.frozen ? FROZEN_COLOUR : (GROUP_COLOURS[group] ?? FROZEN_COLOUR);
      context.beginPath();
      for (let k = 0; k < this.shown; k++) {
        const i = this.visible[k] as number;
        if (groupOf(picture.owner[i] as number) !== group) continue;
        const length =
          ((picture.speed[i] as number) * LEADER_S) / (stretch(picture.lat[i] as number) * frame.resolution);
        const track = picture.track[i] as number;
        if (!(length >= LEADER_PX_MIN) || Number.isNaN(track)) continue;
        const sin = Math.sin((track * Math.PI) / 180);
        const cos = Math.cos((track * Math.PI) / 180);
        const x = this.px[i] as number;
        const y = this.py[i] as number;
        context.moveTo(x + sin * 6, y - cos * 6);
        context.lineTo(x + sin * (6 + length), y - cos * (6 + length));
      }
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  private symbols(context: CanvasRenderingContext2D, scene: Scene, frame: Frame): void {
    const sprites = this.sprites;
    if (sprites === null) return;
    const { picture } = scene;
    const { cell, sheet } = sprites;
    const half = cell / 2;
    const lost = new Uint8Array(256);
    for (let owner = 0; owner < 256; owner++) lost[owner] = scene.isLost(owner) ? 1 : 0;
    // Device pixels and whole numbers: a sprite copied to a fraction of a pixel is resampled, slow and blurred.
    context.setTransform(1, 0, 0, 1, 0, 0);
    for (let k = 0; k < this.shown; k++) {
      const i = this.visible[k] as number;
      const owner = picture.owner[i] as number;
      const old = ((picture.flags[i] as number) & STALE) !== 0 || lost[owner] === 1;
      const column = scene.frozen ? FROZEN : old ? STALE_COLUMN : CURRENT;
      context.drawImage(
        sheet,
        column * cell,
        groupOf(owner) * cell,
        cell,
        cell,
        Math.round((this.px[i] as number) * frame.ratio - half),
        Math.round((this.py[i] as number) * frame.ratio - half),
        cell,
        cell,
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
    this.reserve(frame);
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

  /** Keeps labels off the symbols. */
  private reserve(frame: Frame): void {
    for (let k = 0; k < this.shown; k++) {
      const i = this.visible[k] as number;
      const [x, y] = [this.px[i] as number, this.py[i] as number];
      if (x < 0 || y < 0 || x >= frame.width || y >= frame.height) continue;
      this.taken[Math.floor(y / SLOT) * this.columns + Math.floor(x / SLOT)] = 1;
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

  /** The first free place of four around the symbol; a forced label takes the first whatever lies there. */
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
    const free = places.find(([left, top]) => this.isFree(left, top, width, height));
    const chosen = free ?? (force ? places[0] : undefined);
    if (chosen === undefined) return null;
    this.cells(chosen[0], chosen[1], width, height, (at) => {
      this.taken[at] = 1;
      return true;
    });
    return chosen;
  }

  private isFree(left: number, top: number, width: number, height: number): boolean {
    return this.cells(left, top, width, height, (at) => this.taken[at] !== 1);
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

export const SPRITE_CELL = CELL;
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
