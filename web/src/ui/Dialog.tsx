// A dialog with a title and its buttons at the end.
import { Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useNarrow } from './hooks';

export interface DialogProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  size?: 'sm' | 'md' | 'lg' | 'xl';
  /** The label of the cross. */
  closeLabel: string;
  children: ReactNode;
}

export function Dialog({ opened, onClose, title, size = 'md', closeLabel, children }: DialogProps) {
  const narrow = useNarrow();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      size={size}
      centered={!narrow}
      closeButtonProps={{ 'aria-label': closeLabel }}
      overlayProps={{ backgroundOpacity: 0.5 }}
      transitionProps={{ duration: 120 }}
      styles={{ title: { fontWeight: 650, fontSize: '1.0625rem' } }}
    >
      {children}
    </Modal>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return (
    <Group justify="flex-end" gap="sm" mt="lg">
      {children}
    </Group>
  );
}
