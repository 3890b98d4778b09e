// Installing the app: the browser offers it once the page qualifies, and waits until a person asks.
import { create } from 'zustand';

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}
const useOffer = create<{ offer: InstallPrompt | undefined }>(() => ({ offer: undefined }));
addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  useOffer.setState({ offer: event as InstallPrompt });
});
addEventListener('appinstalled', () => useOffer.setState({ offer: undefined }));

export const useInstallable = (): boolean => useOffer(({ offer }) => offer !== undefined);

export async function install(): Promise<void> {
  const { offer } = useOffer.getState();
  useOffer.setState({ offer: undefined });
  await offer?.prompt();
}
