// The consoles' socket.io namespace: who has the admin token watches a study (or the list of all),
// gets it whole, and then what changes.
import type { Logger } from 'pino';
import type { Namespace } from 'socket.io';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { type LiveProgress, Watch } from '../../common/protocol/console.js';
import { tokenCheck } from '../access/admin-token.js';
import { told } from '../http/errors.js';
import type { AddressOf, FailureLimit } from '../access/failure-limit.js';
import type { Studies } from '../rounds/studies.js';
import type { Clock } from '../rounds/records.js';
import type { Store } from '../storage/store.js';
import type { Presence } from './presence.js';
import { type Known, readLiveStudy } from './live-study.js';

export interface ConsoleGatewayParts {
  readonly store: Store;
  readonly studies: Studies;
  readonly presence: Presence;
  readonly adminToken: string;
  /** Of wrong admin tokens, over HTTP and here. */
  readonly tokens: FailureLimit;
  readonly addressOf: AddressOf;
  readonly now: Clock;
  readonly log: Logger;
}

/** What changes within this time goes out together, ms. */
const TOGETHER_MS = 250;

/** The room of those who watch the list. */
const LIST = 'studies';

/** What those who watch a study have, and what they have yet to hear. */
interface Board {
  known: Known;
  /** Nothing, how far clinics and evaluation are, or everything. */
  stale: 'no' | 'progress' | 'all';
}

export function serveConsole(namespace: Namespace, parts: ConsoleGatewayParts): void {
  const { store, studies, presence, log } = parts;
  const isToken = tokenCheck(parts.adminToken);
  namespace.use((socket, next) => {
    const address = parts.addressOf(socket.request);
    void (async () => {
      try {
        await parts.tokens.check(address);
        if (!isToken(socket.handshake.auth['token'])) {
          await parts.tokens.failed(address);
          throw new LentigoError('LENTIGO_ADMIN_TOKEN', 'The console needs the admin token.');
        }
        next();
      } catch (thrown) {
        const { code, message } = told(asLentigoError(thrown));
        next(Object.assign(new Error(message), { data: { code } }));
      }
    })();
  });

  const boards = new Map<string, Board>();
  // One reading after the other, snapshots and changes alike: each console hears them in the order
  // in which they were true.
  let queue: Promise<unknown> = Promise.resolve();
  const serially = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(work);
    queue = done.catch(() => undefined);
    return done;
  };
  const watched = (room: string): boolean => (namespace.adapter.rooms.get(room)?.size ?? 0) > 0;

  const snapshot = async (id: string, join: () => void) => {
    studies.runner(id); // refuses an unknown study
    const alone = !watched(id);
    const study = await readLiveStudy(parts, id);
    // Where others watch, what they lack is still to be told: telling it twice does no harm.
    if (alone) boards.set(id, { known: knownOf(study, { round: 0, entry: 0 }), stale: 'no' });
    join();
    return study;
  };

  const tell = async (id: string, board: Board) => {
    const { stale } = board;
    board.stale = 'no';
    if (!watched(id)) {
      boards.delete(id);
      return;
    }
    if (stale === 'progress') {
      const progress: LiveProgress = {
        id,
        evaluated: studies.runner(id).evaluated,
        clinics: Object.fromEntries(
          presence.connected(id).map((clinic) => [clinic, presence.progress(id, clinic)]),
        ),
      };
      namespace.to(id).emit('progress', progress);
      return;
    }
    try {
      const study = await readLiveStudy(parts, id, board.known);
      board.known = knownOf(study, board.known);
      namespace.to(id).emit('study', study);
    } catch (thrown) {
      log.warn({ err: thrown, study: id }, 'the consoles could not be told');
      if (asLentigoError(thrown).code === 'LENTIGO_DATABASE')
        setTimeout(() => changed(id, 'all'), 20 * TOGETHER_MS).unref();
    }
  };

  let listTimer: NodeJS.Timeout | undefined;
  const changed = (id: string, what: 'progress' | 'all') => {
    if (what === 'all' && watched(LIST)) {
      listTimer ??= setTimeout(() => {
        listTimer = undefined;
        namespace.to(LIST).emit('studies', studies.list());
      }, TOGETHER_MS);
    }
    const board = boards.get(id);
    if (!board) return;
    if (board.stale === 'no')
      setTimeout(() => void serially(() => tell(id, board)), TOGETHER_MS).unref();
    if (board.stale !== 'all') board.stale = what;
  };
  store.onChange((id) => changed(id, 'all'));
  presence.onChange((id) => changed(id, 'all'));
  presence.onProgress((id) => changed(id, 'progress'));
  studies.onEvaluating((id) => changed(id, 'progress'));

  namespace.on('connection', (socket) => {
    socket.on('watch', (message: unknown, acknowledge: unknown) => {
      if (typeof acknowledge !== 'function') return;
      const reply = (value: unknown) => void acknowledge(value);
      void (async () => {
        try {
          const watch = Watch.safeParse(message);
          if (!watch.success)
            throw new LentigoError(
              'LENTIGO_MESSAGE_INVALID',
              'watch takes a study, or null for all.',
            );
          const { study } = watch.data;
          for (const room of socket.rooms) if (room !== socket.id) await socket.leave(room);
          if (study === null) {
            await socket.join(LIST);
            reply({ ok: true, value: studies.list() });
          } else {
            await serially(async () =>
              reply({ ok: true, value: await snapshot(study, () => void socket.join(study)) }),
            );
          }
        } catch (thrown) {
          const error = asLentigoError(thrown);
          if (error.code === 'LENTIGO_INTERNAL') log.error({ err: thrown }, 'watch failed');
          reply({ ok: false, error: told(error).body() });
        }
      })();
    });
  });
}

/** The round in flight may change, and all after it; those before are over. */
const knownOf = (
  {
    rounds,
    entries,
  }: { rounds: readonly { number: number }[]; entries: readonly { seq: number }[] },
  before: Known,
): Known => ({
  round: rounds.at(-1)?.number ?? before.round,
  entry: entries.at(-1)?.seq ?? before.entry,
});
