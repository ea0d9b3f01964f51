// Theme, style nonce, toasts and confirmations around the page.
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './theme.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { setNonce } from 'get-nonce';
import type { ReactNode } from 'react';
import { ConfirmHost } from './confirm';
import { useNarrow } from './hooks';
import { theme } from './theme';

/** The daemon writes it into index.html; the policy allows style elements only with it. */
const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? '';
// For the scroll lock of dialogs, which makes a style element of its own.
if (nonce) setNonce(nonce);

export function UiProvider({ children }: { children: ReactNode }) {
  const narrow = useNarrow();
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      {/* Over the middle of the top bar: the navigation is at the left, buttons are at the right and at the bottom. */}
      <Notifications
        position={narrow ? 'bottom-left' : 'top-center'}
        limit={3}
        autoClose={4_000}
        containerWidth={340}
      />
      {children}
      <ConfirmHost />
    </MantineProvider>
  );
}
