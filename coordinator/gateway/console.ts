// The consoles' socket.io namespace: with the admin token a console watches a study, or the list of
// all.
import type { Logger } from 'pino';
import type { Namespace } from 'socket.io';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { consoleEvents } from '../../common/protocol/socket-events.js';
import { onRequests } from '../../common/protocol/sockets.js';
import { tokenCheck } from '../access/admin-token.js';
import type { AddressOf, FailureLimit } from '../access/failure-limit.js';
import { publicError } from '../access/public-error.js';
import type { Studies } from '../rounds/studies.js';
import type { Clock } from '../rounds/records.js';
import type { Store } from '../storage/store.js';
import type { Presence } from './presence.js';
import { Subscriptions } from './subscriptions.js';

export interface ConsoleGatewayParts {
  readonly store: Store;
  readonly studies: Studies;
  readonly presence: Presence;
  readonly adminToken: string;
  /** Counts wrong admin tokens, over HTTP and here. */
  readonly tokens: FailureLimit;
  readonly addressOf: AddressOf;
  readonly now: Clock;
  readonly log: Logger;
}

export function serveConsole(namespace: Namespace, parts: ConsoleGatewayParts): void {
  const { log } = parts;
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
        const { code, message } = publicError(asLentigoError(thrown));
        next(Object.assign(new Error(message), { data: { code } }));
      }
    })();
  });

  const subscriptions = new Subscriptions(namespace, parts);
  namespace.on('connection', (socket) => {
    const join = (room: string) => socket.join(room);
    onRequests(
      socket,
      consoleEvents.requests,
      {
        watch: async ({ study }) => {
          for (const room of socket.rooms) if (room !== socket.id) await socket.leave(room);
          return study === null ? subscriptions.list(join) : subscriptions.study(study, join);
        },
      },
      {
        around: (work) => subscriptions.inTurn(work),
        onError: (thrown, event) => {
          const error = asLentigoError(thrown);
          if (error.code === 'LENTIGO_INTERNAL') log.error({ err: thrown }, `${event} failed`);
          return publicError(error);
        },
      },
    );
  });
}
