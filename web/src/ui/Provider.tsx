// Theme, style nonce, toasts and confirmations around the page.
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './theme.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { setNonce } from 'get-nonce';
import type { ReactNode } from 'react';
import { ConfirmHost } from './confirm';
import { theme } from './theme';

/** The daemon writes it into index.html; the policy allows style elements only with it. */
const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? '';
// For the scroll lock of dialogs, which makes a style element of its own.
if (nonce) setNonce(nonce);

export function UiProvider({ children }: { children: ReactNode }) {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      {/* At the left: the buttons of pages and dialogs are at the right. */}
      <Notifications position="bottom-left" limit={3} autoClose={4_000} containerWidth={340} />
      {children}
      <ConfirmHost />
    </MantineProvider>
  );
}
