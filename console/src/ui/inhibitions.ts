import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { countdown, moment } from '../model/format';
import { HeldOrder } from '../model/held';
import type { Inhibition } from '../model/inhibition';
import { holding } from './holding';
import { Panel } from './panel';

/**
 * What officers took from among the alarms. It stands above the alerts as long as anything is inhibited, whatever else is open:
 * a quiet desk must say why it is quiet.
 */
class Inhibitions extends Panel {
  private readonly held = new HeldOrder<Inhibition>();

  protected override render(): TemplateResult | typeof nothing {
    const { store } = this.app;
    const all = store.state.inhibitions;
    if (all.length === 0) return nothing;
    const rows = this.held.arrange(all, (one) => one.id, performance.now());
    const ids = new Set<string | null>(all.map(({ id }) => id));
    const inhibited = store.state.alerts.filter((alert) => ids.has(alert.inhibited)).length;
    return html`<section class="panel inhibitions" aria-labelledby="inhibitions-title">
      <h2 id="inhibitions-title">
        ${all.length} ${all.length === 1 ? 'inhibition' : 'inhibitions'} in force
        <small>${inhibited} ${inhibited === 1 ? 'alert' : 'alerts'} under ${all.length === 1 ? 'it' : 'them'} now</small>
      </h2>
      <div class="scroll" data-panel tabindex="0" role="group" aria-labelledby="inhibitions-title" ${holding(this.held)}>
        <ul class="rows">
          ${repeat(
            rows,
            (row) => row.id,
            (row) => (row.item === null ? html`<li class="row gone">ended</li>` : this.row(row.item)),
          )}
        </ul>
      </div>
    </section>`;
  }

  private row(one: Inhibition): TemplateResult {
    const now = this.app.store.utc_ms();
    const problem = this.app.problems.get(`lift:${one.id}`);
    return html`<li class="row inhibition" data-inhibition=${one.id}>
      <div class="top">
        <b class="of">${one.of}</b>
        <span class="when">${until(one, now)}</span>
      </div>
      <div class="bottom">
        <p class="facts">by <b>${one.owner}</b>: <bdi>${one.reason}</bdi></p>
        ${this.lift(one)}
      </div>
      ${problem === undefined ? nothing : html`<p class="refusal" role="alert"><b>Not lifted.</b> ${problem.title}. ${problem.detail}</p>`}
    </li>`;
  }

  private lift(one: Inhibition): TemplateResult | typeof nothing {
    if (!this.app.store.mayAct()) return nothing;
    const sending = this.app.pending.has(`lift:${one.id}`);
    return html`<button class="small" data-key="lift:${one.id}" aria-disabled=${sending ? 'true' : 'false'} aria-label="Lift the inhibition of ${one.of}"
      @click=${() => !sending && this.app.lift(one.id)}>${sending ? 'Lifting…' : 'Lift'}</button>`;
  }
}

function until(one: Inhibition, now: number): TemplateResult {
  if (!Number.isFinite(one.until_utc_ms)) return html`<small>until a time that cannot be read</small>`;
  return html`<small>until ${moment(one.until_utc_ms, now)}</small> <span class="figure">${countdown(one.until_utc_ms - now)}</span>`;
}

customElements.define('sky-inhibitions', Inhibitions);
