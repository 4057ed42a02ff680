/** Track symbols, drawn once into one sheet: copying a sprite costs a fraction of stroking its path ten thousand times. */
import { GROUP_COLOURS, UNCLAIMED_GROUP } from '../model/party';
import { polygon } from '../ui/icons';

/** Side of a sprite's cell and radius of the symbol in it, CSS pixels. */
export const CELL = 18;
const RADIUS = 5;

/** Columns of the sheet. */
export const CURRENT = 0;
export const STALE = 1;
/** The whole picture is old: grey and dashed, whoever the owner. */
export const FROZEN = 2;
const COLUMNS = 3;

export const FROZEN_COLOUR = '#8b949c';

export class Sprites {
  readonly sheet = document.createElement('canvas');
  readonly cell: number;

  constructor(readonly ratio: number) {
    this.cell = Math.ceil(CELL * ratio);
    this.sheet.width = this.cell * COLUMNS;
    this.sheet.height = this.cell * GROUP_COLOURS.length;
    const context = this.sheet.getContext('2d');
    if (context === null) return;
    for (let group = 0; group < GROUP_COLOURS.length; group++) {
      for (let column = 0; column < COLUMNS; column++) {
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.translate((column + 0.5) * this.cell, (group + 0.5) * this.cell);
        context.scale(ratio, ratio);
        symbol(context, group, column);
      }
    }
  }
}

/** Filled own, hollow released, cross unclaimed; dashed when not current, and then hollow for own too. */
function symbol(context: CanvasRenderingContext2D, group: number, column: number): void {
  const colour = column === FROZEN ? FROZEN_COLOUR : (GROUP_COLOURS[group] ?? FROZEN_COLOUR);
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = 1.6;
  context.setLineDash(column === CURRENT ? [] : [2.2, 2]);
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
    context.arc(0, 0, RADIUS - (column === CURRENT ? 0.8 : 0), 0, Math.PI * 2);
    if (column === CURRENT) context.fill();
    else context.stroke();
    return;
  }
  const scale = RADIUS * (polygon(group).length === 3 ? 1.2 : 1.1);
  for (const [x, y] of polygon(group)) context.lineTo(x * scale, y * scale);
  context.closePath();
  // A dark inside: a hollow symbol stays readable over a coast line or another track.
  context.save();
  context.fillStyle = 'rgba(9,13,17,0.75)';
  context.fill();
  context.restore();
  context.stroke();
}
