/** Counters for the browser test and the benchmark. Values only: nothing here can change what the console shows. */
import type { App } from './app';

export interface Counters {
  readonly frames: number;
  readonly tracks: number;
  readonly inView: number;
  readonly labels: number;
  readonly paints: number;
  readonly lastPaint_ms: number;
  readonly displayed: number;
  readonly landLoaded: boolean;
  readonly soundsPlayed: number;
  readonly frozen: string | null;
  readonly refused: number;
  /** Sum of all positions: changes when tracks move. */
  readonly positions: number;
}

declare global {
  interface Window {
    __skypact?: Counters;
  }
}

export function expose(app: App): void {
  const counters: Counters = Object.freeze({
    get frames() {
      return app.store.picture.frame;
    },
    get tracks() {
      return app.store.picture.count;
    },
    get inView() {
      return app.map?.painter.inView ?? 0;
    },
    get labels() {
      return app.map?.painter.labels ?? 0;
    },
    get paints() {
      return app.map?.paints ?? 0;
    },
    get lastPaint_ms() {
      return app.map?.lastPaint_ms ?? 0;
    },
    get displayed() {
      return app.displayedFrame;
    },
    get landLoaded() {
      return app.map?.landLoaded ?? false;
    },
    get soundsPlayed() {
      return app.player.played;
    },
    get frozen() {
      return app.store.frozen();
    },
    get refused() {
      return app.store.refused;
    },
    get positions() {
      const { x, y, count } = app.store.picture;
      let sum = 0;
      for (let i = 0; i < count; i++) sum += (x[i] ?? 0) + (y[i] ?? 0);
      return sum;
    },
  });
  Object.defineProperty(window, '__skypact', { value: counters, writable: false, configurable: false });
}
