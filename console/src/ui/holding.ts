import { noChange } from 'lit';
import { Directive, directive, type ElementPart, type PartInfo, PartType } from 'lit/directive.js';
import type { HeldOrder } from '../model/held';

/** Tells a `HeldOrder` when the pointer or the focus is inside the element. */
class Holding extends Directive {
  private element: Element | null = null;

  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error('holding stands on an element');
  }

  render(_held: HeldOrder<never>): unknown {
    return noChange;
  }

  override update(part: ElementPart, [held]: [HeldOrder<never>]): unknown {
    const element = part.element;
    if (this.element === element) return noChange;
    this.element = element;
    let pointer = false;
    const set = () => held.hold(pointer || insideFocus(element), performance.now());
    const moved = (inside: boolean) => () => {
      pointer = inside;
      set();
    };
    element.addEventListener('pointerenter', moved(true));
    element.addEventListener('pointermove', moved(true));
    element.addEventListener('pointerleave', moved(false));
    element.addEventListener('focusin', set);
    element.addEventListener('keydown', set);
    element.addEventListener('focusout', () => queueMicrotask(set));
    return noChange;
  }
}

/** The panel itself having the focus is not a hand on a row. */
function insideFocus(element: Element): boolean {
  return document.activeElement !== element && element.contains(document.activeElement);
}

export const holding = directive(Holding) as (
  held: HeldOrder<unknown> | object,
) => ReturnType<ReturnType<typeof directive>>;
