-- AlterTable
ALTER TABLE "Round" ADD COLUMN     "resultStateBytes" INTEGER,
ADD COLUMN     "resultStateSha256" TEXT,
ADD COLUMN     "stateBytes" INTEGER,
ADD COLUMN     "stateSha256" TEXT,
ADD COLUMN     "terms" JSONB,
ALTER COLUMN "roundKey" DROP NOT NULL,
ALTER COLUMN "bytesDown" SET DEFAULT 0;

-- AlterTable
ALTER TABLE "Study" ADD COLUMN     "bestStateBytes" INTEGER,
ADD COLUMN     "bestStateSha256" TEXT,
ADD COLUMN     "stateBytes" INTEGER,
ADD COLUMN     "stateSha256" TEXT,
ADD COLUMN     "version" INTEGER NOT NULL DEFAULT 0;

-- Empty text stood for "not opened yet".
UPDATE "Round" SET "roundKey" = NULL WHERE "roundKey" = '';
-- A round of an earlier release was announced without terms: its study starts it again.
UPDATE "Study" SET "status" = 'paused', "reason" = 'this release announces rounds in another form: resume the study to start the round again'
  WHERE "status" = 'running' AND "attempt" IN (SELECT "id" FROM "Round" WHERE "phase" IN ('open', 'aggregating'));
UPDATE "Round" SET "phase" = 'failed', "reason" = 'the coordinator was upgraded while the round ran', "closedAt" = CURRENT_TIMESTAMP WHERE "phase" IN ('open', 'aggregating');
-- Rounds that opened had no terms to sign: an empty text stands for them.
UPDATE "Round" SET "terms" = jsonb_build_object('body', '', 'signature', repeat('A', 86) || '==') WHERE "openedAt" IS NOT NULL;
