import { html, nothing, type TemplateResult } from 'lit';
import { help } from '../keys';
import { age, clock } from '../model/format';
import type { Peer } from '../model/wire';
import * as icons from './icons';
import { Panel } from './panel';
import type { SkyApp } from './shell';

/** One line that answers: who am I, is this real, is it now, what waits for me, can I hear it. */
class Header extends Panel {
  protected override render(): TemplateResult {
    const { store } = this.app;
    const { session, hello } = store;
    return html`<header class="bar">
      <div class="who">
        <span class="party-0">${icons.partySign(0)}</span>
        <h1>${hello?.party ?? session?.party ?? '?'}</h1>
        <span class="officer">${session?.officer ?? '?'} <small>${session?.role ?? ''}${store.mayAct() ? '' : ', looks only'}</small></span>
      </div>
      ${this.mode()} ${this.picture()} ${this.counts()} ${this.sound()} ${this.password()} ${this.rules()}
      <ul class="links" aria-label="Links to peers">
        ${store.state.peers.map((peer) => this.link(peer))}
      </ul>
      <time class="utc" title="Coordinated universal time of the node">${clock(store.utc_ms())}</time>
      <button class="quiet" data-key="help" @click=${() => help(this.app, true)} title="Keys and signs"><span class="sr">Help </span>?</button>
      <button class="quiet" @click=${() => this.app.end()}>Sign out</button>
    </header>`;
  }

  private password(): TemplateResult | typeof nothing {
    if (this.app.store.session?.must_set_password !== true) return nothing;
    const ask = () => document.querySelector<SkyApp>('sky-app')?.askPassword();
    return html`<button @click=${ask}>Set a password to act</button>`;
  }

  /** Rules that would let out more wait for a person: whoever may agree to them is told wherever he looks. */
  private rules(): TemplateResult | typeof nothing {
    const { store } = this.app;
    const { proposal } = store.state.release;
    if (proposal === null || !store.mayReadRules()) return nothing;
    return html`<button data-key="waits:release" @click=${(event: Event) => this.app.openDrawer({ kind: 'release' }, event.currentTarget as Element)}>Release proposal ${proposal} waits</button>`;
  }

  private mode(): TemplateResult {
    const { store } = this.app;
    if (store.frozen() !== null) return html`<strong class="mode frozen">FROZEN</strong>`;
    const exercise = store.exercise();
    if (exercise !== null) return html`<strong class="mode exercise">EXERCISE ${exercise}</strong>`;
    const mode = store.mode();
    return mode === 'live'
      ? html`<strong class="mode live">${icons.up()} LIVE</strong>`
      : html`<strong class="mode other">${mode.toUpperCase()}</strong>`;
  }

  private picture(): TemplateResult {
    const { store } = this.app;
    const frozen = store.frozen() !== null;
    return html`<span class="fact"><small>Picture</small> <b class="figure">${frozen ? 'unknown' : age(store.pictureAge_ms())}</b></span>`;
  }

  private counts(): TemplateResult {
    const { store } = this.app;
    const [alarms, warnings, open] = [store.count('alarm'), store.count('warning'), store.unacknowledged()];
    const flash = (level: 'alarm' | 'warning') => (store.isOpenAt(level) ? 'flash' : '');
    return html`<div class="counts">
      <span class=${alarms > 0 ? `alarm-block ${flash('alarm')}` : 'count'}>ALARM <b>${alarms}</b></span>
      <span class=${warnings > 0 ? `warning-block ${flash('warning')}` : 'count'}>WARN <b>${warnings}</b></span>
      <span class="count ${open > 0 ? 'some' : ''}"><b>${open}</b> unacknowledged</span>
    </div>`;
  }

  private sound(): TemplateResult {
    const { store } = this.app;
    if (!store.soundPossible) {
      return html`<button class="sound impossible" @click=${() => this.app.store.touch()}>
        ${icons.mute()} Sound is not possible: press any key
      </button>`;
    }
    const left = Math.ceil(store.silenceLeft_ms / 1000);
    return left > 0
      ? html`<button class="sound" @click=${() => this.app.silence()}>${icons.mute()} Silent <b class="figure">${left} s</b></button>`
      : html`<button class="sound" @click=${() => this.app.silence()} title="Silence for 30 s [m]">
          ${icons.sound()} Sound on
        </button>`;
  }

  private link(peer: Peer): TemplateResult {
    const { store } = this.app;
    const state = store.frozen() !== null ? 'unknown' : peer.link;
    return html`<li class="link ${state}">${linkIcon(state)} ${peer.party} <small>${state}</small></li>`;
  }
}

export function linkIcon(state: string): TemplateResult | typeof nothing {
  if (state === 'up') return icons.up();
  return state === 'unknown' ? icons.hollow() : icons.down();
}

customElements.define('sky-header', Header);
