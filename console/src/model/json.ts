/** Reading of JSON that came from the node, value by value: of the wrong type it is a default or nothing, never a surprise. */
import { plain } from './text';

export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

export function array(value: unknown, max: number): unknown[] {
  return Array.isArray(value) ? value.slice(0, max) : [];
}

export function str(value: unknown, max: number, missing: string): string {
  return typeof value === 'string' ? plain(value, max) : missing;
}

export function optional(value: unknown, max: number): string | null {
  return typeof value === 'string' && value.length > 0 ? plain(value, max) : null;
}

/** An id is sent back to the node, so it is taken as it is or not at all. */
export function key(value: unknown): string | null {
  if (typeof value === 'number' && Number.isInteger(value)) return String(value);
  return typeof value === 'string' && /^[\w.:~+/=-]{1,128}$/.test(value) ? value : null;
}

export function num(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function pair<T>(name: string, value: T | null): [string, T][] {
  return value === null ? [] : [[name, value]];
}
