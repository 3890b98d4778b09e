import { rmSync } from 'node:fs';
import { type Database, openDatabase } from '../../../coordinator/storage/database.js';
import { startServer, temporaryFolder, whyNoServer } from './databases.js';
import { storeContract } from './store-contract.js';

/** The database of an empty folder, or of the server; `clear` runs after it is closed. */
async function open(url?: string, clear = async () => {}): Promise<Database> {
  const dataDir = temporaryFolder();
  const database = await openDatabase({ url, dataDir });
  return {
    ...database,
    async close() {
      await database.close();
      await clear();
      rmSync(dataDir, { recursive: true });
    },
  };
}

storeContract('the embedded database', undefined, () => open());

storeContract('a PostgreSQL server', whyNoServer(), async () => {
  const server = await startServer();
  return open(server.url, () => server.stop());
});
