// The charts' colours in both colour schemes.
import { useComputedColorScheme } from '@mantine/core';

const COLOURS = {
  light: {
    heldout: '#1f6d72',
    validation: '#a4540f',
    failed: '#b3261e',
    grid: '#e3e8e8',
    text: '#59616a',
    paper: '#ffffff',
  },
  dark: {
    heldout: '#6cc3c6',
    validation: '#eca866',
    failed: '#ff9b95',
    grid: '#343b3e',
    text: '#a9b0b7',
    paper: '#1f2426',
  },
};

export const useColours = (): (typeof COLOURS)['light'] => COLOURS[useComputedColorScheme('light')];
