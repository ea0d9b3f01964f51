// Unit tests: what can be seen without a daemon. The rest is in the browser tests, against the real one.
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@rjsf/validator-ajv8': fileURLToPath(new URL('./src/form/noAjv.ts', import.meta.url)) } },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/testSetup.ts'],
    css: false,
    server: { deps: { inline: ['@rjsf/core'] } },
  },
});
