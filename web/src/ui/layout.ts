// Boxes and lines.
export {
  Box,
  Collapse,
  Divider,
  Drawer,
  Group,
  SimpleGrid,
  Stack,
  UnstyledButton,
  VisuallyHidden,
} from '@mantine/core';
