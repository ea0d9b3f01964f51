// Words.
export { Anchor, Code, List, Text, Title } from '@mantine/core';
