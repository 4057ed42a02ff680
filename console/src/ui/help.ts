import { html, nothing, type TemplateResult } from 'lit';
import { help, KEYS } from '../keys';
import * as icons from './icons';
import { Panel } from './panel';

/** Keys and signs. Over the map like every drawer, never over the alerts. */
class Help extends Panel {
  private wasOpen = false;

  protected override updated(): void {
    const { help: open } = this.app.store;
    if (open && !this.wasOpen) this.querySelector<HTMLElement>('button')?.focus();
    this.wasOpen = open;
  }

  protected override render(): TemplateResult | typeof nothing {
    if (!this.app.store.help) return nothing;
    return html`<section class="drawer help" role="dialog" aria-labelledby="help-title" data-panel tabindex="-1">${this.body()}</section>`;
  }

  private body(): TemplateResult {
    const { store } = this.app;
    return html`<h2 id="help-title">Keys and signs</h2>
      <div class="two-columns">
        <table>
          <caption>Keys</caption>
          <tbody>${KEYS.map(([key, what]) => html`<tr><th scope="row"><kbd>${key}</kbd></th><td>${what}</td></tr>`)}</tbody>
        </table>
        <div>
          <h3>Tracks</h3>
          <ul class="signs">
            <li>${icons.partySign(0)} own: filled</li>
            ${store
              .parties()
              .slice(1)
              .map((party, i) => html`<li>${icons.partySign(i + 1)} released by ${party}: hollow</li>`)}
            <li>${icons.partySign(255)} own sensor, claimed by nobody</li>
            <li>dashed: stale, or its owner is not heard</li>
            <li>dotted circle: released coarse, anywhere inside</li>
            <li>line: where it is in 60 s if it goes on</li>
            <li>F pressure level, A above sea level, W above WGS 84, H above ground, in hundreds of feet; then knots</li>
          </ul>
          <h3>Alerts</h3>
          <ul class="signs">
            <li><span class="alarm-block">ALARM</span> three pulses every 4 s until acknowledged</li>
            <li><span class="warning-block">WARN</span> two pulses every 30 s; an alarm after 60 s unacknowledged</li>
            <li>${icons.tick()} CAUTION one soft tick</li>
            <li>INHIBITED: an officer took it from among the alarms; a caution until then, whatever happens</li>
          </ul>
          <p>Acknowledging stops the sound and the flashing. The alert stays until its condition clears.</p>
        </div>
      </div>
      <div class="buttons"><button class="primary" @click=${() => help(this.app, false)}>Close <kbd>Esc</kbd></button></div>`;
  }
}

customElements.define('sky-help', Help);
