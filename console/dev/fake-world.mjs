// DEVELOPMENT AID, never shipped: the made-up world of fake-server.mjs. Aircraft fly straight lines over the North Sea; some of
// them meet. Deterministic from its start time on.

const NM = 1852;
const DEG_M = 111_194.9;
const HIDDEN = -0x8000_0000;
/** The one track that is joined to another, of everybody's first own one. */
const JOINED = 900_001;

export class World {
  constructor({ mode, tracks, calm }) {
    this.mode = mode;
    this.calm = calm;
    this.parties = ['north', 'south', 'civil'];
    this.started = Date.now();
    this.changes = new Set();
    this.stalled = false;
    this.frozen = null;
    this.staffing = new Map();
    this.links = new Map(this.parties.map((party) => [party, { link: 'up', since: null }]));
    this.acknowledged = new Map();
    this.displays = new Map();
    this.inhibitions = [];
    this.reason = null;
    this.cleared = new Map();
    this.parted = false;
    this.notices = [];
    this.serial = 0;
    this.aircraft = fleet(tracks);
    if (!calm) this.plant();
  }

  touch() {
    for (const changed of this.changes) changed();
  }

  control(wish) {
    if ('stall' in wish) this.stalled = wish.stall;
    if ('freeze' in wish) this.frozen = wish.freeze ? 'the feed clock stopped' : null;
    if ('peer' in wish)
      this.links.set(wish.peer, { link: wish.link, since: wish.link === 'up' ? null : Date.now() });
    if ('clear' in wish) this.calm = true;
    if ('notice' in wish) this.send(wish.notice.from, wish.notice);
    this.touch();
    return { displays: Object.fromEntries([...this.displays].map(([party, seen]) => [party, [...seen]])) };
  }

  /** Pairs that meet at known times, so that a conflict is always near. */
  plant() {
    const meet = (a, b, in_s, lat, lon, trackA, trackB, ftB) => {
      place(a, lat, lon, trackA, in_s, 24_000);
      place(b, lat + 0.008, lon, trackB, in_s + 3, ftB);
      this.meetings.push({ a: a.id, b: b.id, at: this.started + in_s * 1000, lat, lon });
    };
    this.meetings = [];
    const of = (owner) => this.aircraft.filter((one) => one.owner === owner && !one.ground);
    const [north, south, civil] = [of('north'), of('south'), of('civil')];
    meet(north[0], south[0], 95, 56.2, 7.4, 80, 262, 24_300);
    meet(north[1], civil[0], 210, 55.4, 6.2, 15, 120, 23_700);
    meet(north[2], south[1], 420, 56.9, 8.0, 170, 300, 24_900);
    meet(civil[1], south[2], 330, 55.0, 8.6, 200, 80, 24_000);
    const now = this.started;
    this.send('south', {
      to: ['north'],
      class: 'hazard',
      precedence: 'IMMEDIATE',
      text: 'Live firing from the sea, splash area around the position below. Keep clear until further notice.',
      place: { lat: 55.85, lon: 7.125 },
      level: { value_ft: 18000, reference: 'msl' },
      start_utc_ms: Math.ceil(now / 60000) * 60000 + 600000,
      action: 'keep clear by 10 NM',
      due_ms: 150_000,
    });
    this.send('civil', {
      to: ['north', 'south'],
      class: 'information',
      precedence: 'ROUTINE',
      text: 'Relief flight HUM21 will cross the area between 13:00 and 15:00.',
      level: { value_ft: 9000, reference: 'pressure' },
      receipt: null,
    });
    this.send('north', {
      to: ['south'],
      class: 'request',
      precedence: 'PRIORITY',
      text: 'Confirm that SOU30 to SOU34 stay above FL 200 east of 008 00 E.',
      due_ms: 60_000,
    });
  }

  hello(party) {
    return {
      type: 'hello',
      party,
      officer: `watch-${party}`,
      role: 'officer',
      mode: this.mode,
      parties: order(this.parties, party),
      utc_ms: Date.now(),
      pact: {
        hash: 'b3'.repeat(32),
        minima: [{ a: 'north', b: 'south', lateral_nm: 5, vertical_ft: 1000, time_s: 120 }],
        deadlines: { FLASH: 60, IMMEDIATE: 150, PRIORITY: 600, ROUTINE: 1800 },
      },
    };
  }

  viewOf(party) {
    return new PartyView(this, party);
  }

  acknowledgeAlert(party, id, by) {
    this.acknowledged.set(`${party}/${id}`, { by, utc_ms: Date.now() });
    this.touch();
    return true;
  }

  inhibit(party, { pair, reason, until_utc_ms }, owner) {
    const id = `${++this.serial}`;
    const rest = { flight: null, volume: null, since_utc_ms: Date.now() };
    this.inhibitions.push({ party, is: { id, pair, reason, until_utc_ms, owner, ...rest } });
    this.touch();
    return id;
  }

  lift(party, id) {
    const before = this.inhibitions.length;
    this.inhibitions = this.inhibitions.filter((one) => one.party !== party || one.is.id !== id);
    this.touch();
    return this.inhibitions.length < before;
  }

  inForce(party) {
    const mine = this.inhibitions.filter(({ party: of, is }) => of === party && is.until_utc_ms > Date.now());
    return mine.map(({ is }) => is);
  }

  /** Of the one flag there is. */
  giveReason(id, reason, by) {
    if (id !== 's1') return false;
    this.reason = { words: `${by}: ${reason}`, utc_ms: Date.now() };
    this.touch();
    return true;
  }

  /** Null if it was done, else why not. */
  clear(party, { flight, level, until_utc_ms }, by) {
    const key = `${party}/${flight.toUpperCase()}`;
    if (level === undefined) {
      if (!this.cleared.delete(key)) return 'No such cleared level';
    } else if (until_utc_ms <= Date.now()) return 'The end must be ahead';
    else this.cleared.set(key, { flight: flight.toUpperCase(), level, by, until_utc_ms });
    this.touch();
    return null;
  }

  clearedOf(party) {
    const mine = [...this.cleared].filter(
      ([key, { until_utc_ms }]) => key.startsWith(`${party}/`) && until_utc_ms > Date.now(),
    );
    return mine.map(([, is]) => is);
  }

  separate(id) {
    if (id !== JOINED || this.parted) return false;
    this.parted = true;
    return true;
  }

  unflown() {
    const since_utc_ms = this.started - 600_000;
    return [
      {
        subject: 'a1'.repeat(16),
        owner: 'north',
        callsign: 'NORTH7',
        since_utc_ms,
        why: 'nobody of this name is in the picture',
      },
    ];
  }

  send(from, notice) {
    const due = { FLASH: 60_000, IMMEDIATE: 150_000, PRIORITY: 600_000, ROUTINE: 1_800_000 };
    for (const to of notice.to) {
      this.notices.push({
        id: `n${++this.serial}`,
        from,
        to,
        class: notice.class,
        precedence: notice.precedence,
        text: notice.text,
        place: notice.place ?? null,
        level: notice.level ?? null,
        start_utc_ms: notice.start_utc_ms ?? null,
        end_utc_ms: notice.end_utc_ms ?? null,
        action: notice.action ?? null,
        receipt: notice.receipt === undefined ? 'ACKNOWLEDGED' : notice.receipt,
        issued: Date.now(),
        due: Date.now() + (notice.due_ms ?? due[notice.precedence] ?? 600_000),
        seen: null,
        acknowledged: null,
      });
    }
    this.touch();
  }

  readBack(party, id, given, about) {
    const notice = this.notices.find((one) => one.id === id && one.to === party);
    if (notice === undefined) return null;
    const errors = [];
    if (
      notice.place &&
      !(
        given.place &&
        Math.abs(given.place.lat - notice.place.lat) < 5e-4 &&
        Math.abs(given.place.lon - notice.place.lon) < 5e-4
      )
    ) {
      errors.push({ field: 'read_back.place', reason: 'more than 50 m from the place sent' });
    }
    if (
      notice.level &&
      !(given.level?.value_ft === notice.level.value_ft && given.level?.reference === notice.level.reference)
    ) {
      errors.push({ field: 'read_back.level', reason: 'not the level sent, or another reference' });
    }
    if (notice.start_utc_ms && Math.abs((given.time_utc_ms ?? 0) - notice.start_utc_ms) >= 60_000) {
      errors.push({ field: 'read_back.time_utc_ms', reason: 'not the minute sent' });
    }
    if (errors.length === 0) {
      notice.acknowledged = { utc_ms: Date.now(), role: about.role, by: about.officer, read_back_ok: true };
      this.touch();
    }
    return errors;
  }
}

class PartyView {
  constructor(world, party) {
    this.world = world;
    this.party = party;
    this.order = order(world.parties, party);
    this.frames = 0;
    // Own, what others release, and what the own radar sees of those who release nothing.
    this.tracks = world.aircraft.filter((one) => one.owner !== null || one.id % 2 === 0);
  }

  labels() {
    const label = (one) => {
      const hidden = one.owner !== this.party && one.reduced;
      return [one.id, hidden ? null : one.callsign, one.owner === null || !hidden ? one.address : null];
    };
    return { type: 'labels', labels: this.tracks.map(label), gone: [] };
  }

  frame() {
    const { world, party } = this;
    const now = Date.now();
    const bytes = Buffer.alloc(24 + 32 * this.tracks.length);
    bytes.write('SKT1', 0, 'latin1');
    bytes.writeUInt32LE(++this.frames, 4);
    bytes.writeBigInt64LE(BigInt(now), 8);
    bytes.writeUInt32LE(this.tracks.length, 16);
    bytes.writeUInt32LE(world.frozen === null ? 0 : 1, 20);
    const levels = new Map();
    for (const alert of this.alerts(now)) {
      if (alert.kind !== 'conflict') continue;
      for (const side of [alert.a, alert.b]) {
        if (levels.get(side.id) !== 'alarm') levels.set(side.id, alert.level);
      }
    }
    this.tracks.forEach((one, i) => {
      const at = 24 + 32 * i;
      const own = one.owner === party;
      const link = own || one.owner === null ? undefined : world.links.get(one.owner);
      const age_s = link?.since ? (now - link.since) / 1000 + one.age : one.age;
      const seen = position(one, (now - world.started) / 1000 - age_s);
      const coarse = !own && one.coarse_m > 0;
      const snap = (value, step) => (coarse ? (Math.floor(value / step) + 0.5) * step : value);
      const step = one.coarse_m / DEG_M;
      bytes.writeUInt32LE(one.id, at);
      bytes.writeInt32LE(Math.round(snap(seen.lat, step) * 1e7), at + 4);
      bytes.writeInt32LE(Math.round(snap(seen.lon, step * 1.7) * 1e7), at + 8);
      bytes.writeInt32LE(one.ft === null ? HIDDEN : Math.round(one.ft * 0.3048 * 1e4), at + 12);
      bytes.writeUInt16LE(coarse ? 0xffff : Math.round(one.speed * 10), at + 16);
      bytes.writeUInt16LE(coarse ? 0xffff : Math.round(one.track * 100) % 36000, at + 18);
      bytes.writeInt16LE(Math.round(one.vertical * 100), at + 20);
      bytes.writeUInt16LE(Math.min(0xffff, Math.round(age_s * 10)), at + 22);
      bytes.writeUInt8(one.owner === null ? 255 : this.order.indexOf(one.owner), at + 24);
      bytes.writeUInt8(one.class, at + 25);
      bytes.writeUInt8(one.reference, at + 26);
      const level = levels.get(one.id);
      const flags =
        (one.ground ? 1 : 0) | (age_s > 15 ? 2 : 0) | (coarse ? 4 : 0) | (!own && one.reduced ? 8 : 0);
      bytes.writeUInt8(flags | (level === 'alarm' ? 16 : level === 'warning' ? 32 : 0), at + 27);
      bytes.writeUInt32LE(coarse ? one.coarse_m : 0, at + 28);
    });
    return bytes;
  }

  state() {
    const { world, party } = this;
    const now = Date.now();
    const peers = this.order.slice(1).map((name) => this.peer(name, now));
    return {
      type: 'state',
      utc_ms: now,
      mode: world.mode,
      frozen: world.frozen,
      journal: { state: 'ok', last_seq: 48_211 + Math.floor((now - world.started) / 250), bytes: 18_233_112 },
      staffing: world.staffing.get(party) ?? null,
      release: { revision: 4, proposal: null },
      peers,
      feeds: [
        {
          name: 'radar-1',
          format: 'asterix',
          state: 'up',
          age_ms: 420,
          reports: 88_120 + Math.floor((now - world.started) / 40),
          errors: 0,
          last_error: null,
        },
        {
          name: 'adsb',
          format: 'beast',
          state: 'up',
          age_ms: 130,
          reports: 1_204_331 + Math.floor((now - world.started) / 3),
          errors: 12,
          last_error: null,
        },
        {
          name: 'cot',
          format: 'cot',
          state: 'down',
          age_ms: 63_000,
          reports: 412,
          errors: 3,
          last_error: 'connection refused',
        },
      ],
      alerts: this.alerts(now),
      notices: this.notices(party, now),
      inhibitions: world.inForce(party),
      cleared: world.clearedOf(party),
      checked: {
        tracks: this.tracks.length,
        conflicts: 2,
        unjudged: world.calm ? 0 : 3,
        utc_ms: now - 600,
        crosschecked: 4_812,
        mismatches: world.calm ? 0 : 1,
      },
      cut: 0,
    };
  }

  peer(name, now) {
    const { link, since } = this.world.links.get(name);
    const age = since === null ? 800 : now - since;
    return {
      party: name,
      desk: `+41 31 000 00 0${name.length}`,
      link,
      reason: link === 'up' ? null : 'no answer for 10 s',
      age_ms: age,
      in: { size: 8311, sealed: 8300 },
      out: { size: 8210, cosigned: 8190 },
      channel: { ours: 'in-force', theirs: name === 'civil' && !this.world.calm ? 'suspended' : 'in-force' },
      clock_offset_ms: name === 'south' ? 130 : -40,
      refused: name === 'south' ? { stale: 3 } : {},
      throttled: {},
      staffing: this.world.staffing.get(name) ?? null,
      waiting: 0,
      release_rev: 4,
    };
  }

  alerts(now) {
    const { world, party } = this;
    if (world.calm) return [];
    const alerts = [];
    for (const meeting of world.meetings) {
      // The planted pairs meet again every ten minutes as far as the alert list goes.
      const cpa = meeting.at + Math.max(0, Math.ceil((now - meeting.at - 20_000) / 600_000)) * 600_000;
      const [a, b] = [world.aircraft[meeting.a - 1], world.aircraft[meeting.b - 1]];
      const level = cpa - now < 120_000 ? 'alarm' : 'warning';
      const distance = (Math.abs(cpa - now) / 1000) * 440 + 1100;
      const link =
        [a, b].map((one) => world.links.get(one.owner)?.since ?? null).find((at) => at !== null) ?? null;
      const [sideA, sideB] = [this.side(a), this.side(b)];
      const inhibited = this.inhibitionOf(sideA.label, sideB.label);
      alerts.push(
        this.stamp({
          id: `c${meeting.a}-${meeting.b}-${cpa - world.started}`,
          kind: 'conflict',
          level: inhibited === null ? level : 'caution',
          inhibited,
          raised_utc_ms: Math.max(world.started, cpa - 500_000),
          since_utc_ms: Math.max(world.started, cpa - 500_000),
          escalated: false,
          raising: 1,
          text: '',
          a: sideA,
          b: sideB,
          cpa_utc_ms: cpa,
          tin_utc_ms: cpa - 21_000,
          dcpa_m: 1.1 * NM,
          distance_m: distance,
          vertical_ft: 300,
          basis: 'pressure',
          violation: distance < 5 * NM,
          data_age_ms: link === null ? 900 : now - link,
          about: null,
        }),
      );
    }
    for (const [name, { link, since }] of world.links) {
      if (name === party || link === 'up') continue;
      alerts.push(
        this.stamp(
          plainAlert({
            id: `p-${name}-${since}`,
            kind: 'peer-lost',
            level: 'warning',
            raised_utc_ms: since,
            since_utc_ms: since,
            escalated: false,
            raising: 1,
            text: `No data from ${name}. Its aircraft are shown where they were last reported.`,
            about: name,
          }),
        ),
      );
    }
    alerts.push(
      this.stamp(
        plainAlert({
          id: 's1',
          kind: 'plan',
          level: world.reason === null ? 'warning' : 'caution',
          asks_reason: world.reason === null,
          reason: world.reason?.words ?? null,
          reason_utc_ms: world.reason?.utc_ms ?? null,
          raised_utc_ms: world.started,
          since_utc_ms: world.started,
          escalated: false,
          raising: 1,
          text: 'Plan RECCE-2 touches the buffer of District hospital (verified by civil).',
        }),
      ),
    );
    return alerts;
  }

  inhibitionOf(a, b) {
    const is = ({ pair }) => pair.includes(a) && pair.includes(b);
    return this.world.inForce(this.party).find(is)?.id ?? null;
  }

  listed() {
    const joined = {
      id: JOINED,
      owner: null,
      address: null,
      callsign: null,
      mode_a: '7421',
      lat: 56,
      lon: 7,
      altitude: { value_ft: 24_000, reference: 'pressure' },
      at_utc_ms: Date.now() - 2_000,
    };
    const first = this.tracks.find((one) => one.owner === this.party)?.id;
    return this.tracks.map((one) => ({
      id: one.id,
      owner: one.owner,
      callsign: one.callsign,
      address: one.address,
      class: ['unknown', 'civil', 'military', 'uas', 'humanitarian'][one.class],
      stale: one.age > 15,
      joined: one.id === first && !this.world.parted ? [joined] : [],
    }));
  }

  unplanned() {
    const own = this.listed().slice(0, 12);
    return own.map((track, i) => ({ track, inactive_plan: i === 0 ? 'b2'.repeat(16) : null }));
  }

  /** Figures that look like a decision; nothing of it was computed. */
  explanation(id) {
    const now = Date.now();
    const alert = this.alerts(now).find((one) => one.id === id);
    if (alert?.kind !== 'conflict') return null;
    const input = ({ id: track, label }, sha256) => {
      const one = this.world.aircraft[track - 1];
      return {
        sha256,
        address: one.address,
        callsign: label,
        class: 'military',
        at_utc_ms: now - 1_200,
        age_ms: 400,
        lat: one.lat0,
        lon: one.lon0,
        pressure_altitude_ft: one.ft,
        wgs84_height_ft: null,
        ground_speed_kt: one.speed / 0.514444,
        track_deg: one.track,
        vertical_rate_fpm: 0,
        vertical_rate_is_noise: false,
        accuracy_m: 30,
        drift_m: 1.6,
      };
    };
    const t0 = now - 800;
    const at = (t0_utc_ms) => ({
      engine: 'fake',
      earth: 'none',
      t0_utc_ms,
      minima: { lateral_m: 9260, vertical_ft: 1000, horizon_s: 480 },
      a: input(alert.a, '5e'.repeat(32)),
      b: input(alert.b, 'c3'.repeat(32)),
      found: {
        tin_s: (alert.tin_utc_ms - t0_utc_ms) / 1000,
        tout_s: (alert.cpa_utc_ms - t0_utc_ms) / 1000 + 21,
        tcpa_s: (alert.cpa_utc_ms - t0_utc_ms) / 1000,
        dcpa_m: alert.dcpa_m,
        d0_m: alert.distance_m,
        vertical_at_cpa_ft: alert.vertical_ft,
        vertical_now_ft: alert.vertical_ft,
        vertical_error_ft: 0,
        basis: alert.basis,
        violation_now: alert.violation,
        velocity_unknown: false,
        widened_m: 63.2,
      },
      again: 'the same',
      cbor: '',
    });
    return { alert: id, first: at(alert.raised_utc_ms), last: at(t0) };
  }

  stamp(alert) {
    const acknowledged = this.world.acknowledged.get(`${this.party}/${alert.id}`) ?? null;
    return { ...alert, state: acknowledged ? 'acknowledged' : 'shown', acknowledged };
  }

  side(one) {
    const own = one.owner === this.party;
    return {
      id: one.id,
      label: !own && one.reduced ? 'unidentified' : one.callsign,
      owner: one.owner,
      form: own ? 'full' : one.coarse_m > 0 ? 'coarse' : one.reduced ? 'reduced' : 'full',
    };
  }

  notices(party, now) {
    return this.world.notices
      .filter((one) => one.from === party || one.to === party)
      .map((one) => ({
        id: one.id,
        subject: `s-${one.id}`,
        direction: one.from === party ? 'out' : 'in',
        peer: one.from === party ? one.to : one.from,
        class: one.class,
        precedence: one.precedence,
        text: one.text,
        place: one.place,
        level: one.level,
        start_utc_ms: one.start_utc_ms,
        end_utc_ms: one.end_utc_ms,
        action: one.action,
        issued_utc_ms: one.issued,
        receipt: one.receipt,
        due_utc_ms: one.receipt === null ? null : one.due,
        overdue: one.receipt !== null && one.acknowledged === null && now > one.due,
        received_utc_ms: one.issued + 400,
        seen_utc_ms: one.seen,
        acknowledged: one.acknowledged,
        sealed: now - one.issued > 3000,
      }));
  }

  displayed(message) {
    const seen = this.world.displays.get(this.party) ?? new Set();
    for (const { id } of message.alerts) seen.add(id);
    for (const id of message.notices) seen.add(id);
    this.world.displays.set(this.party, seen);
    for (const notice of this.world.notices) {
      if (notice.to === this.party && message.notices.includes(notice.id)) notice.seen ??= Date.now();
    }
  }
}

function plainAlert(alert) {
  return {
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
    data_age_ms: null,
    about: null,
    ...alert,
  };
}

function order(parties, own) {
  return [own, ...parties.filter((party) => party !== own)];
}

function fleet(count) {
  let seed = 7;
  const random = () => {
    // Park and Miller: small, and the same everywhere.
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  const owners = ['north', 'north', 'south', 'south', 'civil', 'civil', 'civil', null];
  const prefix = { north: 'NOR', south: 'SOU', civil: 'CIV' };
  return Array.from({ length: count }, (_, i) => {
    const owner = owners[i % owners.length];
    const spread = 0.6 + random() * 2.6;
    const ground = owner === 'civil' && random() < 0.06;
    return {
      id: i + 1,
      owner,
      callsign: owner === null ? null : `${prefix[owner]}${10 + i}`,
      address: (0x480000 + i * 57).toString(16),
      lat0: 56 + (random() - 0.5) * 2 * spread,
      lon0: 7 + (random() - 0.5) * 3.4 * spread,
      ft: random() < 0.05 ? null : Math.round((2000 + random() * 36_000) / 100) * 100,
      speed: ground ? 0 : 60 + random() * 190,
      track: random() * 360,
      vertical: random() < 0.2 ? (random() - 0.5) * 20 : 0,
      age: random() < 0.07 ? 16 + random() * 30 : random() * 4,
      class: owner === 'civil' ? (random() < 0.05 ? 4 : 1) : owner === null ? 0 : random() < 0.15 ? 3 : 2,
      reference: random() < 0.85 ? 0 : random() < 0.5 ? 1 : 2,
      ground,
      coarse_m: owner === 'south' && random() < 0.12 ? 9260 : 0,
      reduced: owner === 'south' && random() < 0.3,
    };
  });
}

/** Puts an aircraft so that it is at a place after `in_s` seconds. */
function place(one, lat, lon, track, in_s, ft) {
  Object.assign(one, {
    track,
    ft,
    speed: 230,
    vertical: 0,
    age: 1,
    coarse_m: 0,
    reference: 0,
    lat0: lat,
    lon0: lon,
  });
  const back = position(one, -in_s);
  one.lat0 = back.lat;
  one.lon0 = back.lon;
}

function position(one, t_s) {
  const metres = one.speed * t_s;
  const angle = (one.track * Math.PI) / 180;
  const lat = one.lat0 + (metres * Math.cos(angle)) / DEG_M;
  return { lat, lon: one.lon0 + (metres * Math.sin(angle)) / (DEG_M * Math.cos((one.lat0 * Math.PI) / 180)) };
}
