import { html, nothing, type TemplateResult } from 'lit';
import { age, moment, thousands } from '../model/format';
import type { Feed, Peer, Staffing } from '../model/wire';
import { staffingText } from './desk-state';
import { linkIcon } from './header';
import * as icons from './icons';
import { Panel } from './panel';

/** What each peer has told us, how old that is, and what of ours they hold. */
class Peers extends Panel {
  protected override render(): TemplateResult {
    const { store } = this.app;
    const { peers, feeds } = store.state;
    return html`<section class="panel peers" aria-labelledby="peers-title">
      <h2 id="peers-title"><kbd>1</kbd> Peers</h2>
      <div class="scroll" data-panel tabindex="0" role="group" aria-labelledby="peers-title">
        ${
          peers.length === 0
            ? html`<p class="empty">No peers: this node has no pact in force.</p>`
            : html`<ul class="cards">${peers.map((peer) => this.peer(peer))}</ul>`
        }
        <h3>Own feeds</h3>
        ${
          feeds.length === 0
            ? html`<p class="empty">No feeds are configured.</p>`
            : html`<ul class="feeds">${feeds.map((feed) => this.feed(feed))}</ul>`
        }
        ${this.node()}
      </div>
    </section>`;
  }

  private peer(peer: Peer): TemplateResult {
    const { store } = this.app;
    const frozen = store.frozen() !== null;
    const state = frozen ? 'unknown' : peer.link;
    const differ = peer.channel.ours !== peer.channel.theirs;
    const index = store.indexOf(peer.party);
    return html`<li class="card peer ${state}">
      <div class="head">
        <span class="party-${index}">${icons.partySign(index)}</span>
        <b>${peer.party}</b>
        <span class="link ${state}">${linkIcon(state)} ${state.toUpperCase()}</span>
        <span class="age figure" title="Age of what they last told us">${age(store.since(peer.age_ms))}</span>
      </div>
      ${!frozen && peer.link !== 'up' ? this.lost(peer) : nothing}
      <dl class="pairs">
        <div><dt>In</dt><dd class="figure">${thousands(peer.in.size)}<small> sealed ${thousands(peer.in.sealed)}</small></dd></div>
        <div><dt>Out</dt><dd class="figure">${thousands(peer.out.size)}<small> cosigned ${thousands(peer.out.cosigned)}</small></dd></div>
        <div>
          <dt>Channel</dt>
          <dd class=${differ ? 'differ' : ''}>
            ${differ ? html`<b>states differ</b>: ours ${peer.channel.ours}, theirs ${peer.channel.theirs}` : html`${peer.channel.ours} <small>both</small>`}
          </dd>
        </div>
        <div><dt>Desk</dt><dd>${this.staffing(peer.staffing)}</dd></div>
        <div><dt>Clock</dt><dd class="figure">${offset(peer.clock_offset_ms)}<small> release rev ${peer.release_rev}</small></dd></div>
        ${
          peer.waiting === 0
            ? nothing
            : html`<div><dt>Waiting</dt><dd class="figure">${thousands(peer.waiting)} <small>records that it does not take yet</small></dd></div>`
        }
        ${
          peer.throttled.length === 0
            ? nothing
            : html`<div><dt>Throttled</dt><dd class="figure">${peer.throttled.map(([kind, count]) => `${kind} ${thousands(count)}`).join(', ')}</dd></div>`
        }
        ${
          peer.refused.length === 0
            ? nothing
            : html`<div><dt>Refused</dt><dd class="figure">${peer.refused.map(([why, count]) => `${why} ${thousands(count)}`).join(', ')}</dd></div>`
        }
      </dl>
    </li>`;
  }

  /** A lost peer says when it was last heard and what to do now. */
  private lost(peer: Peer): TemplateResult {
    const { store } = this.app;
    const waited = store.since(peer.age_ms);
    const last =
      waited === null
        ? 'never heard'
        : `last data ${moment(store.utc_ms() - waited, store.utc_ms())}, ${age(waited)} ago`;
    return html`<p class="lost">
      <b>${peer.link === 'frozen' ? 'Link frozen' : 'Peer lost'}</b>: ${last}.
      ${peer.reason === null ? nothing : html`${peer.reason}.`}
      <b>Next: call ${peer.party}${peer.desk === null ? ' by the hotline' : html`'s desk: <span class="figure">${peer.desk}</span>`}</b>; treat its aircraft as anywhere their speed allows.
    </p>`;
  }

  private feed(feed: Feed): TemplateResult {
    const frozen = this.app.store.frozen() !== null;
    const state = frozen ? 'unknown' : feed.state;
    return html`<li>
      <div class="head">
        <b>${feed.name}</b> <small>${feed.format}</small>
        <span class="link ${state}">${state === 'connecting' ? icons.hollow() : linkIcon(state)} ${state}</span>
        <span class="age figure">${age(this.app.store.since(feed.age_ms))}</span>
      </div>
      <small><span class="figure">${thousands(feed.reports)}</span> reports${
        feed.errors > 0 ? html`, <span class="figure">${thousands(feed.errors)}</span> unreadable` : nothing
      }${feed.last_error === null ? nothing : html`; ${feed.last_error}`}</small>
    </li>`;
  }

  /** The node's own health, and what the console itself refused. */
  private node(): TemplateResult {
    const { store } = this.app;
    const { journal } = store.state;
    const frozen = store.frozen() !== null;
    return html`<h3>This node</h3>
      <dl class="pairs">
        <div class="own-desk"><dt>Own desk</dt><dd>${this.staffing(store.state.staffing)}</dd></div>
        <div><dt>Release</dt><dd>rules of revision <span class="figure">${store.state.release.revision}</span>${
          store.state.release.proposal === null
            ? nothing
            : html`; <b>proposal ${store.state.release.proposal} waits for people to agree</b>`
        }</dd></div>
        <div><dt>Journal</dt><dd class=${journal.state === 'ok' || frozen ? '' : 'differ'}>${frozen ? 'unknown' : journal.state} <small class="figure">entry ${thousands(journal.last_seq)}</small></dd></div>
        ${
          store.state.checked.mismatches === 0
            ? nothing
            : html`<div class="mismatches"><dt>Detection</dt><dd class="differ"><b>the two ways of looking for conflicts differed <span class="figure">${thousands(store.state.checked.mismatches)}</span> times</b>
                <small>of ${thousands(store.state.checked.crosschecked)} own tracks asked in both; tell whoever keeps this node</small></dd></div>`
        }
        ${
          store.refused === 0
            ? nothing
            : html`<div><dt>Unreadable</dt><dd>${thousands(store.refused)} <small>last: ${store.lastRefusal}</small></dd></div>`
        }
        ${store.state.cut === 0 ? nothing : html`<div><dt>Cut</dt><dd>${thousands(store.state.cut)} entries not shown</dd></div>`}
      </dl>
      <div class="buttons">
        ${store.mayAct() ? this.opens('desk', 'Own desk…', 'd') : nothing}
        <button data-key="open:cleared" @click=${(event: Event) => this.app.openCleared(event.currentTarget as Element)}>Cleared levels… <kbd>f</kbd></button>
        ${this.opens('planned', 'Plans and flights…', 'p')}
        ${store.mayReadRules() ? this.opens('release', 'Release rules…', 'r') : nothing}
      </div>`;
  }

  private opens(kind: 'desk' | 'planned' | 'release', label: string, key: string): TemplateResult {
    return html`<button data-key="open:${kind}" @click=${(event: Event) => this.app.openDrawer({ kind }, event.currentTarget as Element)}>${label} <kbd>${key}</kbd></button>`;
  }

  /** A statement, not a measurement: a link may be up while nobody reads what comes over it. */
  private staffing(staffing: Staffing | null): TemplateResult {
    const text = staffingText(staffing, this.app.store.utc_ms());
    if (staffing === null) return html`<small>${text}</small>`;
    return html`${staffing.manned ? text : html`<b>${text}</b>`}${staffing.note === '' ? nothing : html` <small><bdi>${staffing.note}</bdi></small>`}`;
  }
}

function offset(ms: number | null): string {
  if (ms === null) return 'not compared';
  return `${ms < 0 ? '\u2212' : '+'}${Math.abs(ms / 1000).toFixed(1)} s`;
}

customElements.define('sky-peers', Peers);
