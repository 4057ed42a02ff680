/** Colours of the map. Red and yellow are the alarm's and the warning's alone; every colour has a shape as its second code. */
import { UNCLAIMED } from './frame';

/** Own, then parties 1 to 6 of the pact's list, then own sensor and unclaimed. */
export const GROUP_COLOURS = [
  '#7fe0ff', // own
  '#c3b1ff', // 1
  '#7ddcc4', // 2
  '#f0a8e4', // 3
  '#9db9ff', // 4
  '#d8c7a6', // 5
  '#b7e08a', // 6
  '#b4c0ca', // unclaimed
] as const;

export const UNCLAIMED_GROUP = 7;

export function groupOf(owner: number): number {
  if (owner === UNCLAIMED) return UNCLAIMED_GROUP;
  return owner === 0 ? 0 : 1 + ((owner - 1) % 6);
}
