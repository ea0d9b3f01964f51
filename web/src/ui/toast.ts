// The result of what somebody did, for a few seconds. Errors stay longer: they take longer to read.
import { type NotificationData, notifications } from '@mantine/notifications';
import { t } from '../i18n/i18n';

const show = (notification: NotificationData): void =>
  void notifications.show({ closeButtonProps: { 'aria-label': t('action.close') }, ...notification });

export const toast = {
  success: (message: string, title?: string) => show({ message, title, color: 'green', role: 'status' }),
  info: (message: string) => show({ message, color: 'gray', role: 'status' }),
  error: (message: string, title?: string) => show({ message, title, color: 'red', autoClose: 15_000, role: 'alert' }),
  clear: () => notifications.clean(),
};
