-- AlterTable
ALTER TABLE "Round" ADD COLUMN     "declines" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "quorum" INTEGER;

-- Until now an open round had the quorum of its study.
UPDATE "Round" SET "quorum" = ("Study"."config"->'cohort'->>'quorum')::INTEGER FROM "Study"
  WHERE "Study"."id" = "Round"."studyId" AND "Round"."openedAt" IS NOT NULL;
