// Loaded into an agent under test (node --import): prints on stderr where each of its sockets
// connects, so that a test can see that nothing bypasses the recorder.
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import net from 'node:net';

const said = (kind: string, to: unknown): void =>
  void writeSync(2, `\nOUTGOING ${JSON.stringify({ kind, to })}\n`);

subscribe('udp.socket', () => said('udp', null));
const connect = Reflect.get(net.Socket.prototype, 'connect') as (
  this: net.Socket,
  ...args: Parameters<net.Socket['connect']>
) => net.Socket;
net.Socket.prototype.connect = function connectAndTell(
  this: net.Socket,
  ...args: Parameters<net.Socket['connect']>
) {
  const first: unknown = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0];
  said(
    'tcp',
    typeof first === 'object' && first !== null
      ? {
          host: (first as net.TcpNetConnectOpts).host,
          port: (first as net.TcpNetConnectOpts).port,
          path: (first as net.IpcNetConnectOpts).path,
        }
      : args.slice(0, 2),
  );
  return connect.apply(this, args);
} as net.Socket['connect'];
