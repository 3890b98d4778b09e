// The theme of Lentigo's pages: one calm colour, and text dark enough to read in both colour
// schemes.
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

const sea: MantineColorsTuple = [
  '#edf7f7',
  '#d8ecec',
  '#b0d9da',
  '#85c4c6',
  '#60b1b4',
  '#429b9f',
  '#2b7c81',
  '#1f6d72',
  '#14575c',
  '#0a4145',
];

export const theme = createTheme({
  colors: { sea },
  primaryColor: 'sea',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily:
    'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  headings: { fontWeight: '650' },
});

/**
 * Mantine's own grey, red, yellow and orange texts have less than WCAG's contrast of 4.5 to 1 on
 * their backgrounds. `--page` is the background behind panels (page.css).
 */
export const readableVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--page': '#f4f7f7',
    '--mantine-color-dimmed': '#59616a',
    '--mantine-color-placeholder': '#6a727b',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-red-light-color': '#a01b1b',
    '--mantine-color-yellow-light-color': '#664a00',
    '--mantine-color-orange-light-color': '#8a3a00',
    '--mantine-color-gray-light-color': '#495057',
  },
  dark: {
    '--page': '#111516',
    '--mantine-color-sea-light': 'rgba(96, 177, 180, 0.18)',
    '--mantine-color-sea-light-hover': 'rgba(96, 177, 180, 0.26)',
    '--mantine-color-sea-light-color': '#b0d9da',
    '--mantine-color-dimmed': '#a9b0b7',
    '--mantine-color-placeholder': '#969da5',
    '--mantine-color-error': '#ff9b95',
    '--mantine-color-body': '#1a1f21',
    '--mantine-color-default-border': '#343c3f',
  },
});
