// Takes the pictures of the README: `npm run screens`, into web/screenshots or the folder that XYLEM_SCREENS names.
import { defineConfig } from '@playwright/test';
import base from './playwright.config.ts';

export default defineConfig(base, { testDir: '.', testMatch: 'screens.ts', workers: 1 });
