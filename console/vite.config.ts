import { defineConfig } from 'vite';
import { licences } from './scripts/licences.mjs';

export default defineConfig({
  build: {
    target: 'es2023',
    // A data: URL is refused by the console's own policy (font-src 'self'), so nothing is ever inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  plugins: [licences()],
  test: { include: ['test/**/*.test.ts'] },
});
