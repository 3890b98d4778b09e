// The state of an action that may fail: whether it is running, and its error.
import { useCallback, useState } from 'react';
import { asLentigoError, type ErrorBody } from '../../../common/errors.js';

export function useTask() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorBody>();
  const run = useCallback(async (work: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (thrown) {
      setError(asLentigoError(thrown).body());
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, error, run, setError };
}
