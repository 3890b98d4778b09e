// The sign-in: the admin token, kept for this tab only, and never part of an address.
const KEY = 'lentigo-admin-token';

export const session = {
  token: (): string | null => sessionStorage.getItem(KEY),
  begin: (token: string): void => sessionStorage.setItem(KEY, token),
  end: (): void => sessionStorage.removeItem(KEY),
};
