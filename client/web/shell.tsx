// The frame around every page: navigation at the bottom on a phone, at the side on a desktop; and
// the lock after a time without use.
import { AppShell, Group, Image, Indicator, NavLink, Text, UnstyledButton } from '@mantine/core';
import { useHash } from '@mantine/hooks';
import {
  IconPhoto,
  IconPhotoSearch,
  IconRefresh,
  IconSettings,
  type TablerIcon,
} from '@tabler/icons-react';
import { type ComponentType, useEffect } from 'react';
import { PhotographsPage } from './pages/photographs.js';
import { PredictPage } from './pages/predict.js';
import { RoundsPage, StandingBadge } from './pages/rounds.js';
import { SettingsPage } from './pages/settings.js';
import { cover, IDLE_MINUTES, lock, useSession } from './session/app-state.js';
import { pendingInvitation } from './session/invitation.js';
import { takePart, useTakingPart } from './session/taking-part.js';
import { whenUnused } from './session/unused.js';
import { STRINGS } from './strings/index.js';

const PAGES: Readonly<
  Record<keyof typeof STRINGS.pages, { icon: TablerIcon; page: ComponentType }>
> = {
  photographs: { icon: IconPhoto, page: PhotographsPage },
  rounds: { icon: IconRefresh, page: RoundsPage },
  predict: { icon: IconPhotoSearch, page: PredictPage },
  settings: { icon: IconSettings, page: SettingsPage },
};
type PageName = keyof typeof PAGES;
const NAMES = Object.keys(PAGES) as PageName[];

export function Shell() {
  const session = useSession();
  const [hash] = useHash();
  const { standing, round } = useTakingPart();
  // A clinic that isn't enrolled, or waits for approval, starts on the page for that.
  const first: PageName =
    pendingInvitation() || standing === 'waiting-approval' ? 'rounds' : 'photographs';
  const current = NAMES.find((name) => hash === `#/${name}`) ?? first;
  const Page = PAGES[current].page;
  useEffect(() => void takePart(session), [session]);
  useEffect(
    () =>
      whenUnused(IDLE_MINUTES * 60_000, () => {
        const { standing } = useTakingPart.getState();
        // While rounds are possible they go on behind the lock screen; otherwise all decrypted data
        // leaves memory.
        if (standing === 'connected' || standing === 'offline' || standing === 'waiting-approval')
          cover();
        else lock();
      }),
    [],
  );
  return (
    <AppShell
      header={{ height: 60 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: true } }}
      footer={{ height: { base: 'calc(64px + env(safe-area-inset-bottom))', sm: 0 } }}
      padding={{ base: 'md', sm: 'xl' }}
    >
      <a
        href="#content"
        className="skip"
        onClick={(event) => (event.preventDefault(), document.getElementById('content')?.focus())}
      >
        {STRINGS.skip}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Image src="./icon.svg" w={32} h={32} alt="" />
            <Text fw={700} fz="lg">
              {STRINGS.app}
            </Text>
          </Group>
          {session.clinic && <StandingBadge standing={standing} />}
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" component="nav" aria-label={STRINGS.app} visibleFrom="sm">
        {NAMES.map((name) => {
          const { icon: Icon } = PAGES[name];
          return (
            <NavLink
              key={name}
              href={`#/${name}`}
              active={name === current}
              aria-current={name === current ? 'page' : undefined}
              label={STRINGS.pages[name]}
              leftSection={<Icon size={22} stroke={1.6} aria-hidden />}
              style={{ borderRadius: 10 }}
              py="sm"
              fw={name === current ? 600 : 400}
            />
          );
        })}
        <Text size="xs" c="dimmed" mt="auto" p="xs">
          {STRINGS.notice}
        </Text>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} style={{ outline: 'none' }}>
        <Page key={session.clinic?.enrolment.clinic} />
      </AppShell.Main>
      <AppShell.Footer
        hiddenFrom="sm"
        component="nav"
        aria-label={STRINGS.app}
        style={{ paddingBottom: 'env(safe-area-inset-bottom)' }}
      >
        <Group h={64} grow gap={0} preventGrowOverflow={false}>
          {NAMES.map((name) => {
            const { icon: Icon } = PAGES[name];
            const active = name === current;
            return (
              <UnstyledButton
                key={name}
                component="a"
                href={`#/${name}`}
                aria-current={active ? 'page' : undefined}
                h="100%"
                ta="center"
                c={active ? 'var(--mantine-primary-color-light-color)' : 'dimmed'}
                style={{ display: 'grid', placeContent: 'center', justifyItems: 'center', gap: 2 }}
              >
                <Indicator
                  disabled={name !== 'rounds' || round === undefined || round.phase === 'sent'}
                  processing
                  size={8}
                  offset={2}
                  color="sea"
                >
                  <Icon size={24} stroke={active ? 2 : 1.6} aria-hidden />
                </Indicator>
                <Text size="xs" fw={active ? 650 : 500}>
                  {STRINGS.pages[name]}
                </Text>
              </UnstyledButton>
            );
          })}
        </Group>
      </AppShell.Footer>
    </AppShell>
  );
}
