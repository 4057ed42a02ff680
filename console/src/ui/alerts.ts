import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { age, clock, countdown, feet, moment, nauticalMiles, thousands } from '../model/format';
import { HeldOrder } from '../model/held';
import { pairOf } from '../model/inhibition';
import { OWN_PICTURE } from '../model/store';
import { isAcknowledged, isOpen, levelOf } from '../model/urgency';
import type { Alert, Level, Side } from '../model/wire';
import { holding } from './holding';
import * as icons from './icons';
import { Panel } from './panel';

const ROWS_MAX = 100;
const KINDS: Record<string, string> = {
  conflict: 'CONFLICT',
  site: 'PROTECTED SITE',
  plan: 'PLAN',
  'peer-lost': 'PEER LOST',
  clock: 'CLOCK',
  channel: 'CHANNEL',
  notice: 'NOTICE',
  frozen: 'LINK FROZEN',
  'own-picture': 'OWN PICTURE',
  flood: 'FLOOD',
  fork: 'TWO HISTORIES',
};
const LEVELS: Record<Level, string> = { alarm: 'ALARM', warning: 'WARN', caution: 'CAUTION' };
const BASIS: Record<string, string> = {
  pressure: 'pressure',
  wgs84: 'WGS 84',
  mixed: 'pressure against WGS 84',
  'unknown-level': 'level unknown',
};

/** Conflicts and every other alert, by level and time to closest approach. */
class Alerts extends Panel {
  private readonly held = new HeldOrder<Alert>();

  protected override render(): TemplateResult {
    const { store } = this.app;
    const alerts = store.alerts();
    const now = performance.now();
    const rows = this.held.arrange(alerts.slice(0, ROWS_MAX), (alert) => alert.id, now);
    const conflicts = alerts.filter((alert) => alert.kind === 'conflict').length;
    return html`<section class="panel alerts" aria-labelledby="alerts-title">
      <h2 id="alerts-title">
        <kbd>3</kbd> Alerts
        <small>${conflicts} ${conflicts === 1 ? 'conflict' : 'conflicts'}, ${alerts.length - conflicts} other</small>
        ${this.held.displaced > 0 ? html`<small class="held">order held, ${this.held.displaced} out of place</small>` : nothing}
      </h2>
      <div class="scroll" data-panel tabindex="0" role="group" aria-labelledby="alerts-title" ${holding(this.held)}>
        ${alerts.length === 0 ? this.empty() : nothing}
        <ul class="rows">
          ${repeat(
            rows,
            (row) => row.id,
            (row) =>
              row.item === null ? html`<li class="row gone">no longer a condition</li>` : this.row(row.item),
          )}
        </ul>
        ${alerts.length > ROWS_MAX ? html`<p class="empty">${thousands(alerts.length - ROWS_MAX)} more, less urgent, are not listed.</p>` : nothing}
        ${alerts.length > 0 ? html`<p class="proof">${this.proof()}</p>` : nothing}
      </div>
    </section>`;
  }

  protected override updated(): void {
    this.app.shown.watch(this);
  }

  private empty(): TemplateResult {
    return html`<p class="empty">No conflicts; ${this.proof()}</p>`;
  }

  /** An empty list must prove that something is looking. */
  private proof(): TemplateResult {
    const { store } = this.app;
    const { checked } = store.state;
    if (store.frozen() !== null || checked.utc_ms === 0)
      return html`<b>not checked now: time of last check unknown.</b>`;
    return html`<span class="figure">${thousands(checked.tracks)}</span> ${checked.tracks === 1 ? 'track' : 'tracks'}
      checked <span class="figure">${age(store.utc_ms() - checked.utc_ms)}</span> ago${
        checked.unjudged === 0
          ? '.'
          : html`, <b><span class="figure">${thousands(checked.unjudged)}</span> cannot be judged.</b>`
      }`;
  }

  private row(alert: Alert): TemplateResult {
    const { store } = this.app;
    const now = store.utc_ms();
    const level = levelOf(alert, now);
    const open = isOpen(alert);
    const cleared = alert.state === 'cleared';
    const classes = `row ${cleared ? 'cleared' : level} ${open ? 'flash' : ''}`;
    return html`<li class=${classes} data-shown="alert:${alert.id}" data-raising=${alert.raising} data-alert=${alert.id}>
      <div class="top">
        <span class="level">${level === 'caution' ? icons.tick() : nothing} ${cleared ? 'CLEARED' : LEVELS[level]}</span>
        <span class="kind">${KINDS[alert.kind] ?? alert.kind.toUpperCase()}</span>
        ${this.time(alert, now)}
      </div>
      ${alert.a === null ? nothing : this.sides(alert)}
      ${alert.text === '' ? nothing : html`<p class="text"><bdi>${alert.text}</bdi></p>`}
      ${this.inhibited(alert, now)}
      ${this.reason(alert, now)}
      <div class="bottom">
        <div class="facts">${this.geometry(alert)}${this.facts(alert, now)}</div>
        <div class="acts">${this.button(alert, open)}${this.more(alert)}</div>
      </div>
      ${this.problem(alert)}
    </li>`;
  }

  /** Says by whom and until when an alert is kept from sounding. */
  private inhibited(alert: Alert, now: number): TemplateResult | typeof nothing {
    if (alert.inhibited === null) return nothing;
    const by = this.app.store.state.inhibitions.find(({ id }) => id === alert.inhibited);
    return html`<p class="inhibited"><b>INHIBITED</b> ${
      by === undefined
        ? `when it was last judged, by inhibition ${alert.inhibited}, which is over`
        : html`until ${moment(by.until_utc_ms, now)} by ${by.owner}: <bdi>${by.reason}</bdi>`
    }</p>`;
  }

  /** What was entered at a protected site stays flagged until somebody says why it may be there, whoever acknowledged it. */
  private reason(alert: Alert, now: number): TemplateResult | typeof nothing {
    if (alert.asks_reason)
      return html`<p class="reasoned"><b>REASON ASKED</b> why it may stay there; acknowledging is none</p>`;
    if (alert.reason === null) return nothing;
    const at = alert.reason_utc_ms === null ? nothing : html` ${moment(alert.reason_utc_ms, now)}`;
    return html`<p class="reasoned"><b>REASON</b>${at} <bdi>${alert.reason}</bdi></p>`;
  }

  /** What else there is to an alert. Each opens a form or a page: nothing is done by one press. */
  private more(alert: Alert): TemplateResult | typeof nothing {
    if (alert.asks_reason || alert.reason !== null) {
      const text = alert.reason === null ? 'Give reason…' : 'Change reason…';
      const can = alert.state !== 'cleared';
      return this.app.store.mayAct()
        ? html`<div class="more">${this.opens(alert, 'reason', text, `${text} ${alert.text}`, can)}</div>`
        : nothing;
    }
    if (alert.kind !== 'conflict' || alert.a === null || alert.b === null) return nothing;
    const of = `${alert.a.label} and ${alert.b.label}`;
    return html`<div class="more">
      ${this.opens(alert, 'why', 'Why…', `Why: conflict of ${of}`, true)}
      ${this.app.store.mayAct() ? this.inhibits(alert, of) : nothing}
    </div>`;
  }

  /** Stays in its place when it has been pressed, as the button beside it does. */
  private inhibits(alert: Alert, of: string): TemplateResult {
    const can = alert.inhibited === null && alert.state !== 'cleared';
    const text = alert.inhibited === null ? 'Inhibit…' : 'Inhibited';
    const named = pairOf(alert, this.app.store.labels) !== null;
    return this.opens(alert, 'inhibit', text, `${text} Conflicts of ${of}`, can && named);
  }

  private opens(
    alert: Alert,
    kind: 'why' | 'inhibit' | 'reason',
    text: string,
    label: string,
    can: boolean,
  ): TemplateResult {
    return html`<button class="small" data-key="${kind}:${alert.id}" aria-disabled=${can ? 'false' : 'true'} aria-label=${label}
      @click=${(event: Event) => can && this.app.openDrawer({ kind, alert: alert.id }, event.currentTarget as Element)}>${text}</button>`;
  }

  private time(alert: Alert, now: number): TemplateResult | typeof nothing {
    if (alert.violation && alert.state !== 'cleared') return html`<b class="when">MINIMA LOST</b>`;
    if (alert.cpa_utc_ms === null) return nothing;
    return html`<span class="when"><small>closest in</small> <b class="figure">${countdown(alert.cpa_utc_ms - now)}</b></span>`;
  }

  private sides(alert: Alert): TemplateResult {
    return html`<button class="pair" data-key="show:${alert.id}" @click=${() => this.app.show(alert)}><span class="sr">Show on the map: </span>
      ${this.side(alert.a)}${alert.b === null ? nothing : html`<span class="versus" aria-hidden="true">×</span>${this.side(alert.b)}`}
    </button>`;
  }

  private side(side: Side | null): TemplateResult | typeof nothing {
    if (side === null) return nothing;
    const index = side.owner === null ? 255 : this.app.store.indexOf(side.owner);
    return html`<span class="side">${icons.partySign(index)} <b>${side.label}</b>
      <small>${side.owner ?? 'unclaimed'}${side.form === null || side.form === 'full' ? '' : `, ${side.form}`}</small></span>`;
  }

  private geometry(alert: Alert): TemplateResult | typeof nothing {
    const parts: TemplateResult[] = [];
    if (alert.distance_m !== null) parts.push(html`now <b>${nauticalMiles(alert.distance_m)}</b>`);
    if (alert.dcpa_m !== null) parts.push(html`closest <b>${nauticalMiles(alert.dcpa_m)}</b>`);
    if (alert.vertical_ft !== null) parts.push(html`vert <b>${feet(alert.vertical_ft)}</b>`);
    return parts.length === 0
      ? nothing
      : html`<p class="geometry">${parts.map((part, i) => html`${i > 0 ? ' · ' : ''}${part}`)}</p>`;
  }

  private facts(alert: Alert, now: number): TemplateResult {
    const waitedOut = isOpen(alert) && (alert.escalated || levelOf(alert, now) !== alert.level);
    const escalated = waitedOut ? html`<b>unacknowledged for 60 s</b> · ` : nothing;
    const dataAge =
      alert.data_age_ms === null
        ? nothing
        : html` · data <b>${age(this.app.store.since(alert.data_age_ms))}</b> old`;
    const by = alert.acknowledged;
    const basis = alert.basis === null ? nothing : html`${BASIS[alert.basis] ?? alert.basis} · `;
    return html`${escalated}${basis}${
      by === null
        ? html`raised ${clock(alert.raised_utc_ms)}`
        : html`${icons.tick()} ${by.by} ${clock(by.utc_ms)}`
    }${dataAge}`;
  }

  /** Stays in its place when it has been pressed: the focus must not fall with it. */
  private button(alert: Alert, open: boolean): TemplateResult | typeof nothing {
    const { store } = this.app;
    if (!store.mayAct() && alert.id !== OWN_PICTURE) return nothing;
    const sending = this.app.pending.has(`alert:${alert.id}`);
    const text = sending
      ? 'Sending…'
      : open
        ? 'Acknowledge'
        : isAcknowledged(alert)
          ? 'Acknowledged'
          : 'Over';
    return html`<button class="ack" data-key="ack:${alert.id}" ?data-open=${open} aria-disabled=${open && !sending ? 'false' : 'true'}
      aria-label="${text}: ${LEVELS[levelOf(alert, store.utc_ms())]} ${KINDS[alert.kind] ?? alert.kind} ${alert.a?.label ?? ''} ${alert.b?.label ?? ''}"
      @click=${() => this.app.acknowledge(alert)}>${text}</button>`;
  }

  private problem(alert: Alert): TemplateResult | typeof nothing {
    const problem = this.app.problems.get(`alert:${alert.id}`);
    return problem === undefined || !isOpen(alert)
      ? nothing
      : html`<p class="refusal" role="alert"><b>Not acknowledged.</b> ${problem.title}. ${problem.detail}</p>`;
  }
}

customElements.define('sky-alerts', Alerts);
