// Mounts a page in Lentigo's theme, light or dark like the reader's system.
import { MantineProvider } from '@mantine/core';
import '@mantine/core/styles.css';
import './page.css';
import { type ReactNode, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { LANGUAGE } from './language.js';
import { readableVariables, theme } from './theme.js';

export function mount(page: ReactNode): void {
  document.documentElement.lang = LANGUAGE;
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={readableVariables}
        defaultColorScheme="auto"
      >
        {page}
      </MantineProvider>
    </StrictMode>,
  );
}
