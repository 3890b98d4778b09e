-- CreateEnum
CREATE TYPE "StudyStatus" AS ENUM ('draft', 'running', 'paused', 'stopped', 'completed');

-- CreateEnum
CREATE TYPE "ClinicState" AS ENUM ('pending', 'approved', 'revoked');

-- CreateEnum
CREATE TYPE "RoundPhase" AS ENUM ('planned', 'open', 'aggregating', 'evaluating', 'closed', 'failed');

-- CreateTable
CREATE TABLE "Study" (
    "id" TEXT NOT NULL,
    "config" JSONB NOT NULL,
    "status" "StudyStatus" NOT NULL,
    "reason" TEXT,
    "publicKey" TEXT NOT NULL,
    "architecture" TEXT NOT NULL,
    "labels" JSONB NOT NULL,
    "startSha256" TEXT NOT NULL,
    "startBytes" INTEGER NOT NULL,
    "baseSha256" TEXT NOT NULL,
    "baseBytes" INTEGER NOT NULL,
    "completed" INTEGER NOT NULL,
    "bestRound" INTEGER,
    "bestScore" DOUBLE PRECISION,
    "bestSha256" TEXT,
    "bestBytes" INTEGER,
    "sinceBest" INTEGER NOT NULL,
    "misses" INTEGER NOT NULL,
    "attempt" TEXT,
    "auditSeq" INTEGER NOT NULL,
    "auditHead" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Study_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Clinic" (
    "studyId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "state" "ClinicState" NOT NULL,
    "enrolledAt" TIMESTAMPTZ(3) NOT NULL,
    "decidedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Clinic_pkey" PRIMARY KEY ("studyId","id")
);

-- CreateTable
CREATE TABLE "Invitation" (
    "id" TEXT NOT NULL,
    "studyId" TEXT NOT NULL,
    "clinicName" TEXT NOT NULL,
    "secretHash" TEXT NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "usedAt" TIMESTAMPTZ(3),
    "usedBy" TEXT,

    CONSTRAINT "Invitation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Round" (
    "id" TEXT NOT NULL,
    "studyId" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "phase" "RoundPhase" NOT NULL,
    "baseSha256" TEXT NOT NULL,
    "baseBytes" INTEGER NOT NULL,
    "cohort" TEXT[],
    "roundKey" TEXT NOT NULL,
    "openedAt" TIMESTAMPTZ(3),
    "deadlineAt" TIMESTAMPTZ(3),
    "closedAt" TIMESTAMPTZ(3),
    "resultSha256" TEXT,
    "resultBytes" INTEGER,
    "bytesDown" BIGINT NOT NULL,
    "reason" TEXT,
    "plannedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Round_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Update" (
    "attempt" TEXT NOT NULL,
    "clinicId" TEXT NOT NULL,
    "studyId" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "bytes" INTEGER NOT NULL,
    "samples" INTEGER NOT NULL,
    "norm" DOUBLE PRECISION NOT NULL,
    "receipt" JSONB NOT NULL,
    "acceptedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Update_pkey" PRIMARY KEY ("attempt","clinicId")
);

-- CreateTable
CREATE TABLE "Evaluation" (
    "attempt" TEXT NOT NULL,
    "validation" JSONB NOT NULL,
    "heldout" JSONB NOT NULL,
    "seconds" DOUBLE PRECISION NOT NULL,
    "modelSha256" TEXT NOT NULL,
    "modelBytes" INTEGER NOT NULL,
    "evaluatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Evaluation_pkey" PRIMARY KEY ("attempt")
);

-- CreateTable
CREATE TABLE "AuditEntry" (
    "studyId" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "previous" TEXT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "AuditEntry_pkey" PRIMARY KEY ("studyId","seq")
);

-- CreateIndex
CREATE UNIQUE INDEX "Study_attempt_key" ON "Study"("attempt");

-- CreateIndex
CREATE UNIQUE INDEX "Invitation_secretHash_key" ON "Invitation"("secretHash");

-- CreateIndex
CREATE INDEX "Invitation_studyId_idx" ON "Invitation"("studyId");

-- CreateIndex
CREATE UNIQUE INDEX "Round_studyId_number_id_key" ON "Round"("studyId", "number", "id");

-- CreateIndex
CREATE INDEX "Update_studyId_clinicId_idx" ON "Update"("studyId", "clinicId");

-- AddForeignKey
ALTER TABLE "Study" ADD CONSTRAINT "Study_attempt_fkey" FOREIGN KEY ("attempt") REFERENCES "Round"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Clinic" ADD CONSTRAINT "Clinic_studyId_fkey" FOREIGN KEY ("studyId") REFERENCES "Study"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Invitation" ADD CONSTRAINT "Invitation_studyId_fkey" FOREIGN KEY ("studyId") REFERENCES "Study"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Invitation" ADD CONSTRAINT "Invitation_studyId_usedBy_fkey" FOREIGN KEY ("studyId", "usedBy") REFERENCES "Clinic"("studyId", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Round" ADD CONSTRAINT "Round_studyId_fkey" FOREIGN KEY ("studyId") REFERENCES "Study"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Update" ADD CONSTRAINT "Update_attempt_fkey" FOREIGN KEY ("attempt") REFERENCES "Round"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Update" ADD CONSTRAINT "Update_studyId_clinicId_fkey" FOREIGN KEY ("studyId", "clinicId") REFERENCES "Clinic"("studyId", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Evaluation" ADD CONSTRAINT "Evaluation_attempt_fkey" FOREIGN KEY ("attempt") REFERENCES "Round"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AuditEntry" ADD CONSTRAINT "AuditEntry_studyId_fkey" FOREIGN KEY ("studyId") REFERENCES "Study"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- The audit chain is append-only.
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit chain is append-only';
END;
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "AuditEntry" FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
