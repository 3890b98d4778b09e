// Where Prisma's command line finds schema, migrations and a database; the coordinator itself
// applies migrations at its start.
import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  // Without a server, migrations are authored against an empty PGlite in memory: `npm run prisma --
  // migrate dev --name what-changes`.
  datasource: { url: process.env['DATABASE_URL'] ?? 'pglite:' },
});
