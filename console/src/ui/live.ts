import { html, type TemplateResult } from 'lit';
import { isOpen, levelOf } from '../model/urgency';
import { Panel } from './panel';

/** Says new alerts to a screen reader: alarms at once, the rest when it is quiet. */
class Live extends Panel {
  private readonly told = new Set<string>();
  private urgent = '';
  private calm = '';

  protected override willUpdate(): void {
    const { store } = this.app;
    const now = store.utc_ms();
    const open = store.alerts().filter(isOpen);
    const fresh = open.filter((alert) => !this.told.has(`${alert.id}:${levelOf(alert, now)}`));
    const say = (level: 'alarm' | 'other') =>
      fresh
        .filter((alert) => (levelOf(alert, now) === 'alarm') === (level === 'alarm'))
        .slice(0, 3)
        .map(
          (alert) =>
            `${levelOf(alert, now)}: ${alert.kind} ${alert.a?.label ?? ''} ${alert.b?.label ?? ''} ${alert.text}`,
        )
        .join('. ');
    if (say('alarm') !== '') this.urgent = say('alarm');
    if (say('other') !== '') this.calm = say('other');
    this.told.clear();
    for (const alert of open) this.told.add(`${alert.id}:${levelOf(alert, now)}`);
  }

  protected override render(): TemplateResult {
    return html`<div class="sr" role="alert" aria-live="assertive">${this.urgent}</div>
      <div class="sr" role="status" aria-live="polite">${this.calm}</div>`;
  }
}

customElements.define('sky-live', Live);
