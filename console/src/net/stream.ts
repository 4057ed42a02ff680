/** The stream: one WebSocket, opened again with growing pauses. It hands over what arrives and decides nothing. */

export type Connection = 'connecting' | 'open' | 'lost';

export interface Handler {
  text(message: string): void;
  binary(message: ArrayBuffer): void;
  changed(connection: Connection): void;
}

const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 10_000;

export class Stream {
  private socket: WebSocket | null = null;
  private pause_ms = PAUSE_MIN_MS;
  private stopped = false;

  constructor(private readonly handler: Handler) {}

  open(): void {
    this.stopped = false;
    this.handler.changed('connecting');
    const url = new URL('/v1/stream', window.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.hash = '';
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    socket.onopen = () => this.handler.changed('open');
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      // A connection that delivers is a good one; only then is the next pause short again.
      this.pause_ms = PAUSE_MIN_MS;
      if (typeof event.data === 'string') this.handler.text(event.data);
      else this.handler.binary(event.data);
    };
    socket.onclose = () => this.closed(socket);
  }

  close(): void {
    this.stopped = true;
    this.socket?.close();
  }

  send(message: unknown): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private closed(socket: WebSocket): void {
    if (this.stopped || socket !== this.socket) return;
    // Whatever the reason, the picture is wanted back; whoever handles `lost` finds out whether the session has ended.
    this.handler.changed('lost');
    // Spread by a fifth, so that all consoles of a node do not come back in the same instant.
    window.setTimeout(() => !this.stopped && this.open(), this.pause_ms * (0.9 + Math.random() * 0.2));
    this.pause_ms = Math.min(PAUSE_MAX_MS, this.pause_ms * 1.7);
  }
}
