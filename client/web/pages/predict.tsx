// Use: the model's prediction for a photograph and the regions that speak for it, before and after
// this clinic's own training.
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
import { Camera } from '../parts/camera.js';
import { ErrorNote } from '../parts/error-note.js';
import { HeatOverlay } from '../parts/heat-overlay.js';
import { Page } from '../parts/page.js';
import { PickFiles } from '../parts/pick-files.js';
import { Thumbnail, useObjectUrl } from '../parts/stored-image.js';
import { useTask } from '../parts/use-task.js';
import { type Photograph, trains } from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import { hasOwn, type KnownModel, knownModel, loadModel } from '../session/models.js';
import { useTakingPart } from '../session/taking-part.js';
import { trainingWorker } from '../session/training.js';
import { diagnosisName, STRINGS } from '../strings.js';

const text = STRINGS.predict;
const percent = (p: number): string => `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)} %`;

interface Subject {
  readonly image: Blob;
  /** The photograph, if it is in this clinic's collection. */
  readonly known?: Photograph;
}

export function PredictPage() {
  // The key remounts the page after each round, which may bring another model.
  return <Predict key={useTakingPart((state) => state.sent)} />;
}

function Predict() {
  const { store } = useSession();
  const [model, setModel] = useState<KnownModel | null>();
  const [own, setOwn] = useState(false);
  const [which, setWhich] = useState<'study' | 'own'>('study');
  const [subject, setSubject] = useState<Subject>();
  useEffect(
    () =>
      void (async () => {
        setModel((await knownModel(store)) ?? null);
        setOwn(await hasOwn(store));
      })(),
    [store],
  );
  if (model === undefined)
    return (
      <Center mih={200}>
        <Loader aria-label={STRINGS.common.working} />
      </Center>
    );
  return (
    <Page title={text.title} lead={text.lead}>
      <Alert variant="light" color="yellow" icon={<IconInfoCircle aria-hidden />} fw={500}>
        {text.notDiagnosis}
      </Alert>
      {model === null ? (
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
          <Choose onSubject={setSubject} again={subject !== undefined} />
          {subject && (
            <>
              <Group justify="space-between" gap="xs">
                <SegmentedControl
                  aria-label={text.which}
                  value={which}
                  onChange={(value) => setWhich(value)}
                  data={[
                    { value: 'study', label: text.study },
                    { value: 'own', label: text.ownModel, disabled: !own },
                  ]}
                />
                <Text size="sm" c="dimmed">
                  {own ? text.ofRound(model.round) : text.ownMissing}
                </Text>
              </Group>
              <Result subject={subject} which={which} />
            </>
          )}
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
          onFiles={([file]) => file && onSubject({ image: file })}
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

function Result({
  subject: { image, known },
  which,
}: {
  subject: Subject;
  which: 'study' | 'own';
}) {
  const { store } = useSession();
  const [found, setFound] = useState<{ explanation: Explanation; labels: LabelSet }>();
  const [heat, setHeat] = useState(true);
  const { busy, error, run } = useTask();
  const url = useObjectUrl(image);
  useEffect(() => {
    let current = true;
    setFound(undefined);
    void run(async () => {
      const [worker, bytes] = [await trainingWorker(), await loadModel(store, which)];
      if (!bytes) return;
      const labels = await worker.prepare(bytes);
      const explanation = await worker.explain(image);
      if (current) setFound({ explanation, labels });
    });
    return () => {
      current = false;
    };
  }, [image, which, store, run]);
  const top = found && diagnosisName(found.labels.names[found.explanation.of]!);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
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
      <Stack>
        <ErrorNote error={error} />
        {busy && !found && (
          <Group>
            <Loader size="sm" aria-hidden />
            <Text aria-live="polite">{text.working}</Text>
          </Group>
        )}
        {found && <Probabilities {...found} />}
        {known?.fields.diagnostic !== undefined && (
          <Text size="sm">{text.truth(diagnosisName(known.fields.diagnostic))}</Text>
        )}
        {known && found && trains(known, found.labels) && (
          <Text size="sm" c="dimmed">
            {text.trainedOn}
          </Text>
        )}
      </Stack>
    </SimpleGrid>
  );
}

function Probabilities({
  explanation: { probabilities, of },
  labels,
}: {
  explanation: Explanation;
  labels: LabelSet;
}) {
  const rows = labels.names
    .map((label, i) => ({
      label,
      i,
      p: probabilities[i]!,
      malignant: labels.malignant.includes(label),
    }))
    .sort((a, b) => b.p - a.p);
  const malignancy = rows.filter((row) => row.malignant).reduce((sum, { p }) => sum + p, 0);
  return (
    <>
      <Paper withBorder p="md">
        <Text size="sm" c="dimmed">
          {text.malignancy}
        </Text>
        <Text fz={34} fw={650} lh={1.2} data-testid="malignancy">
          {percent(malignancy)}
        </Text>
        <Text size="sm" c="dimmed">
          {text.malignancyHint(labels.malignant.map(diagnosisName).join(', '))}
        </Text>
      </Paper>
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
        • {text.malignancy.toLowerCase()}
      </Text>
    </>
  );
}
