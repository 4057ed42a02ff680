/** Plays the pulses of `Siren` with WebAudio. A browser allows no sound before the officer's first key or click. */
import type { Pulses } from '../model/siren';
import type { Level } from '../model/wire';

interface Tone {
  hertz: number;
  pulse_s: number;
  gap_s: number;
  gain: number;
}

/** Told apart by rhythm and count, not by pitch alone. */
const TONES: Record<Level, Tone> = {
  alarm: { hertz: 880, pulse_s: 0.22, gap_s: 0.14, gain: 0.5 },
  warning: { hertz: 620, pulse_s: 0.3, gap_s: 0.25, gain: 0.35 },
  caution: { hertz: 440, pulse_s: 0.05, gap_s: 0, gain: 0.12 },
};

export class Player {
  private context: AudioContext | null = null;
  /** Pulse patterns started; read by tests. */
  played = 0;

  constructor() {
    const wake = () => this.wake();
    window.addEventListener('pointerdown', wake, true);
    window.addEventListener('keydown', wake, true);
    try {
      this.context = new AudioContext();
    } catch {
      this.context = null;
    }
  }

  get possible(): boolean {
    return this.context?.state === 'running';
  }

  play(pulses: Pulses): void {
    const context = this.context;
    if (context === null || context.state !== 'running') return;
    this.played++;
    const tone = TONES[pulses.level];
    for (let i = 0; i < pulses.count; i++) {
      pulse(context, tone, context.currentTime + 0.02 + i * (tone.pulse_s + tone.gap_s));
    }
  }

  private wake(): void {
    if (this.context !== null && this.context.state !== 'running') {
      // A refusal leaves the state as it is, and the header says that sound is not possible.
      this.context.resume().catch(() => undefined);
    }
  }
}

function pulse(context: AudioContext, tone: Tone, at: number): void {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = tone.hertz;
  // Ramps of 10 ms: a hard edge clicks, and a click is not a tone.
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(tone.gain, at + 0.01);
  gain.gain.setValueAtTime(tone.gain, at + tone.pulse_s - 0.01);
  gain.gain.linearRampToValueAtTime(0, at + tone.pulse_s);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + tone.pulse_s + 0.02);
}
