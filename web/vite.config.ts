// Builds the page into dist/, which the daemon embeds. `npm run dev` serves it against a running daemon.
import { fileURLToPath } from 'node:url';
import { tanstackRouter } from '@tanstack/router-plugin/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compression } from 'vite-plugin-compression2';

const daemon = process.env['XYLEM_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [
    tanstackRouter({ target: 'react', autoCodeSplitting: true, quoteStyle: 'single', semicolons: true }),
    react(),
    // Beside each file the same as browsers rather take it; the daemon chooses. The page itself changes with each answer.
    compression({ algorithms: ['brotliCompress', 'gzip'], include: /^assets\/.*\.(js|css|svg)$/, threshold: 1024 }),
  ],
  resolve: { alias: { '@rjsf/validator-ajv8': fileURLToPath(new URL('./src/form/noAjv.ts', import.meta.url)) } },
  build: {
    target: 'es2022',
    // Inlined data: URLs would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      // The daemon refuses a foreign Origin, so the proxy speaks as the daemon's own page.
      '/api': { target: daemon, ws: true, changeOrigin: true, headers: { origin: daemon } },
      '/rest': { target: daemon, changeOrigin: true, headers: { origin: daemon } },
    },
  },
});
