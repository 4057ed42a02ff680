/**
 * Text that came from a node or, through it, from a peer. Peers are hostile: such text may hold characters that turn the
 * reading direction of what stands beside it, hide letters, or break lines. Those are replaced, never interpreted.
 */

// Controls, zero-width characters, bidirectional overrides and isolates, line separators, byte-order mark.
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** One line of safe text of at most `max` UTF-16 units; a cut is shown as an ellipsis. */
export function plain(value: string, max: number): string {
  // Cut before replacing: the cost is then bounded by `max`, not by what a peer sends.
  const cut = value.length > max ? `${value.slice(0, max - 1)}…` : value;
  return cut.replace(UNSAFE, '\u00b7').trim();
}
