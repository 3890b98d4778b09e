// The console's frame: sign-in, the head of every page, and the choice of page. Addresses are in
// the fragment, so that no server needs to know them.
import {
  ActionIcon,
  AppShell,
  Button,
  Container,
  Group,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { IconError404, IconLogout, IconMoon, IconSun } from '@tabler/icons-react';
import { Component, lazy, type ReactNode, Suspense, useState } from 'react';
import { HashRouter, Link, Route, Routes } from 'react-router';
import icon from '../../common/web/icon.svg';
import { hangUp } from './live.js';
import { session } from './session.js';
import { SignIn } from './sign-in.js';
import { strings } from './strings/index.js';
import { StudyList } from './study-list.js';
import { Empty, Loading } from './ui.js';

const CreateStudy = lazy(() => import('./create/create-study.js'));
const StudyPage = lazy(() => import('./study/study-page.js'));
const Report = lazy(() => import('./study/report.js'));

export function App() {
  const [signedIn, setSignedIn] = useState(session.token() !== null);
  const signOut = () => {
    session.end();
    hangUp();
    location.hash = '';
    setSignedIn(false);
  };
  return (
    <>
      <Notifications position="top-right" />
      {signedIn ? (
        <HashRouter>
          <a
            className="skip"
            href="#content"
            onClick={(e) => {
              e.preventDefault();
              document.getElementById('content')?.focus();
            }}
          >
            {strings.skip}
          </a>
          <AppShell header={{ height: 60 }} padding={{ base: 'sm', sm: 'lg' }}>
            <AppShell.Header>
              <Container size="xl" h="100%">
                <Group h="100%" justify="space-between" wrap="nowrap">
                  <Link to="/" className="card-link" aria-label={strings.title}>
                    <Group gap={10} wrap="nowrap">
                      <img src={icon} alt="" width={30} height={30} />
                      <Text fw={700} size="lg">
                        {strings.brand}
                      </Text>
                    </Group>
                  </Link>
                  <Group gap={6} wrap="nowrap">
                    <SchemeButton />
                    <Button
                      variant="subtle"
                      color="gray"
                      size="compact-md"
                      leftSection={<IconLogout size={17} />}
                      onClick={signOut}
                      c="var(--mantine-color-text)"
                    >
                      {strings.signOut}
                    </Button>
                  </Group>
                </Group>
              </Container>
            </AppShell.Header>
            <AppShell.Main id="content" tabIndex={-1} style={{ outline: 'none' }}>
              <Container size="xl" px={0}>
                <Boundary>
                  <Suspense fallback={<Loading />}>
                    <Routes>
                      <Route path="/" element={<StudyList />} />
                      <Route path="/new" element={<CreateStudy />} />
                      <Route path="/studies/:id/report" element={<Report />} />
                      <Route path="/studies/:id/:tab?" element={<StudyPage />} />
                      <Route
                        path="*"
                        element={
                          <Empty icon={<IconError404 />} title={strings.errors.noPage}>
                            <Button component={Link} to="/">
                              {strings.studies.title}
                            </Button>
                          </Empty>
                        }
                      />
                    </Routes>
                  </Suspense>
                </Boundary>
              </Container>
            </AppShell.Main>
          </AppShell>
        </HashRouter>
      ) : (
        <SignIn onSignedIn={() => setSignedIn(true)} />
      )}
    </>
  );
}

function SchemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      onClick={() => setColorScheme(other)}
      aria-label={strings.theme[other]}
      c="var(--mantine-color-text)"
    >
      {scheme === 'dark' ? <IconSun size={19} /> : <IconMoon size={19} />}
    </ActionIcon>
  );
}

/** Catches an error in a page and shows it, keeping the frame. */
class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Empty icon={<IconLogout />} title={strings.errors.crash} text={error.message}>
        <Button onClick={() => location.reload()}>{strings.errors.reload}</Button>
      </Empty>
    );
  }
}
