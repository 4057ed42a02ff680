import { LitElement } from 'lit';
import type { App } from '../app';

/**
 * A part of the page. It renders into the page itself, not into a shadow tree: focus, labels and live regions then work across
 * panels as they do in plain HTML. It holds no data of its own; it renders the store whenever that changes.
 */
export abstract class Panel extends LitElement {
  declare app: App;
  private readonly changed = () => this.requestUpdate();

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.app.store.addEventListener('change', this.changed);
    this.app.store.addEventListener('tick', this.changed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.app.store.removeEventListener('change', this.changed);
    this.app.store.removeEventListener('tick', this.changed);
  }
}
