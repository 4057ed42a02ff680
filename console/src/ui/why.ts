import { html, nothing, type TemplateResult } from 'lit';
import { type Decision, type Explanation, type Found, type Input, verticalError } from '../model/explanation';
import { age, altitude, clock, decimalPlace, feet, moment, nauticalMiles, thousands } from '../model/format';
import type { Side } from '../model/wire';
import * as api from '../net/api';
import { Panel } from './panel';
import { problemBlock } from './sign-in';

const NOT_DECIDED_HERE =
  "This alert rests on a peer's word or is about something else: nothing was decided here.";

/** Why there is an alert: what the detector was given, what it found, and whether it finds the same again. */
class Why extends Panel {
  declare alert: string;
  private loaded: Explanation | null = null;
  private problem: api.Problem | null = null;
  private asking = false;
  private sides: [Side | null, Side | null] = [null, null];

  override connectedCallback(): void {
    super.connectedCallback();
    const alert = this.app.store.state.alerts.find(({ id }) => id === this.alert);
    this.sides = [alert?.a ?? null, alert?.b ?? null];
    void this.load();
  }

  protected override firstUpdated(): void {
    this.querySelector<HTMLElement>('[data-panel]')?.focus();
  }

  private async load(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    this.requestUpdate();
    const answer = await api.explanation(this.alert);
    this.asking = false;
    if (answer.ok) this.loaded = answer.value;
    this.problem = answer.ok ? null : answer.problem;
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const [a, b] = this.sides;
    return html`<section class="drawer why" role="dialog" aria-labelledby="why-title" data-panel tabindex="-1">
      <h2 id="why-title">Why: conflict of ${a?.label ?? '?'} and ${b?.label ?? '?'}</h2>
      ${this.body()}
      <div class="buttons">
        <button type="button" data-key="why-again" aria-disabled=${this.asking ? 'true' : 'false'} @click=${() => this.load()}>${this.asking ? 'Asking the node…' : 'Ask again'}</button>
        <button type="button" @click=${() => this.app.closeDrawer()}>Close <kbd>Esc</kbd></button>
      </div>
    </section>`;
  }

  private body(): TemplateResult | typeof nothing {
    if (this.problem?.status === 404) return html`<p role="status">${NOT_DECIDED_HERE}</p>`;
    if (this.loaded === null)
      return this.problem === null
        ? html`<p role="status">Asking the node…</p>`
        : html`${problemBlock(this.problem)}`;
    const { first, last } = this.loaded;
    const now = this.app.store.utc_ms();
    return html`${problemBlock(this.problem)}
      ${decision('last', 'Decided last', last, now)}
      ${first.t0_utc_ms === last.t0_utc_ms ? html`<p class="hint">It was raised by this decision.</p>` : decision('first', 'Decided when it was raised', first, now)}`;
  }
}

function decision(id: string, title: string, of: Decision, now: number): TemplateResult {
  const { a, b, minima, found } = of;
  const same = of.again === 'the same';
  return html`<article aria-labelledby="why-${id}">
    <h3 id="why-${id}">${title}: t0 <span class="figure">${instant(of.t0_utc_ms, now)}</span>, ${age(now - of.t0_utc_ms)} ago</h3>
    <table class="decision">
      <thead><tr><th scope="col">Report</th><th scope="col">${a.name}</th><th scope="col">${b.name}</th></tr></thead>
      <tbody>
        ${row('Time', a, b, (of) => figure(of.at_utc_ms, (at) => instant(at, now)))}
        ${row('Age at t0', a, b, (of) => age(of.age_ms))}
        ${row('Place', a, b, (of) => (of.lat === null || of.lon === null ? 'unknown' : decimalPlace({ lat: of.lat, lon: of.lon })))}
        ${row('Level', a, b, levels)}
        ${row('Speed', a, b, (of) => figure(of.ground_speed_kt, (v) => `${v.toFixed(1)} kt`))}
        ${row('Track', a, b, (of) => figure(of.track_deg, (v) => `${v.toFixed(1)}° true`))}
        ${row('Vertical rate', a, b, (of) => figure(of.vertical_rate_fpm, (v) => `${signed(v)} ft/min${of.vertical_rate_is_noise ? ', noise: keeps its level' : ''}`))}
        ${row('Accuracy, 95 %', a, b, (of) => (of.accuracy_m === null ? 'not stated' : metres(of.accuracy_m)))}
        ${row('May have left its line by', a, b, (of) => figure(of.drift_m, metres))}
        ${row('SHA-256 begins', a, b, (of) => of.sha256.slice(0, 12))}
      </tbody>
    </table>
    <dl class="pairs">
      ${item('Minima', html`D ${lateral(minima.lateral_m)}, H ${figure(minima.vertical_ft, feet)}, T ${seconds(minima.horizon_s)} ahead`)}
      ${item('Both lost', html`${found.violation_now ? html`<b>now</b>, ` : nothing}tin ${after(found.tin_s, of.t0_utc_ms)}`)}
      ${item('Closest', html`tcpa ${after(found.tcpa_s, of.t0_utc_ms)}, dcpa ${lateral(found.dcpa_m)}; at t0 ${lateral(found.d0_m)}`)}
      ${item('Vertical', vertical(found))}
      ${found.velocity_unknown ? item('Velocity', html`<b>of one it is not known</b>; its speed alone bounds where it can be`) : nothing}
      ${found.widened_m === null || found.widened_m === 0 ? nothing : item('Widened', `D by ${metres(found.widened_m)} for what the reports may be off`)}
      ${item('Engine', html`${of.engine}; earth ${of.earth}`)}
      ${item('Again', same ? 'this node finds the same' : html`<b class="differ">this node finds another result: <bdi>${of.again}</bdi></b>`)}
    </dl>
  </article>`;
}

function vertical(found: Found): TemplateResult {
  return html`at the closest ${figure(found.vertical_at_cpa_ft, feet)}, at t0 ${figure(found.vertical_now_ft, feet)}; ${verticalError(found)}`;
}

function row(name: string, a: Input, b: Input, write: (of: Input) => unknown): TemplateResult {
  return html`<tr><th scope="row">${name}</th><td>${write(a)}</td><td>${write(b)}</td></tr>`;
}

function item(name: string, value: unknown): TemplateResult {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function levels(of: Input): unknown {
  const known = [
    of.pressure_altitude_ft === null
      ? null
      : altitude({ value_ft: of.pressure_altitude_ft, reference: 'pressure' }),
    of.wgs84_height_ft === null ? null : altitude({ value_ft: of.wgs84_height_ft, reference: 'wgs84' }),
  ].filter((level) => level !== null);
  return known.length === 0
    ? html`<b>unknown</b>`
    : known.map((level, i) => html`${i > 0 ? html`<br />` : nothing}${level}`);
}

function figure(value: number | null, write: (value: number) => string): string {
  return value === null ? 'unknown' : write(value);
}

function metres(m: number): string {
  return `${thousands(m)} m`;
}

function lateral(m: number | null): string {
  return figure(m, (value) => `${nauticalMiles(value)} (${metres(value)})`);
}

function seconds(s: number | null): string {
  return figure(s, (value) => `${value.toFixed(1)} s`);
}

/** Seconds after t0, and what the clock then says. */
function after(s: number | null, t0_utc_ms: number): string {
  return figure(s, (value) => `${value.toFixed(1)} s after t0, ${clock(t0_utc_ms + value * 1000)}`);
}

/** A moment to the millisecond: a decision is about that one. */
function instant(utc_ms: number, now: number): string {
  const ms = Math.floor(((utc_ms % 1000) + 1000) % 1000);
  return moment(utc_ms, now).replace('Z', `.${ms.toString().padStart(3, '0')}Z`);
}

function signed(value: number): string {
  return `${value < 0 ? '\u2212' : '+'}${thousands(Math.abs(value))}`;
}

customElements.define('sky-why', Why);
