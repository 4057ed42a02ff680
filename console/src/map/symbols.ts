/** Track symbols: filled own, hollow released in the party's outline, cross unclaimed, dashed when not current. */
import { GROUP_COLOURS, UNCLAIMED_GROUP } from '../model/party';
import { polygon } from '../ui/icons';
import { type Sprite, spriteOf } from './raster';

const CELL = 19;
const RADIUS = 5;
const GROUND = '#090d11';

/** Looks of a symbol. */
export const CURRENT = 0;
export const STALE = 1;
/** The whole picture is old: grey and dashed, whoever the owner. */
export const FROZEN = 2;
const LOOKS = 3;

export const FROZEN_COLOUR = '#8b949c';

export class Symbols {
  private readonly sprites: Sprite[] = [];

  /** `ratio` device pixels for a CSS pixel; `size` 1 is the full size. */
  constructor(
    readonly ratio: number,
    readonly size: number,
  ) {
    // Odd, so that a symbol has a middle pixel and does not sit half a pixel beside its place.
    const side = Math.ceil(CELL * ratio * size) | 1;
    const canvas = document.createElement('canvas');
    canvas.width = side;
    canvas.height = side;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (context === null) return;
    for (let group = 0; group < GROUP_COLOURS.length; group++) {
      for (let look = 0; look < LOOKS; look++) {
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.clearRect(0, 0, side, side);
        context.translate(side / 2, side / 2);
        context.scale(ratio * size, ratio * size);
        symbol(context, group, look);
        this.sprites.push(spriteOf(context.getImageData(0, 0, side, side).data, side));
      }
    }
  }

  get(group: number, look: number): Sprite | undefined {
    return this.sprites[group * LOOKS + look];
  }
}

function symbol(context: CanvasRenderingContext2D, group: number, look: number): void {
  const colour = look === FROZEN ? FROZEN_COLOUR : (GROUP_COLOURS[group] ?? FROZEN_COLOUR);
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = 1.6;
  context.setLineDash(look === CURRENT ? [] : [2.2, 2]);
  context.beginPath();
  if (group === UNCLAIMED_GROUP) {
    context.moveTo(-RADIUS, 0);
    context.lineTo(RADIUS, 0);
    context.moveTo(0, -RADIUS);
    context.lineTo(0, RADIUS);
    context.stroke();
    return;
  }
  if (group === 0) {
    context.arc(0, 0, RADIUS, 0, Math.PI * 2);
    if (look !== CURRENT) {
      context.stroke();
      return;
    }
    context.fill();
    // A dark rim: where many stand together each can still be counted.
    context.strokeStyle = GROUND;
    context.lineWidth = 1;
    context.stroke();
    return;
  }
  const corners = polygon(group);
  // Three corners enclose less than four or more of the same radius.
  const scale = RADIUS * (corners.length === 3 ? 1.25 : 1.15);
  for (const [x, y] of corners) context.lineTo(x * scale, y * scale);
  context.closePath();
  // A dark inside: a hollow symbol stays readable over a coast line or another track. Opaque, so that nothing is mixed there.
  context.save();
  context.fillStyle = GROUND;
  context.fill();
  context.restore();
  context.stroke();
}
