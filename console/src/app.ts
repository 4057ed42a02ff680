/** Puts the parts together: messages into the store, the store onto the map and into sound, the officer's hand into commands. */
import { handleKey } from './keys';
import type { Pair, Scene } from './map/painter';
import type { MapView } from './map/view';
import { HAND_GONE_AFTER_MS } from './model/held';
import { Siren } from './model/siren';
import { OWN_PICTURE, Store } from './model/store';
import { isOpen, levelOf } from './model/urgency';
import { type Alert, type Notice, readMessage, type Session } from './model/wire';
import * as api from './net/api';
import { Stream } from './net/stream';
import { Player } from './sound/player';
import { FocusKeeper } from './ui/focus';
import { Shown } from './ui/shown';

const TICK_MS = 250;
const CONFLICTS = new Set(['conflict', 'site', 'plan']);

export class App {
  readonly store = new Store();
  readonly siren = new Siren();
  readonly player = new Player();
  readonly shown = new Shown();
  readonly focus = new FocusKeeper();
  map: MapView | null = null;
  /** What is being sent; a second Enter must not send it twice. */
  readonly pending = new Set<string>();
  /** Refusals by the node, by what was asked. */
  readonly problems = new Map<string, api.Problem>();
  private readonly stream: Stream;
  private painting = false;
  private toDisplay: number | null = null;
  private timer = 0;
  private paintedFrozen = false;
  displayedFrame = 0;

  constructor() {
    const store = this.store;
    this.stream = new Stream({
      text: (message) => {
        store.message(readMessage(message));
        this.sound();
      },
      binary: (bytes) => {
        if (!store.frame(bytes)) return;
        this.toDisplay = store.picture.frame;
        this.paintSoon();
      },
      changed: (connection) => {
        store.connection = connection;
        store.touch();
        if (connection === 'lost') void this.checkSession();
      },
    });
    store.addEventListener('change', () => this.paintSoon());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') store.seenAgain();
      this.paintSoon();
    });
    document.addEventListener('keydown', (event) => handleKey(this, event));
  }

  // --- the session ------------------------------------------------------------

  begin(session: Session): void {
    this.store.session = session;
    this.store.touch();
    this.stream.open();
    window.clearInterval(this.timer);
    this.timer = window.setInterval(() => this.tick(), TICK_MS);
  }

  async end(): Promise<void> {
    await api.signOut();
    // A fresh page: nothing of the picture stays behind for whoever signs in next.
    window.location.replace('/');
  }

  private async checkSession(): Promise<void> {
    const answer = await api.session();
    if (!answer.ok && answer.problem.status === 401) {
      this.stream.close();
      window.location.replace('/');
    }
  }

  // --- time ---------------------------------------------------------------------

  private tick(): void {
    this.sound();
    this.focus.restore();
    // Ages go on in the panels; the map is painted anew only when what is on it changes.
    const frozen = this.store.frozen() !== null;
    if (frozen !== this.paintedFrozen) this.paintSoon();
    this.paintedFrozen = frozen;
    this.store.dispatchEvent(new Event('tick'));
  }

  private sound(): void {
    const now = performance.now();
    const pulses = this.siren.step(this.store.soundings(), now);
    if (pulses !== null) this.player.play(pulses);
    this.store.soundPossible = this.player.possible;
    this.store.silenceLeft_ms = this.siren.silenceLeft_ms(now);
  }

  silence(): void {
    this.siren.silence(performance.now());
    this.sound();
    this.store.touch();
  }

  /** Paints at the next frame of the screen; what was painted is reported after the one that follows, when it is on the screen. */
  private paintSoon(): void {
    if (this.painting) return;
    this.painting = true;
    requestAnimationFrame(() => {
      this.painting = false;
      this.map?.fitOnce();
      this.map?.repaint();
      const frame = this.toDisplay;
      if (frame === null) return;
      this.toDisplay = null;
      // What stands there now is what this frame paints; what comes before the next one is not painted yet.
      const { alerts, notices } = this.shown.ids();
      requestAnimationFrame(() => {
        this.displayedFrame = frame;
        this.stream.send({ type: 'displayed', frame, alerts, notices });
      });
    });
  }

  scene(): Scene {
    const store = this.store;
    return {
      picture: store.picture,
      frozen: store.frozen() !== null,
      selected: store.selected,
      pairs: this.pairs(),
      nameOf: (id) => store.nameOf(id),
      isLost: (owner) => store.isLost(owner),
    };
  }

  private pairs(): Pair[] {
    const now = this.store.utc_ms();
    return this.store.state.alerts.flatMap((alert) => {
      const [a, b] = [alert.a?.id ?? null, alert.b?.id ?? null];
      const level = levelOf(alert, now);
      if (a === null || b === null || alert.state === 'cleared' || level === 'caution') return [];
      return [{ a, b, alarm: level === 'alarm', open: isOpen(alert) }];
    });
  }

  // --- commands -------------------------------------------------------------------

  async acknowledge(alert: Alert): Promise<void> {
    if (!isOpen(alert) || (!this.store.mayAct() && alert.id !== OWN_PICTURE)) return;
    if (alert.id === OWN_PICTURE) {
      this.store.acknowledgeOwnPicture();
      this.sound();
      return;
    }
    await this.command(`alert:${alert.id}`, () => api.acknowledgeAlert(alert.id, alert.raising));
  }

  async acknowledgeNotice(notice: Notice, readBack: api.ReadBack): Promise<boolean> {
    return this.command(`notice:${notice.id}`, () => api.acknowledgeNotice(notice.id, readBack));
  }

  async send(notice: api.NewNotice, key: string): Promise<boolean> {
    return this.command('compose', () => api.sendNotice(notice, key));
  }

  async stateDesk(status: api.NewDeskState): Promise<boolean> {
    return this.command('desk', () => api.stateDesk(status));
  }

  async inhibit(of: api.NewInhibition, key: string): Promise<boolean> {
    return this.command('inhibit', () => api.inhibit(of, key));
  }

  async lift(id: string): Promise<boolean> {
    return this.command(`lift:${id}`, () => api.liftInhibition(id));
  }

  async giveReason(alert: string, reason: string, key: string): Promise<boolean> {
    return this.command('reason', () => api.giveReason(alert, reason, key));
  }

  async setCleared(of: api.NewCleared, key: string): Promise<boolean> {
    return this.command('cleared', () => api.setCleared(of, key));
  }

  /** Takes a level away; the node asks for a time, and does not use it. */
  async takeLevelAway(flight: string): Promise<boolean> {
    const until_utc_ms = Math.round(this.store.utc_ms());
    const of = { flight, until_utc_ms };
    return this.command(`uncleared:${flight}`, () => api.setCleared(of, crypto.randomUUID()));
  }

  async separate(id: number): Promise<boolean> {
    return this.command(`part:${id}`, () => api.separate(id));
  }

  /** Agrees to proposed release rules: how many must still agree, or null if it was refused. */
  async agree(proposal: number): Promise<number | null> {
    let missing: number | null = null;
    await this.command('release', async () => {
      const answer = await api.agreeToRelease(proposal);
      if (answer.ok) missing = answer.value;
      return answer;
    });
    return missing;
  }

  async reject(proposal: number): Promise<boolean> {
    return this.command('release', () => api.rejectRelease(proposal));
  }

  /** For asking again: the same key after no answer, so that it is done once; another after a refusal, which the node would only repeat. */
  keyAgain(what: string, key: string): string {
    const status = this.problems.get(what)?.status ?? 0;
    return status >= 400 && status < 500 ? crypto.randomUUID() : key;
  }

  private async command(what: string, run: () => Promise<api.Answer<unknown>>): Promise<boolean> {
    if (this.pending.has(what)) return false;
    this.pending.add(what);
    this.problems.delete(what);
    this.store.touch();
    const answer = await run();
    this.pending.delete(what);
    if (!answer.ok) this.problems.set(what, answer.problem);
    this.store.touch();
    return answer.ok;
  }

  // --- the map ------------------------------------------------------------------

  centreOnSelected(): void {
    const row = this.store.selectedRow();
    if (row >= 0) this.map?.centre(this.store.picture.lon[row] ?? 0, this.store.picture.lat[row] ?? 0);
  }

  /** Selects what an alert is about and shows it on the map. */
  show(alert: Alert): void {
    const { store } = this;
    const rows = [alert.a?.id, alert.b?.id].flatMap((id) => {
      const row = id === null || id === undefined ? -1 : store.picture.id.indexOf(id);
      return row >= 0 && row < store.picture.count ? [row] : [];
    });
    const [first, second] = rows;
    if (first === undefined) return;
    store.select(store.picture.id[first] ?? null);
    const at = (row: number): [number, number] => [store.picture.lon[row] ?? 0, store.picture.lat[row] ?? 0];
    if (second === undefined) this.map?.centre(...at(first));
    else this.map?.showBoth(at(first), at(second));
  }

  /** The levels in force, and the form for the selected track if it is an own one. */
  openCleared(opener: Element | null): void {
    this.openDrawer({ kind: 'cleared', track: this.store.selectedOwn() }, opener);
  }

  openDrawer(drawer: Store['drawer'], opener: Element | null): void {
    this.focus.remember(opener);
    if (drawer !== null)
      this.problems.delete(drawer.kind === 'read-back' ? `notice:${drawer.notice}` : drawer.kind);
    this.store.drawer = drawer;
    this.store.touch();
  }

  closeDrawer(): void {
    const ofAlert = this.store.drawer !== null && 'alert' in this.store.drawer;
    this.store.drawer = null;
    this.store.touch();
    this.focus.goBack(ofAlert ? 'sky-alerts' : 'sky-notices');
  }
}

export { CONFLICTS, HAND_GONE_AFTER_MS };
