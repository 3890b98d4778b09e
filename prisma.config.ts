// Tells Prisma's command line where schema, migrations and a database are; the coordinator itself
// applies migrations when it starts.
import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  // Without a server, migrations are written against an empty PGlite in memory: `npm run prisma --
  // migrate dev --name what-changes`.
  datasource: { url: process.env['DATABASE_URL'] ?? 'pglite:' },
});
