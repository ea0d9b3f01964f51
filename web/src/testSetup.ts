// What the test environment lacks: Mantine asks for these when it draws.
import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

// The catalogue chooses by the browser's languages; tests read English.
if (typeof localStorage !== 'undefined') localStorage.setItem('xylem-locale', 'en');

class NoResize {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
globalThis.ResizeObserver ??= NoResize;

afterEach(cleanup);
