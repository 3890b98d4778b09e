// The state that all pages share: which phase the app is in, and the open session.
import { create } from 'zustand';
import type { Store } from '../../participation/store.js';
import { Vault } from '../vault/open.js';
import type { Session } from './session.js';

/**
 * new: nothing is stored yet; locked: a passphrase is needed; covered: at work, but hidden until
 * the passphrase is given again.
 */
export type Phase = 'starting' | 'new' | 'locked' | 'open' | 'covered';

interface AppState {
  readonly phase: Phase;
  readonly vault: Vault | undefined;
  readonly session: Session | undefined;
}

export const useApp = create<AppState>(() => ({
  phase: 'starting',
  vault: undefined,
  session: undefined,
}));

/** The open session, for pages that are only there while one is open. */
export const useSession = (): Session => useApp((app) => app.session!);

export async function begin(): Promise<void> {
  const vault = await Vault.inThisBrowser();
  useApp.setState({ vault, phase: (await vault.exists()) ? 'locked' : 'new' });
}

async function openWith(store: Store): Promise<void> {
  const { Session } = await import('./session.js');
  useApp.setState({ session: await Session.open(store), phase: 'open' });
}
export const replaceSession = (session: Session): void => useApp.setState({ session });

/** @throws LENTIGO_PASSPHRASE_WRONG, LENTIGO_VAULT_DAMAGED */
export async function unlock(passphrase: string): Promise<void> {
  const { vault, session } = useApp.getState();
  const store = await vault!.open(passphrase);
  if (session) useApp.setState({ phase: 'open' });
  else await openWith(store);
}

export async function createAndOpen(passphrase: string): Promise<void> {
  await openWith(await useApp.getState().vault!.create(passphrase));
}

/** The screen is locked after this time without a touch. */
export const IDLE_MINUTES = 15;

/** Reloading removes all decrypted data from memory. */
export const lock = (): void => window.location.reload();
/** Hides the screen while work goes on. */
export const cover = (): void => useApp.setState({ phase: 'covered' });

/** Photographs, identity, journal and models in this browser, gone for good. */
export async function deleteAll(): Promise<void> {
  await useApp.getState().vault!.deleteAll();
  window.location.assign(window.location.pathname);
}
