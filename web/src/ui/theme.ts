// The look: one green accent, calm neutrals, contrast that passes WCAG AA in both schemes.
import { createTheme, Input, type MantineColorsTuple, Menu, SegmentedControl } from '@mantine/core';
import classes from './theme.module.css';

const sap: MantineColorsTuple = [
  '#e6f8f4',
  '#d0eee8',
  '#a3dcd1',
  '#72c9b9',
  '#4bb9a5',
  '#32af99',
  '#1f9784',
  '#0b7a6b',
  '#076457',
  '#024f44',
];

/** Slightly blue greys: dark[7] is the page, dark[6] a card. */
const dark: MantineColorsTuple = [
  '#d6dade',
  '#b3bac2',
  '#8d96a0',
  '#5d6670',
  '#3c434b',
  '#2b3138',
  '#1e2328',
  '#15191d',
  '#0f1215',
  '#0a0c0e',
];

/** The stock reds are too pale for text on white. */
const red: MantineColorsTuple = [
  '#fff1f1',
  '#ffe0e0',
  '#ffc4c4',
  '#ffa3a3',
  '#ff8787',
  '#f26060',
  '#dc4444',
  '#c22a2a',
  '#a62222',
  '#8a1b1b',
];

export const theme = createTheme({
  primaryColor: 'sap',
  primaryShade: 7,
  autoContrast: true,
  luminanceThreshold: 0.32,
  colors: { sap, dark, red },
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily:
    'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  components: {
    // Descriptions below: fields beside each other stay on one line, whatever they explain.
    InputWrapper: Input.Wrapper.extend({
      defaultProps: { inputWrapperOrder: ['label', 'input', 'description', 'error'] },
    }),
    Input: Input.extend({ classNames: { input: classes['input'] ?? '' } }),
    // The placeholder is a child that the role of a menu does not allow; the first item takes the focus as well.
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
    SegmentedControl: SegmentedControl.extend({ classNames: { input: classes['segmentInput'] ?? '' } }),
  },
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.0625rem' }, h3: { fontSize: '0.9375rem' } },
  },
});
