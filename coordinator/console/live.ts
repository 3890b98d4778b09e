// What is live: one socket for the page; the study or the list that is looked at, whole at first
// and after each reconnect, then what changes.
import { useEffect, useState } from 'react';
import { io, type Socket } from 'socket.io-client';
import { z } from 'zod';
import { LiveProgress, LiveStudy, StudyList } from '../../common/protocol/console.js';
import { Answer } from '../../common/protocol/round.js';
import { addressOf, ApiError } from './api.js';
import { session } from './session.js';
import { strings } from './strings.js';

/** A study with what changed since: rounds by attempt, scores by round, audit entries by number. */
export function withChanges(before: LiveStudy, change: LiveStudy): LiveStudy {
  const lastSeq = before.entries.at(-1)?.seq ?? 0;
  return {
    ...change,
    rounds: replaced(before.rounds, change.rounds, (r) => r.attempt),
    scores: replaced(before.scores, change.scores, (s) => s.round),
    entries: [...before.entries, ...change.entries.filter((e) => e.seq > lastSeq)].slice(
      -FEED_LENGTH,
    ),
  };
}

/** How much of the audit log the feed keeps. */
const FEED_LENGTH = 300;

function replaced<T>(before: readonly T[], news: readonly T[], key: (item: T) => unknown): T[] {
  const renewed = new Set(news.map(key));
  return [...before.filter((item) => !renewed.has(key(item))), ...news];
}

let shared: Socket | undefined;

function socket(): Socket {
  shared ??= io(new URL('/console', location.origin).href, {
    path: new URL(addressOf('socket.io')).pathname,
    transports: ['websocket'],
    auth: (give) => give({ token: session.token() }),
    reconnectionDelay: 300,
    reconnectionDelayMax: 3000,
  });
  return shared;
}

export function hangUp(): void {
  shared?.disconnect();
  shared = undefined;
}

export interface Live<T> {
  /** Null until it is known. */
  readonly value: T | null;
  /** Whether what is shown is being kept up to date. */
  readonly online: boolean;
  readonly error: ApiError | null;
}

/** Watches, and watches again whenever the connection is back. */
function useWatch<T extends z.ZodType>(
  schema: T,
  study: string | null,
  listen: (
    socket: Socket,
    set: (next: (before: z.infer<T> | null) => z.infer<T> | null) => void,
  ) => () => void,
): Live<z.infer<T>> {
  type Value = z.infer<T>;
  const [value, setValue] = useState<Value | null>(null);
  const [online, setOnline] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    setValue(null);
    setError(null);
    const line = socket();
    const watch = () => {
      line.emit('watch', { study }, (answer: unknown) => {
        const parsed = Answer(z.unknown()).safeParse(answer);
        if (parsed.success && !parsed.data.ok) {
          const { code, message, remedy } = parsed.data.error;
          setError(new ApiError(code, message, remedy));
          return;
        }
        const whole = schema.safeParse(
          parsed.success && parsed.data.ok ? parsed.data.value : undefined,
        );
        if (!whole.success) {
          setError(
            new ApiError(
              'LENTIGO_MESSAGE_INVALID',
              strings.errors.otherRelease,
              strings.errors.otherReleaseRemedy,
            ),
          );
          return;
        }
        setValue(() => whole.data);
        setOnline(true);
      });
    };
    const offline = () => setOnline(false);
    // Refused by the coordinator, as after its token was changed; what is merely out of reach is
    // tried again by itself.
    const refused = (thrown: Error & { data?: { code?: string } }) => {
      if (thrown.data?.code !== undefined)
        setError(new ApiError(thrown.data.code, thrown.message, strings.errors.signInAgain));
    };
    line.on('connect_error', refused);
    line.on('connect', watch);
    line.on('disconnect', offline);
    const stop = listen(line, (next) => setValue((before: Value | null) => next(before)));
    if (line.connected) watch();
    return () => {
      stop();
      line.off('connect', watch);
      line.off('disconnect', offline);
      line.off('connect_error', refused);
    };
    // oxlint-disable-next-line react/exhaustive-deps -- schema and listen never change
  }, [study]);
  return { value, online, error };
}

export const useLiveStudy = (id: string): Live<LiveStudy> =>
  useWatch(LiveStudy, id, (line, set) => {
    const onStudy = (message: unknown) => {
      const change = LiveStudy.safeParse(message);
      if (change.success && change.data.id === id)
        set((before) => before && withChanges(before, change.data));
    };
    const onProgress = (message: unknown) => {
      const progress = LiveProgress.safeParse(message);
      if (!progress.success || progress.data.id !== id) return;
      const { clinics, evaluated } = progress.data;
      set(
        (before) =>
          before && {
            ...before,
            evaluated,
            clinics: before.clinics.map((c) =>
              c.id in clinics ? { ...c, progress: clinics[c.id]! } : c,
            ),
          },
      );
    };
    line.on('study', onStudy);
    line.on('progress', onProgress);
    return () => {
      line.off('study', onStudy);
      line.off('progress', onProgress);
    };
  });

export const useLiveStudies = (): Live<z.infer<typeof StudyList>> =>
  useWatch(StudyList, null, (line, set) => {
    const onStudies = (message: unknown) => {
      const list = StudyList.safeParse(message);
      if (list.success) set(() => list.data);
    };
    line.on('studies', onStudies);
    return () => void line.off('studies', onStudies);
  });
