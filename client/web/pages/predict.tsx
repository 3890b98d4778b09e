// Use: the model's prediction for a photograph and the regions that speak for it, with what is known
// of the model itself.
import {
  Alert,
  Button,
  Center,
  Group,
  Loader,
  Modal,
  Paper,
  Progress,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  ThemeIcon,
  Title,
  UnstyledButton,
} from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconCamera, IconInfoCircle, IconPhotoSearch } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { Explanation } from '../../../common/evaluation/grad-cam.js';
import type { LabelSet } from '../../../common/model/labels.js';
import type { StudyModels } from '../../../common/protocol/study-models.js';
import { Camera } from '../parts/camera.js';
import { ErrorNote } from '../parts/error-note.js';
import { HeatOverlay } from '../parts/heat-overlay.js';
import { ModelQuality, modelName, QualitySentence } from '../parts/model-quality.js';
import { Page } from '../parts/page.js';
import { withoutHeic } from '../photographs/heic.js';
import { PickFiles } from '../parts/pick-files.js';
import { Thumbnail, useObjectUrl } from '../parts/stored-image.js';
import { useTask } from '../parts/use-task.js';
import { type Photograph, trains } from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import { usableModels, type UsableModel } from '../session/models.js';
import { useTakingPart } from '../session/taking-part.js';
import { trainingWorker } from '../session/training.js';
import { percent, percentsApart } from '../strings/format.js';
import { diagnosisName, STRINGS } from '../strings/index.js';

const text = STRINGS.predict;

interface Subject {
  readonly image: Blob;
  /** The photograph, if it is in this clinic's collection. */
  readonly known?: Photograph;
}

export function PredictPage() {
  // The key remounts the page after each round, which may bring another model.
  return <Predict key={useTakingPart(({ sent, told }) => `${sent}/${told}`)} />;
}

function Predict() {
  const { store, clinic } = useSession();
  const [found, setFound] = useState<{
    told: StudyModels | undefined;
    models: readonly UsableModel[];
  }>();
  const [kind, setKind] = useState<UsableModel['kind']>();
  const [subject, setSubject] = useState<Subject>();
  const { error, run } = useTask();
  const phone = useMediaQuery('(max-width: 48em)');
  useEffect(
    () =>
      void run(async () =>
        setFound(
          clinic ? await usableModels(store, clinic.enrolment) : { told: undefined, models: [] },
        ),
      ),
    [store, clinic, run],
  );
  if (error)
    return (
      <Page title={text.title}>
        <ErrorNote error={error} />
      </Page>
    );
  if (!found)
    return (
      <Center mih={200}>
        <Loader aria-label={STRINGS.common.working} />
      </Center>
    );
  const { told, models } = found;
  const model = models.find((one) => one.kind === kind) ?? models[0];
  return (
    <Page title={text.title} {...(!subject && { lead: text.lead })}>
      <Alert
        variant="light"
        color="yellow"
        icon={<IconInfoCircle aria-hidden />}
        fw={500}
        {...(subject && { py: 'xs' })}
      >
        {text.notDiagnosis}
      </Alert>
      {model === undefined ? (
        <Paper withBorder p="xl" ta="center">
          <ThemeIcon size={64} radius="xl" variant="light" mb="md">
            <IconPhotoSearch size={34} aria-hidden />
          </ThemeIcon>
          <Title order={2}>{text.noModel}</Title>
          <Text c="dimmed" mt={4}>
            {text.noModelText}
          </Text>
        </Paper>
      ) : (
        <>
          {subject && <Result subject={subject} model={model} />}
          <Choose onSubject={setSubject} again={subject !== undefined} />
          <Paper withBorder p="md" component="section" aria-label={text.which}>
            <Stack gap="sm">
              <Title order={2} size="h5">
                {text.which}
              </Title>
              {models.length > 1 && (
                <SegmentedControl
                  aria-label={text.which}
                  value={model.kind}
                  onChange={(value) => setKind(value)}
                  orientation={models.length > 2 || phone ? 'vertical' : 'horizontal'}
                  data={models.map((one) => ({ value: one.kind, label: modelName(one) }))}
                />
              )}
              <ModelQuality model={model} told={told} />
            </Stack>
          </Paper>
        </>
      )}
    </Page>
  );
}

function Choose({ onSubject, again }: { onSubject: (subject: Subject) => void; again: boolean }) {
  const { collection } = useSession();
  const [camera, setCamera] = useState(false);
  const [own, setOwn] = useState<readonly Photograph[]>([]);
  const [listed, setListed] = useState(false);
  const phone = useMediaQuery('(max-width: 48em)');
  useEffect(() => void collection.list().then((all) => setOwn(all.toReversed())), [collection]);
  return (
    <>
      <Group gap="xs">
        <Button
          variant={again ? 'default' : 'filled'}
          leftSection={<IconCamera size={20} aria-hidden />}
          onClick={() => setCamera(true)}
        >
          {text.camera}
        </Button>
        <PickFiles
          variant="default"
          onFiles={([file]) =>
            file &&
            void withoutHeic(file)
              // The file itself, then, says what is wrong with it.
              .catch(() => file)
              .then((image) => onSubject({ image }))
          }
          data-testid="predict-file"
        >
          {again ? text.another : text.choose}
        </PickFiles>
        {own.length > 0 && (
          <Button variant="default" onClick={() => setListed(true)}>
            {text.own}
          </Button>
        )}
      </Group>
      <Modal
        opened={camera}
        onClose={() => setCamera(false)}
        title={STRINGS.camera.title}
        size="lg"
        fullScreen={phone ?? false}
        closeButtonProps={{ 'aria-label': STRINGS.common.close }}
      >
        <Camera onPhotograph={(image) => (setCamera(false), onSubject({ image }))} />
      </Modal>
      <Modal
        opened={listed}
        onClose={() => setListed(false)}
        title={text.own}
        size="xl"
        fullScreen={phone ?? false}
        closeButtonProps={{ 'aria-label': STRINGS.common.close }}
      >
        <SimpleGrid cols={{ base: 3, sm: 5 }} spacing="xs">
          {own.map((photograph) => (
            <UnstyledButton
              key={photograph.id}
              style={{ borderRadius: 10, overflow: 'hidden' }}
              aria-label={photograph.name}
              onClick={() =>
                void collection
                  .image(photograph)
                  .then((image) => (setListed(false), onSubject({ image, known: photograph })))
              }
            >
              <Thumbnail photograph={photograph} alt="" />
            </UnstyledButton>
          ))}
        </SimpleGrid>
      </Modal>
    </>
  );
}

interface Found {
  readonly explanation: Explanation;
  readonly labels: LabelSet;
}

function Result({ subject: { image, known }, model }: { subject: Subject; model: UsableModel }) {
  const [found, setFound] = useState<Found>();
  const [heat, setHeat] = useState(true);
  const { busy, error, run } = useTask();
  const url = useObjectUrl(image);
  useEffect(() => {
    let current = true;
    setFound(undefined);
    void run(async () => {
      const [worker, bytes] = [await trainingWorker(), await model.load()];
      if (!bytes) return;
      const labels = await worker.prepare(bytes);
      const explanation = await worker.explain(image);
      if (current) setFound({ explanation, labels });
    });
    return () => {
      current = false;
    };
  }, [image, model, run]);
  const top = found && diagnosisName(found.labels.names[found.explanation.of]!);
  // First on a phone, where only one of the two is in sight.
  const verdict = (
    <Stack gap="sm">
      <ErrorNote error={error} />
      {busy && !found && (
        <Group>
          <Loader size="sm" aria-hidden />
          <Text aria-live="polite">{text.working}</Text>
        </Group>
      )}
      {found && <Malignancy {...found} model={model} />}
      {known?.fields.diagnostic !== undefined && (
        <Text size="sm">{text.truth(diagnosisName(known.fields.diagnostic))}</Text>
      )}
      {known && found && trains(known, found.labels) && (
        <Text size="sm" c="dimmed">
          {text.trainedOn}
        </Text>
      )}
    </Stack>
  );
  const picture = (
    <Stack gap="xs">
      {url && (
        <HeatOverlay
          url={url}
          explanation={found?.explanation}
          shown={heat && found !== undefined}
        />
      )}
      <Switch
        label={text.heatmap}
        description={top && text.heatmapHint(top)}
        checked={heat}
        onChange={(e) => setHeat(e.currentTarget.checked)}
      />
    </Stack>
  );
  const phone = useMediaQuery('(max-width: 48em)');
  return phone ? (
    <Stack>
      {verdict}
      {picture}
      {found && <Probabilities {...found} />}
    </Stack>
  ) : (
    <SimpleGrid cols={2} spacing="lg">
      {picture}
      <Stack>
        {verdict}
        {found && <Probabilities {...found} />}
      </Stack>
    </SimpleGrid>
  );
}

function Malignancy({
  explanation: { probabilities, of },
  labels,
  model,
}: Found & { model: UsableModel }) {
  const malignancy = labels.names.reduce(
    (sum, name, i) => sum + (labels.malignant.includes(name) ? probabilities[i]! : 0),
    0,
  );
  const threshold = model.heldout?.operatingPoint?.threshold;
  const [shown, from] =
    threshold === undefined ? [percent(malignancy)] : percentsApart(malignancy, threshold);
  return (
    <Paper withBorder p="md">
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <div>
          <Text size="sm" c="dimmed">
            {text.malignancy}
          </Text>
          <Text fz={34} fw={650} lh={1.2} data-testid="malignancy">
            {shown}
          </Text>
        </div>
        <div style={{ textAlign: 'end' }}>
          <Text size="sm" c="dimmed">
            {text.mostProbable}
          </Text>
          <Text fw={650}>{diagnosisName(labels.names[of]!)}</Text>
          <Text size="sm">{percent(probabilities[of]!)}</Text>
        </div>
      </Group>
      <Text size="sm" c="dimmed">
        {text.malignancyHint(labels.malignant.map(diagnosisName).join(', '))}
      </Text>
      {threshold !== undefined && from !== undefined && (
        <Text size="sm" mt={4}>
          {malignancy >= threshold ? text.flagged(from) : text.notFlagged(from)}
        </Text>
      )}
      <Text size="sm" fw={600} mt="xs">
        {modelName(model)}
      </Text>
      <QualitySentence model={model} />
    </Paper>
  );
}

function Probabilities({ explanation: { probabilities, of }, labels }: Found) {
  const rows = labels.names
    .map((label, i) => ({
      label,
      i,
      p: probabilities[i]!,
      malignant: labels.malignant.includes(label),
    }))
    .sort((a, b) => b.p - a.p);
  return (
    <>
      <Stack
        gap="sm"
        component="ul"
        style={{ listStyle: 'none', margin: 0, padding: 0 }}
        aria-label={text.result}
        data-testid="probabilities"
      >
        {rows.map(({ label, i, p, malignant }) => (
          <li key={label}>
            <Group justify="space-between" mb={4}>
              <Text size="sm" fw={i === of ? 650 : 400}>
                {diagnosisName(label)}
                {malignant ? ' •' : ''}
              </Text>
              <Text size="sm" fw={i === of ? 650 : 400}>
                {percent(p)}
              </Text>
            </Group>
            <Progress
              value={100 * p}
              color={malignant ? 'orange' : 'sea'}
              size="sm"
              aria-label={diagnosisName(label)}
            />
          </li>
        ))}
      </Stack>
      <Text size="xs" c="dimmed">
        • {text.malignancy}
      </Text>
    </>
  );
}
