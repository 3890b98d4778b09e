// Entry point of the clinic's app: the lock, and the pages behind it.
import { Center, Loader } from '@mantine/core';
import { lazy, Suspense, useEffect } from 'react';
import { mount } from '../../common/web/mount.js';
import './app.css';
import { Unlock } from './pages/unlock.js';
import { Welcome } from './pages/welcome.js';
import { begin, useApp } from './session/app-state.js';
import { STRINGS } from './strings/index.js';

/** Loaded separately, so that the first page doesn't wait for it. */
const behind = () => import('./shell.js');
const Shell = lazy(() => behind().then(({ Shell }) => ({ default: Shell })));
const working = (
  <Center mih="100dvh">
    <Loader aria-label={STRINGS.common.working} />
  </Center>
);

function App() {
  const phase = useApp((app) => app.phase);
  // Loads while the passphrase is typed.
  useEffect(() => {
    if (phase !== 'starting') void behind();
  }, [phase]);
  switch (phase) {
    case 'starting':
      return working;
    case 'new':
      return <Welcome />;
    case 'locked':
    case 'covered':
      return <Unlock covered={phase === 'covered'} />;
    case 'open':
      return (
        <Suspense fallback={working}>
          <Shell />
        </Suspense>
      );
  }
}

mount(<App />);
void begin();
// Makes the app work offline after the first visit: service-worker.js keeps the app's own files.
if ('serviceWorker' in navigator) void navigator.serviceWorker.register('./service-worker.js');
