// Chooses the starting model: one that the coordinator has, or a safetensors file from this
// computer.
import {
  Alert,
  FileInput,
  Group,
  Progress,
  SegmentedControl,
  Select,
  Stack,
  Text,
} from '@mantine/core';
import { IconCheck, IconFileUpload } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { KnownModels } from '../../../common/protocol/console.js';
import { api, uploadModel } from '../api.js';
import { bytesText, percentText } from '../format.js';
import { strings } from '../strings/index.js';
import { asApiError } from '../ui.js';

const t = strings.create.model;

export interface ChosenModel {
  /** Its name in study.yaml. */
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Of its architecture; unknown of a file that was uploaded. */
  readonly blocks?: readonly string[];
}

export function ModelChoice({
  chosen,
  onChoose,
  error,
}: {
  chosen: ChosenModel | null;
  onChoose: (model: ChosenModel | null) => void;
  error: string | undefined;
}) {
  const [way, setWay] = useState<'known' | 'upload'>('known');
  const [known, setKnown] = useState<KnownModels>([]);
  const [sent, setSent] = useState<number | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    api
      .models()
      .then((models) => {
        setKnown(models);
        if (models[0]) onChoose(models[0]);
      })
      .catch((thrown: unknown) => setFailure(asApiError(thrown).message));
    // oxlint-disable-next-line react/exhaustive-deps -- once
  }, []);
  const upload = (file: File | null) => {
    onChoose(null);
    setFailure(null);
    if (!file) return;
    setSent(0);
    uploadModel(file, setSent)
      .then((blob) => onChoose({ name: file.name, ...blob }))
      .catch((thrown: unknown) => {
        const { message, remedy } = asApiError(thrown);
        setFailure(`${message} ${remedy}`);
      })
      .finally(() => setSent(null));
  };
  const selected = known.find(({ sha256 }) => sha256 === chosen?.sha256);
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text fw={500} size="sm" id="model-label">
          {t.title}
        </Text>
        <SegmentedControl
          size="xs"
          value={way}
          onChange={(next) => {
            setWay(next);
            onChoose(next === 'known' ? (known[0] ?? null) : null);
            setFailure(null);
          }}
          data={[
            { value: 'known', label: t.known },
            { value: 'upload', label: t.upload },
          ]}
          aria-labelledby="model-label"
        />
      </Group>
      {way === 'known' ? (
        <Select
          id="model"
          aria-label={t.title}
          data={known.map(({ name, sha256 }) => ({ value: sha256, label: name }))}
          value={selected?.sha256 ?? null}
          allowDeselect={false}
          error={error}
          onChange={(next) => onChoose(known.find(({ sha256 }) => sha256 === next) ?? null)}
          {...(selected && {
            description: t.describe(
              selected.architecture,
              selected.labels.names.join(', '),
              bytesText(selected.bytes),
            ),
          })}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
        />
      ) : (
        <FileInput
          id="model"
          label={t.file}
          description={t.fileHelp}
          placeholder={t.choose}
          accept=".safetensors"
          leftSection={<IconFileUpload size={18} />}
          onChange={upload}
          error={failure === null && sent === null ? error : undefined}
          clearable={false}
        />
      )}
      {sent !== null && <Progress value={100 * sent} aria-label={t.uploading(percentText(sent))} />}
      {sent !== null && (
        <Text size="sm" role="status">
          {t.uploading(percentText(sent))}
        </Text>
      )}
      {way === 'upload' && chosen && (
        <Text size="sm" role="status">
          <IconCheck size={15} /> {t.uploaded(bytesText(chosen.bytes))}
        </Text>
      )}
      {failure !== null && (
        <Alert color="red" variant="light" role="alert">
          {failure}
        </Alert>
      )}
    </Stack>
  );
}
