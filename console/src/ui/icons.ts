/** Signs as drawings: a font may lack a sign, and a missing sign is a wrong one. All are decoration beside text. */
import { html, type SVGTemplateResult, svg, type TemplateResult } from 'lit';

function icon(body: SVGTemplateResult, name: string): TemplateResult {
  return html`<svg class="icon icon-${name}" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">${body}</svg>`;
}

export const tick = () =>
  icon(svg`<path d="M2.5 8.5l3.5 3.5 7.5-8" fill="none" stroke="currentColor" stroke-width="2"/>`, 'tick');
export const cross = () =>
  icon(svg`<path d="M3 3l10 10M13 3L3 13" fill="none" stroke="currentColor" stroke-width="2"/>`, 'cross');
export const up = () => icon(svg`<circle cx="8" cy="8" r="5" fill="currentColor"/>`, 'up');
export const down = () =>
  icon(svg`<path d="M3 3l10 10M13 3L3 13" fill="none" stroke="currentColor" stroke-width="2.5"/>`, 'down');
export const hollow = () =>
  icon(svg`<circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="2"/>`, 'hollow');
export const sound = () =>
  icon(
    svg`<path d="M2 6h3l4-3v10l-4-3H2z" fill="currentColor"/><path d="M11 5.5a3.5 3.5 0 010 5M12.8 3.5a6 6 0 010 9" fill="none" stroke="currentColor" stroke-width="1.4"/>`,
    'sound',
  );
export const mute = () =>
  icon(
    svg`<path d="M2 6h3l4-3v10l-4-3H2z" fill="currentColor"/><path d="M11 6l4 4M15 6l-4 4" fill="none" stroke="currentColor" stroke-width="1.6"/>`,
    'mute',
  );
export const into = () =>
  icon(svg`<path d="M13 8H4M7.5 4L3.5 8l4 4" fill="none" stroke="currentColor" stroke-width="1.8"/>`, 'in');
export const out = () =>
  icon(svg`<path d="M3 8h9M8.5 4l4 4-4 4" fill="none" stroke="currentColor" stroke-width="1.8"/>`, 'out');

/** Outline of a party's released tracks on the map, by its index in the pact's list. */
export const PARTY_SHAPES = [
  'circle',
  'diamond',
  'square',
  'triangle',
  'hexagon',
  'pentagon',
  'inverted triangle',
] as const;

/** Which shape stands for owner byte `index`. Past the last shape they repeat; the label still names the party. */
export function shapeOf(index: number): (typeof PARTY_SHAPES)[number] {
  if (index <= 0) return 'circle';
  return PARTY_SHAPES[1 + ((index - 1) % (PARTY_SHAPES.length - 1))] ?? 'diamond';
}

export function partySign(index: number): TemplateResult {
  const points = polygon(index);
  const body =
    index === 0
      ? svg`<circle cx="8" cy="8" r="5" fill="currentColor"/>`
      : index === 255 || index < 0
        ? svg`<path d="M8 2v12M2 8h12" stroke="currentColor" stroke-width="2"/>`
        : svg`<polygon points="${points.map(([x, y]) => `${(8 + x * 6.2).toFixed(1)},${(8 + y * 6.2).toFixed(1)}`).join(' ')}" fill="none" stroke="currentColor" stroke-width="1.8"/>`;
  return html`<svg class="icon party-${Math.max(0, Math.min(index, 7))}" data-owner="${index}" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${body}</svg>`;
}

/** Corners of a party's shape on the unit circle, y down. */
export function polygon(index: number): [number, number][] {
  const corners = {
    circle: 0,
    diamond: 4,
    square: 4,
    triangle: 3,
    hexagon: 6,
    pentagon: 5,
    'inverted triangle': 3,
  };
  const shape = shapeOf(index);
  const n = corners[shape];
  const turn = shape === 'square' ? Math.PI / 4 : shape === 'inverted triangle' ? Math.PI : 0;
  return Array.from({ length: n }, (_, i) => {
    const angle = turn - Math.PI / 2 + (i * 2 * Math.PI) / n;
    return [Math.cos(angle), Math.sin(angle)];
  });
}
