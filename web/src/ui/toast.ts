// The result of what somebody did, for a few seconds. Errors stay longer: they take longer to read.
import { notifications } from '@mantine/notifications';

export const toast = {
  success: (message: string, title?: string) =>
    void notifications.show({ message, title, color: 'green', role: 'status' }),
  info: (message: string) => void notifications.show({ message, color: 'gray', role: 'status' }),
  error: (message: string, title?: string) =>
    void notifications.show({ message, title, color: 'red', autoClose: 15_000, role: 'alert' }),
  clear: () => notifications.clean(),
};
