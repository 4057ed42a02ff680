/** Parallels and meridians with their degrees at the edge, and a scale in nautical miles. */
import { latOfMercatorY, mercatorX, mercatorY } from '../model/frame';
import { type Frame, WORLD } from './painter';

const STEPS_DEG = [30, 15, 10, 5, 2, 1, 0.5, 0.25, 1 / 6, 1 / 12, 1 / 30, 1 / 60];
const SPACING_PX = 130;
const SCALES_NM = [1000, 500, 200, 100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1];

export function graticule(context: CanvasRenderingContext2D, frame: Frame): void {
  const perDegree = WORLD / 360 / frame.resolution;
  const step = [...STEPS_DEG].reverse().find((deg) => deg * perDegree >= SPACING_PX) ?? 30;
  const west = ((frame.centreX - (frame.width / 2) * frame.resolution) / WORLD) * 360;
  const east = ((frame.centreX + (frame.width / 2) * frame.resolution) / WORLD) * 360;
  const south = latOfMercatorY(frame.centreY - (frame.height / 2) * frame.resolution);
  const north = latOfMercatorY(frame.centreY + (frame.height / 2) * frame.resolution);
  context.strokeStyle = 'rgba(120,145,165,0.16)';
  context.fillStyle = '#7f93a3';
  context.lineWidth = 1;
  context.font = '10px "IBM Plex Mono", monospace';
  context.textBaseline = 'alphabetic';
  context.beginPath();
  for (let n = Math.ceil(west / step); n * step <= east; n++) {
    const x = Math.round((mercatorX(n * step) - frame.centreX) / frame.resolution + frame.width / 2) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, frame.height);
    const lon = ((((n * step + 180) % 360) + 360) % 360) - 180;
    context.fillText(degrees(lon, 'E', 'W', step), x + 3, frame.height - 5);
  }
  for (let n = Math.ceil(south / step); n * step <= north; n++) {
    const y = Math.round((frame.centreY - mercatorY(n * step)) / frame.resolution + frame.height / 2) + 0.5;
    context.moveTo(0, y);
    context.lineTo(frame.width, y);
    context.fillText(degrees(n * step, 'N', 'S', step), 4, y - 3);
  }
  context.stroke();
  scale(context, frame);
}

function scale(context: CanvasRenderingContext2D, frame: Frame): void {
  const metre =
    1 / (frame.resolution * Math.max(0.05, Math.cos((latOfMercatorY(frame.centreY) * Math.PI) / 180)));
  const nm = SCALES_NM.find((length) => length * 1852 * metre <= 160) ?? 0.1;
  const width = nm * 1852 * metre;
  const [right, y] = [frame.width - 16, frame.height - 22];
  context.strokeStyle = '#a9bac8';
  context.beginPath();
  context.moveTo(right - width, y - 5);
  context.lineTo(right - width, y);
  context.lineTo(right, y);
  context.lineTo(right, y - 5);
  context.stroke();
  context.fillStyle = '#a9bac8';
  context.textAlign = 'right';
  context.fillText(`${nm} NM`, right, y - 8);
  context.textAlign = 'left';
}

function degrees(value: number, plus: string, minus: string, step: number): string {
  const total = Math.round(Math.abs(value) * 60);
  const letter = value === 0 ? '' : value < 0 ? minus : plus;
  const minutes = step < 1 ? `${(total % 60).toString().padStart(2, '0')}'` : '';
  return `${Math.floor(total / 60)}°${minutes}${letter}`;
}
