import { rmSync } from 'node:fs';
import { describe, it } from 'vitest';
import { openDatabase } from '../../../coordinator/storage/database.js';
import { startServer, temporaryFolder, whyNoServer } from './databases.js';
import { storeContract } from './store-contract.js';

storeContract('the embedded database', async () => {
  const dataDir = temporaryFolder();
  const database = await openDatabase({ dataDir });
  return {
    ...database,
    async close() {
      await database.close();
      rmSync(dataDir, { recursive: true });
    },
  };
});

const missing = whyNoServer();
if (missing === undefined) {
  storeContract('a PostgreSQL server', async () => {
    const server = await startServer();
    const dataDir = temporaryFolder();
    const database = await openDatabase({ url: server.url, dataDir });
    return {
      ...database,
      async close() {
        await database.close();
        await server.stop();
        rmSync(dataDir, { recursive: true });
      },
    };
  });
} else {
  console.warn(`skipped: the store on a PostgreSQL server (${missing})`);
  describe.skip(`the store on a PostgreSQL server: ${missing}`, () => it('keeps its promises', () => {}));
}
