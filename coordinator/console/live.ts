// Live data: one socket for the page. It receives the study or list on screen, whole at first and
// after each reconnect, then its changes.
import { useEffect, useState } from 'react';
import { io, type Socket } from 'socket.io-client';
import type { z } from 'zod';
import { asLentigoError } from '../../common/errors.js';
import { LiveStudy, StudyList } from '../../common/protocol/console.js';
import { Id } from '../../common/protocol/primitives.js';
import { consoleEvents } from '../../common/protocol/socket-events.js';
import { onMessages, readAcknowledgement } from '../../common/protocol/sockets.js';
import { addressOf, ApiError, noStudy, otherRelease } from './api.js';
import { session } from './session.js';
import { strings } from './strings/index.js';

/** A study with what changed since: rounds by attempt, scores by round, audit entries by number. */
function withChanges(before: LiveStudy, change: LiveStudy): LiveStudy {
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

const WATCH = 'watch' satisfies keyof (typeof consoleEvents)['requests'];

let shared: Socket | undefined;

function socket(): Socket {
  shared ??= io(new URL(consoleEvents.namespace, location.origin).href, {
    path: new URL(addressOf('/socket.io')).pathname,
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
  /** Whether the data is being kept up to date. */
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
    const connection = socket();
    const watch = () => {
      connection.emit(WATCH, { study }, (answer: unknown) => {
        try {
          const whole = readAcknowledgement(schema, answer, WATCH);
          setValue(() => whole);
          setOnline(true);
        } catch (thrown) {
          const { code, message, remedy } = asLentigoError(thrown);
          const unknown = study !== null && !Id.safeParse(study).success;
          setError(
            unknown || code === 'LENTIGO_STUDY_UNKNOWN'
              ? noStudy()
              : code === 'LENTIGO_MESSAGE_INVALID'
                ? otherRelease()
                : new ApiError(code, message, remedy),
          );
        }
      });
    };
    const offline = () => setOnline(false);
    // Refused by the coordinator, as after its token was changed; what is merely out of reach is
    // tried again by itself.
    const refused = (thrown: Error & { data?: { code?: string } }) => {
      if (thrown.data?.code !== undefined)
        setError(new ApiError(thrown.data.code, thrown.message, strings.errors.signInAgain));
    };
    connection.on('connect_error', refused);
    connection.on('connect', watch);
    connection.on('disconnect', offline);
    const stop = listen(connection, (next) => setValue((before: Value | null) => next(before)));
    if (connection.connected) watch();
    return () => {
      stop();
      connection.off('connect', watch);
      connection.off('disconnect', offline);
      connection.off('connect_error', refused);
    };
    // oxlint-disable-next-line react/exhaustive-deps -- schema and listen never change
  }, [study]);
  return { value, online, error };
}

const { study, studies, progress } = consoleEvents.fromCoordinator;

export const useLiveStudy = (id: string): Live<LiveStudy> =>
  useWatch(LiveStudy, id, (connection, set) =>
    onMessages(
      connection,
      { study, progress },
      {
        study: (change) => {
          if (change.id === id) set((before) => before && withChanges(before, change));
        },
        progress: ({ id: of, clinics, evaluated }) => {
          if (of === id)
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
        },
      },
    ),
  );

export const useLiveStudies = (): Live<z.infer<typeof StudyList>> =>
  useWatch(StudyList, null, (connection, set) =>
    onMessages(connection, { studies }, { studies: (list) => set(() => list) }),
  );
