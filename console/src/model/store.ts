/**
 * Everything the console knows, and when it learned it. Panels read it; only messages of the node and the officer's own
 * choices change it. Ages are computed here, from the arrival of the last frame or state, on the browser's steady clock.
 */
import type { Connection } from '../net/stream';
import { decodeFrame, empty, type Picture, rowOf } from './frame';
import type { Sounding } from './siren';
import { compareAlerts, compareNotices, isOpen, levelOf, noticeLevel, waits, wantsAnswer } from './urgency';
import type { Alert, Hello, Label, Level, Message, Notice, Peer, Session, State } from './wire';

/** No frame for this long and the picture is no longer the picture. */
export const FROZEN_AFTER_MS = 3_000;

/** The alert that the browser itself raises when it no longer hears from its node. */
export const OWN_PICTURE = 'local:own-picture';

const NOTHING: State = {
  utc_ms: 0,
  mode: 'unknown',
  frozen: null,
  journal: { state: 'unknown', last_seq: 0, bytes: 0 },
  staffing: null,
  release: { revision: 0, proposal: null },
  peers: [],
  feeds: [],
  alerts: [],
  notices: [],
  inhibitions: [],
  cleared: [],
  checked: { tracks: 0, conflicts: 0, unjudged: 0, utc_ms: 0, crosschecked: 0, mismatches: 0 },
  cut: 0,
  malformed: 0,
};

export type Drawer =
  | { kind: 'compose' }
  | { kind: 'read-back'; notice: string }
  | { kind: 'desk' }
  | { kind: 'inhibit'; alert: string }
  | { kind: 'why'; alert: string }
  | { kind: 'reason'; alert: string }
  /** Of the track that was selected when it was opened, and of all. */
  | { kind: 'cleared'; track: number | null }
  | { kind: 'planned' }
  | { kind: 'release' };

export class Store extends EventTarget {
  session: Session | null = null;
  hello: Hello | null = null;
  state: State = NOTHING;
  picture: Picture = empty(0);
  readonly labels = new Map<number, Label>();
  connection: Connection = 'connecting';
  /** Frames and messages refused as malformed since the page was opened. */
  refused = 0;
  lastRefusal: string | null = null;

  selected: number | null = null;
  drawer: Drawer | null = null;
  help = false;
  soundPossible = false;
  silenceLeft_ms = 0;

  private frameAt_ms = Number.NEGATIVE_INFINITY;
  private stateAt_ms = Number.NEGATIVE_INFINITY;
  private openedAt_ms = 0;
  private seenAt_ms = Number.NEGATIVE_INFINITY;
  private frozenSince_ms: number | null = null;
  private ownPictureAcknowledged = false;
  private queued = false;

  constructor(readonly now: () => number = () => performance.now()) {
    super();
    this.openedAt_ms = now();
  }

  // --- what arrives ---------------------------------------------------------

  message(message: Message | null): void {
    if (message === null) {
      this.refuse('a message that is not JSON');
      return;
    }
    switch (message.type) {
      case 'hello':
        this.hello = message.hello;
        // Ids are those of one connection: labels of the last one could name other aircraft.
        this.labels.clear();
        break;
      case 'state':
        this.state = message.state;
        this.stateAt_ms = this.now();
        this.refused += message.state.malformed;
        if (message.state.malformed > 0) this.lastRefusal = 'an entry of the state';
        break;
      case 'labels':
        for (const id of message.gone) this.labels.delete(id);
        for (const [id, label] of message.labels) this.labels.set(id, label);
        break;
      case 'unknown':
        return;
    }
    this.touch();
  }

  /** Takes a binary frame; true if it is now the picture. */
  frame(bytes: ArrayBuffer): boolean {
    const picture = decodeFrame(bytes);
    if (typeof picture === 'string') {
      this.refuse(`a track frame: ${picture}`);
      return false;
    }
    if (picture.malformed > 0) this.refuse(`${picture.malformed} tracks with a position outside the earth`);
    this.picture = picture;
    this.frameAt_ms = this.now();
    this.touch();
    return true;
  }

  refuse(what: string): void {
    this.refused++;
    this.lastRefusal = what;
    this.touch();
  }

  // --- time -----------------------------------------------------------------

  /** The node's clock now, carried on from its last message by the browser's steady clock. */
  utc_ms(): number {
    if (this.stateAt_ms > this.frameAt_ms) return this.state.utc_ms + (this.now() - this.stateAt_ms);
    if (this.frameAt_ms > Number.NEGATIVE_INFINITY)
      return this.picture.utc_ms + (this.now() - this.frameAt_ms);
    return this.hello?.utc_ms ?? Date.now();
  }

  /** Age of the picture; null before the first frame. */
  pictureAge_ms(): number | null {
    return Number.isFinite(this.frameAt_ms) ? this.now() - this.frameAt_ms : null;
  }

  /** An age given in the last state, as of now; unknown while frozen. */
  since(age_ms: number | null): number | null {
    if (age_ms === null || this.frozen() !== null) return null;
    return age_ms + (this.now() - this.stateAt_ms);
  }

  /** Age of row `i` of the picture as of now; unknown while frozen. */
  trackAge_ms(i: number): number | null {
    const age = this.picture.age_s[i];
    if (age === undefined || this.frozen() !== null) return null;
    return age * 1000 + (this.now() - this.frameAt_ms);
  }

  /** Why what is shown is not the present, or null. */
  frozen(): string | null {
    if (this.state.frozen !== null) return this.state.frozen;
    if (this.picture.frozen) return 'the node says this is the last picture known';
    const silent = this.now() - Math.max(this.lastHeard_ms(), this.openedAt_ms);
    if (silent < FROZEN_AFTER_MS) return null;
    return this.connection === 'open' ? 'no new picture from the node' : 'no connection to the node';
  }

  private lastHeard_ms(): number {
    // A hidden page paints nothing, acknowledges nothing and so is sent no frames; the states still come.
    if (document.visibilityState === 'hidden') return Math.max(this.frameAt_ms, this.stateAt_ms);
    // Just seen again: the next frame is on its way, if the states are any sign.
    return Math.max(this.frameAt_ms, Math.min(this.seenAt_ms, this.stateAt_ms));
  }

  /** The page is visible again after having been hidden. */
  seenAgain(): void {
    this.seenAt_ms = this.now();
  }

  // --- derived --------------------------------------------------------------

  mode(): string {
    return this.state.mode !== 'unknown'
      ? this.state.mode
      : (this.hello?.mode ?? this.session?.mode ?? 'unknown');
  }

  /** Name of the exercise, or null when this is none. */
  exercise(): string | null {
    const found = /^exercise(?::(.*))?$/.exec(this.mode());
    return found ? (found[1] ?? '') : null;
  }

  /** Whether this officer acknowledges and sends. Others are shown no buttons that the node would refuse. */
  mayAct(): boolean {
    return ['officer', 'planner'].includes(this.role());
  }

  /** Whether this account reads the release rules. */
  mayReadRules(): boolean {
    return ['planner', 'administrator'].includes(this.role());
  }

  /** Whether this account agrees to release rules and rejects them. */
  mayRule(): boolean {
    return this.role() === 'administrator';
  }

  private role(): string {
    return this.hello?.role ?? this.session?.role ?? '';
  }

  parties(): string[] {
    return this.hello?.parties ?? [];
  }

  /** Index of a party in the frame's owner byte, or -1. */
  indexOf(party: string | null): number {
    return party === null ? -1 : this.parties().indexOf(party);
  }

  peer(party: string): Peer | undefined {
    return this.state.peers.find((peer) => peer.party === party);
  }

  /** The node's alerts and the browser's own, in order. */
  alerts(): Alert[] {
    const now = this.utc_ms();
    const own = this.ownPicture();
    const sorted = [...this.state.alerts].sort((a, b) => compareAlerts(a, b, now));
    // Before every other: the rest of the list is about a picture that is lost.
    return own === null ? sorted : [own, ...sorted];
  }

  notices(): Notice[] {
    return [...this.state.notices].sort(compareNotices);
  }

  /** Notices of others that want an answer. */
  unansweredNotices(): Notice[] {
    return this.notices().filter((notice) => notice.direction === 'in' && wantsAnswer(notice));
  }

  count(level: Level): number {
    const now = this.utc_ms();
    const alerts = this.alerts().filter(
      (alert) => alert.state !== 'cleared' && levelOf(alert, now) === level,
    );
    return alerts.length + this.noticesWithoutAlert().filter((n) => noticeLevel(n, now) === level).length;
  }

  /** Whether anything of this level still waits for the officer. */
  isOpenAt(level: Level): boolean {
    return this.soundings().some((sounding) => sounding.level === level);
  }

  unacknowledged(): number {
    return this.alerts().filter(isOpen).length + this.noticesWithoutAlert().length;
  }

  soundings(): Sounding[] {
    const now = this.utc_ms();
    const alerts = this.alerts()
      .filter(isOpen)
      .map((alert) => ({ id: alert.id, level: levelOf(alert, now) }));
    const notices = this.noticesWithoutAlert().flatMap((notice) => {
      const level = noticeLevel(notice, now);
      return level === null ? [] : [{ id: `notice:${notice.id}`, level }];
    });
    return [...alerts, ...notices];
  }

  /** Unanswered or unseen notices that the node has not raised an alert about: one alert per situation. */
  private noticesWithoutAlert(): Notice[] {
    const raised = this.state.alerts.filter((alert) => alert.kind === 'notice');
    // An alert that does not say which notice it is about may be about any.
    if (raised.some((alert) => alert.about === null)) return [];
    const about = new Set(raised.map((alert) => alert.about));
    const waiting = this.notices().filter((notice) => notice.direction === 'in' && waits(notice));
    return waiting.filter((notice) => !about.has(notice.id) && !about.has(notice.subject));
  }

  private ownPicture(): Alert | null {
    const reason = this.frozen();
    if (reason === null) {
      this.frozenSince_ms = null;
      this.ownPictureAcknowledged = false;
      return null;
    }
    this.frozenSince_ms ??= this.utc_ms();
    return {
      id: OWN_PICTURE,
      kind: 'own-picture',
      level: 'alarm',
      state: this.ownPictureAcknowledged ? 'acknowledged' : 'raised',
      raised_utc_ms: this.frozenSince_ms,
      since_utc_ms: this.frozenSince_ms,
      escalated: false,
      raising: 1,
      text: `Own picture lost: ${reason}. What is shown is the past.`,
      about: null,
      a: null,
      b: null,
      cpa_utc_ms: null,
      tin_utc_ms: null,
      dcpa_m: null,
      distance_m: null,
      vertical_ft: null,
      basis: null,
      violation: false,
      inhibited: null,
      asks_reason: false,
      reason: null,
      reason_utc_ms: null,
      data_age_ms: null,
      acknowledged: this.ownPictureAcknowledged
        ? { by: 'here only, the node cannot record it', utc_ms: this.frozenSince_ms }
        : null,
    };
  }

  acknowledgeOwnPicture(): void {
    this.ownPictureAcknowledged = true;
    this.touch();
  }

  // --- tracks ---------------------------------------------------------------

  /** Row of the selected track in the picture, or -1. */
  selectedRow(): number {
    return this.selected === null ? -1 : rowOf(this.picture, this.selected);
  }

  /** The selected track if it is an own one that is in the picture. */
  selectedOwn(): number | null {
    const row = this.selectedRow();
    return row >= 0 && this.picture.owner[row] === 0 ? this.selected : null;
  }

  /** Labels of own tracks in the picture. */
  ownLabels(): [number, Label][] {
    const { picture } = this;
    const all = Array.from(picture.id.subarray(0, picture.count), (id, i) => ({
      id,
      own: picture.owner[i] === 0,
    }));
    return all.flatMap(({ id, own }) => {
      const label = own ? this.labels.get(id) : undefined;
      return label === undefined ? [] : [[id, label] as [number, Label]];
    });
  }

  nameOf(id: number): string {
    const label = this.labels.get(id);
    return label?.callsign ?? label?.address ?? `#${id}`;
  }

  /** Whether tracks of this owner are to be drawn as not current, whatever they say themselves. */
  isLost(owner: number): boolean {
    if (owner === 0 || owner === 255) return false;
    const party = this.parties()[owner];
    return party !== undefined && this.peer(party)?.link !== 'up';
  }

  select(id: number | null): void {
    this.selected = id;
    this.touch();
  }

  // --- telling the panels -----------------------------------------------------

  /** Panels render once a turn however many messages came in it. */
  touch(): void {
    if (this.queued) return;
    this.queued = true;
    queueMicrotask(() => {
      this.queued = false;
      this.dispatchEvent(new Event('change'));
    });
  }
}
