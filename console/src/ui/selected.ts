import { html, nothing, type TemplateResult } from 'lit';
import { type Cleared, clearedOf } from '../model/cleared';
import { age, altitude, decimalPlace, dmsPlace, REFERENCES, thousands } from '../model/format';
import { COARSE, IN_ALARM, IN_WARNING, ON_GROUND, REDUCED, STALE, UNCLAIMED } from '../model/frame';
import { takeAwayButton, until } from './cleared';
import * as icons from './icons';
import { Panel } from './panel';

const CLASSES = ['unknown', 'civil', 'military', 'unmanned', 'humanitarian'];

/** Everything held about one track: source and age first, because the rest is worth what they are. */
class Selected extends Panel {
  protected override render(): TemplateResult {
    return html`<section class="panel selected" aria-labelledby="selected-title">
      <h2 id="selected-title"><kbd>2</kbd> Selected track</h2>
      <div class="scroll" data-panel tabindex="0" role="group" aria-labelledby="selected-title">${this.body()}</div>
    </section>`;
  }

  private body(): TemplateResult {
    const { store } = this.app;
    if (store.selected === null) {
      return html`<p class="empty">None. Click a track, press <kbd>t</kbd> to search, or take one from an alert.</p>`;
    }
    const row = store.selectedRow();
    if (row < 0) {
      return html`<p class="empty"><b>${store.nameOf(store.selected)}</b> is no longer in the picture: it was withdrawn or timed out.</p>`;
    }
    return this.track(store.selected, row);
  }

  private track(id: number, row: number): TemplateResult {
    const { store } = this.app;
    const p = store.picture;
    const flags = p.flags[row] ?? 0;
    const owner = p.owner[row] ?? UNCLAIMED;
    const label = store.labels.get(id);
    const place = { lat: p.lat[row] ?? 0, lon: p.lon[row] ?? 0 };
    const ft = p.altitude_ft[row] ?? Number.NaN;
    const reference = REFERENCES[p.reference[row] ?? 255];
    const old = (flags & STALE) !== 0 || store.isLost(owner);
    return html`<div class="head">
        ${icons.partySign(owner)} <b class="callsign">${store.nameOf(id)}</b>
        <span class="figure dim">${label?.callsign && label.address ? label.address : nothing}</span>
        ${(flags & IN_ALARM) !== 0 ? html`<span class="alarm-block">ALARM</span>` : (flags & IN_WARNING) !== 0 ? html`<span class="warning-block">WARN</span>` : nothing}
      </div>
      <sky-joined .app=${this.app} .track=${id}></sky-joined>
      <dl class="pairs">
        ${item('Source', this.source(owner))}
        ${item('Age', html`<span class="figure">${age(store.trackAge_ms(row))}</span> ${old ? html`<b>not current</b>` : nothing}`)}
        ${item('Form', this.form(flags, p.precision_m[row] ?? 0))}
        ${item('Class', `${CLASSES[p.class[row] ?? 0] ?? 'unknown'}${(flags & ON_GROUND) !== 0 ? ', on the ground' : ''}`)}
        ${item('Level', Number.isNaN(ft) || reference === undefined ? 'unknown' : altitude({ value_ft: ft, reference }))}
        ${owner === 0 ? html`<div><dt>Cleared</dt><dd class="cleared">${this.cleared(id)}</dd></div>` : nothing}
        ${item(
          'Speed',
          number(p.speed[row], (v) => `${Math.round(v / 0.514444)} kt`),
        )}
        ${item(
          'Track',
          number(p.track[row], (v) => `${Math.round(v).toString().padStart(3, '0')}° true`),
        )}
        ${item(
          'Vertical',
          number(
            p.vertical[row],
            (v) => `${v < 0 ? '\u2212' : '+'}${thousands(Math.abs(v / 0.00508))} ft/min`,
          ),
        )}
        ${item('Place', html`<span class="figure">${dmsPlace(place)}</span><br /><span class="figure dim">${decimalPlace(place)}</span>`)}
      </dl>`;
  }

  /** The level that conflicts of this own track are predicted with. */
  private cleared(id: number): TemplateResult {
    const { store, problems } = this.app;
    const level = clearedOf(store.state.cleared, store.labels.get(id));
    const problem = level === null ? undefined : problems.get(`uncleared:${level.flight}`);
    return html`${level === null ? 'no level entered' : html`<b>${altitude(level.level)}</b> <small>until ${until(level, store.utc_ms())}, by ${level.by}</small>`}
      ${store.mayAct() ? html`<span class="more">${this.setButton(level)}${level === null ? nothing : takeAwayButton(this.app, level, 'selected')}</span>` : nothing}
      ${problem === undefined ? nothing : html`<p class="refusal" role="alert"><b>Not taken away.</b> ${problem.title}. ${problem.detail}</p>`}`;
  }

  private setButton(level: Cleared | null): TemplateResult {
    const text = level === null ? 'Enter level…' : 'Change level…';
    return html`<button class="small" data-key="cleared:enter" @click=${(event: Event) => this.app.openCleared(event.currentTarget as Element)}>${text} <kbd>f</kbd></button>`;
  }

  private source(owner: number): string {
    if (owner === 0) return 'own';
    if (owner === UNCLAIMED) return 'own sensor, claimed by nobody';
    return `released by ${this.app.store.parties()[owner] ?? `party ${owner}`}`;
  }

  private form(flags: number, precision_m: number): string {
    const parts: string[] = [];
    if ((flags & COARSE) !== 0) parts.push(`coarse: anywhere within ${thousands(precision_m)} m`);
    else if (precision_m > 0) parts.push(`to ${thousands(precision_m)} m`);
    if ((flags & REDUCED) !== 0) parts.push('reduced: identity withheld');
    return parts.length === 0 ? 'as held' : parts.join('; ');
  }
}

function item(name: string, value: unknown): TemplateResult {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function number(value: number | undefined, write: (value: number) => string): TemplateResult {
  return html`<span class="figure">${value === undefined || Number.isNaN(value) ? 'unknown' : write(value)}</span>`;
}

customElements.define('sky-selected', Selected);
