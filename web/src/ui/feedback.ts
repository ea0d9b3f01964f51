// What the page says about itself.
export { Alert, Loader, Progress, Skeleton, ThemeIcon } from '@mantine/core';
