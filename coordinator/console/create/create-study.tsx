// Creates a study: the form derived from study.yaml's schema, the starting model, the evaluation
// data, and the resulting file.
import {
  Accordion,
  Alert,
  Button,
  Checkbox,
  Code,
  Grid,
  Group,
  ScrollArea,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  type TextInputProps,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDownload } from '@tabler/icons-react';
import { type SyntheticEvent, useMemo, useState } from 'react';
import { useNavigate } from 'react-router';
import { stringify } from 'yaml';
import { LEARNING_RATES, StudyConfig } from '../../../common/protocol/study.js';
import { api, type ApiError } from '../api.js';
import { durationText, enteredNumber, entryOf } from '../format.js';
import { strings } from '../strings/index.js';
import { trainedWords } from '../trained.js';
import { asApiError, Panel, Problem, save, tellError } from '../ui.js';
import { DataCheck } from './data-check.js';
import {
  type Field,
  fieldsOf,
  mistakes,
  nested,
  shownFields,
  standardValues,
  type Values,
  withEntry,
} from './fields.js';
import { type ChosenModel, ModelChoice } from './model-choice.js';

const t = strings.create;
const FIELDS = fieldsOf(StudyConfig);
const sectionOf = ({ path }: Field): string => (path.includes('.') ? path.split('.')[0]! : 'study');
/** The sections that most people need; the others are folded. */
const OPEN = ['study', 'evaluation', 'cohort'];
const FOLDED = [...new Set(FIELDS.map(sectionOf))].filter((section) => !OPEN.includes(section));
/** The field that says what the clinics train. */
const TRAIN_FROM = 'training.trainFrom';
const textOf = (section: string) => t.sections[section] ?? { title: section, text: '' };

export default function CreateStudy() {
  const navigate = useNavigate();
  const [values, setValues] = useState<Values>(() => standardValues(FIELDS));
  const [model, setModel] = useState<ChosenModel | null>(null);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  /** What the coordinator refused, until it is changed. */
  const [refused, setRefused] = useState<Refusal | null>(null);
  const whole = useMemo<Values>(() => ({ ...values, model: model?.name ?? '' }), [values, model]);
  const blocks = model?.blocks;
  const wrong = useMemo(() => {
    const found = mistakes(StudyConfig, FIELDS, whole, t);
    if (blocks && !blocks.includes(String(whole[TRAIN_FROM]))) found[TRAIN_FROM] ??= t.wrong.choice;
    return found;
  }, [whole, blocks]);
  const yaml = useMemo(() => stringify(nested(FIELDS, whole)), [whole]);
  const shown = {
    ...(refused && { [refused.path]: refused.why }),
    ...(tried
      ? wrong
      : Object.fromEntries(Object.entries(wrong).filter(([path]) => (whole[path] ?? '') !== ''))),
  };
  const set = (path: string, value: Values[string]) => {
    setRefused((before) => (before?.path === path ? null : before));
    setValues((before) => withEntry(FIELDS, before, path, value));
  };

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setTried(true);
    setError(null);
    setRefused(null);
    const first = Object.keys(wrong)[0];
    if (first !== undefined || !model) {
      document.getElementById(first ?? 'model')?.focus();
      return;
    }
    setBusy(true);
    api
      .create({
        config: StudyConfig.parse(nested(FIELDS, whole)),
        start: { sha256: model.sha256, bytes: model.bytes },
      })
      .then(({ id }) => {
        notifications.show({
          message: t.created,
          closeButtonProps: { 'aria-label': strings.close },
        });
        return navigate(`/studies/${id}/clinics`);
      })
      .catch((thrown: unknown) => {
        const failure = asApiError(thrown);
        const field = refusalIn(failure);
        setRefused(field);
        setError(field ? null : failure);
        if (!field) tellError(thrown);
      })
      .finally(() => setBusy(false));
  };

  const fieldsOf = (section: string) => (
    <SimpleGrid
      cols={{ base: 1, sm: section === 'evaluation' || section === 'study' ? 2 : 3 }}
      spacing="md"
      verticalSpacing="md"
    >
      {shownFields(FIELDS, values)
        .filter((f) => sectionOf(f) === section && f.path !== 'model')
        .map((field) => (
          <div
            key={field.path}
            style={
              field.path === 'name' || field.path === 'evaluation.data'
                ? { gridColumn: '1 / -1' }
                : undefined
            }
          >
            <FieldInput
              field={field}
              value={values[field.path] ?? ''}
              error={shown[field.path]}
              blocks={blocks}
              placeholder={placeholderOf(field, values)}
              onChange={(value) => set(field.path, value)}
            />
            {field.path === 'evaluation.data' && (
              <DataCheck
                data={String(values[field.path] ?? '')}
                seed={wrong['seed'] === undefined ? Number(values['seed']) : null}
              />
            )}
          </div>
        ))}
    </SimpleGrid>
  );

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="lg">
        <div>
          <Title order={1} size="h2">
            {t.title}
          </Title>
          <Text c="dimmed" maw={640}>
            {t.lead}
          </Text>
        </div>
        <Grid gap="lg">
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Stack gap="lg">
              {OPEN.map((section) => (
                <Panel
                  key={section}
                  title={textOf(section).title}
                  {...(textOf(section).text !== '' && { text: textOf(section).text })}
                >
                  <Stack gap="md">
                    {fieldsOf(section)}
                    {section === 'study' && (
                      <ModelChoice
                        chosen={model}
                        onChoose={(next) => {
                          setRefused(null);
                          setModel(next);
                        }}
                        error={tried ? wrong['model'] : undefined}
                      />
                    )}
                  </Stack>
                </Panel>
              ))}
              <Accordion variant="separated" radius="lg" multiple keepMounted={false}>
                {FOLDED.map((section) => {
                  const marked = Object.keys(shown).some((path) => path.startsWith(`${section}.`));
                  return (
                    <Accordion.Item key={section} value={section}>
                      <Accordion.Control>
                        <Text fw={600}>{textOf(section).title}</Text>
                        <Text size="sm" c={marked ? 'var(--mantine-color-error)' : 'dimmed'}>
                          {marked ? t.problems : textOf(section).text}
                        </Text>
                      </Accordion.Control>
                      <Accordion.Panel>{fieldsOf(section)}</Accordion.Panel>
                    </Accordion.Item>
                  );
                })}
              </Accordion>
              {error && <Problem error={error} />}
              {refused && (
                <Alert color="red" variant="light" role="alert" title={t.problems}>
                  {t.fields[refused.path]?.[0] ?? refused.path}: {refused.why}
                </Alert>
              )}
              {tried && Object.keys(wrong).length > 0 && (
                <Alert color="red" variant="light" role="alert">
                  {t.problems}
                </Alert>
              )}
              <Group>
                <Button type="submit" size="md" loading={busy}>
                  {t.submit}
                </Button>
                {busy && (
                  <Text c="dimmed" role="status">
                    {t.creating}
                  </Text>
                )}
              </Group>
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <div style={{ position: 'sticky', top: 80 }}>
              <Panel
                title={t.yaml}
                aside={
                  <Button
                    size="compact-sm"
                    variant="light"
                    leftSection={<IconDownload size={15} />}
                    onClick={() => save('study.yaml', new Blob([yaml], { type: 'text/yaml' }))}
                  >
                    {strings.download}
                  </Button>
                }
              >
                <ScrollArea.Autosize
                  mah="70vh"
                  viewportProps={{ tabIndex: 0, 'aria-label': t.yaml, role: 'region' }}
                >
                  <Code block fz="xs">
                    {yaml}
                  </Code>
                </ScrollArea.Autosize>
              </Panel>
            </div>
          </Grid.Col>
        </Grid>
      </Stack>
    </form>
  );
}

/** A field that the coordinator refused, and why. */
interface Refusal {
  readonly path: string;
  readonly why: string;
}

/** The field that an error begins with, as in "training.trainFrom: nano has no block …". */
function refusalIn({ code, message }: ApiError): Refusal | null {
  if (code !== 'LENTIGO_STUDY_INVALID') return null;
  const field = FIELDS.find(({ path }) => message.startsWith(`${path}: `));
  return field ? { path: field.path, why: message.slice(field.path.length + 2) } : null;
}

/** What an empty field stands for, where that depends on another one. */
function placeholderOf({ path }: Field, values: Values): string | undefined {
  const rate = LEARNING_RATES[values['training.optimiser'] as keyof typeof LEARNING_RATES];
  return path === 'training.learningRate' && rate !== undefined ? entryOf(rate) : undefined;
}

function FieldInput({
  field,
  value,
  error,
  blocks,
  placeholder,
  onChange,
}: {
  field: Field;
  value: Values[string];
  error: string | undefined;
  /** Of the chosen model, where they are known. */
  blocks: readonly string[] | undefined;
  placeholder: string | undefined;
  onChange: (value: Values[string]) => void;
}) {
  const { path, kind, choices, required, standard } = field;
  const [label, help] = t.fields[path] ?? [labelOf(field), ''];
  const description =
    path.endsWith('Seconds') && typeof value === 'number' && value > 0
      ? `${durationText(value)} · ${help}`
      : help;
  const common = {
    id: path,
    name: path,
    label,
    error,
    ...(description !== '' && { description }),
    withAsterisk: required && standard === undefined,
    inputWrapperOrder: ['label', 'input', 'description', 'error'] as (
      | 'label'
      | 'input'
      | 'description'
      | 'error'
    )[],
  };
  if (path === TRAIN_FROM && blocks)
    return (
      <Select
        {...common}
        data={blocks.map((block) => ({
          value: block,
          label: `${trainedWords(blocks, block)!} (${block})`,
        }))}
        value={blocks.includes(String(value)) ? String(value) : null}
        onChange={(next) => onChange(next ?? '')}
        allowDeselect={false}
      />
    );
  if (kind === 'choice')
    return (
      <Select
        {...common}
        data={choices.map((choice) => ({ value: choice, label: choiceLabel(choice) }))}
        value={value === '' ? null : String(value)}
        onChange={(next) => onChange(next ?? '')}
        allowDeselect={false}
        clearable={!required}
        disabled={required && choices.length === 1}
      />
    );
  if (kind === 'switch')
    return (
      <Checkbox
        id={path}
        name={path}
        label={label}
        description={description}
        error={error}
        checked={value === true}
        onChange={(e) => onChange(e.currentTarget.checked)}
      />
    );
  if (kind === 'text')
    return (
      <TextInput
        {...common}
        value={String(value)}
        onChange={(e) => onChange(e.currentTarget.value)}
      />
    );
  return (
    <NumberField
      {...common}
      value={value}
      onChange={onChange}
      {...(placeholder !== undefined && { placeholder })}
    />
  );
}

/**
 * A field of a number, which keeps what was typed. What is no number is given on as it is, so that
 * the form says so.
 */
function NumberField({
  value,
  onChange,
  ...input
}: Omit<TextInputProps, 'value' | 'onChange'> & {
  value: Values[string];
  onChange: (value: Values[string]) => void;
}) {
  const [typed, setTyped] = useState('');
  return (
    <TextInput
      {...input}
      inputMode="decimal"
      autoComplete="off"
      value={
        typeof value !== 'number'
          ? String(value)
          : enteredNumber(typed) === value
            ? typed
            : entryOf(value)
      }
      onChange={({ currentTarget: { value: text } }) => {
        setTyped(text);
        onChange(enteredNumber(text) ?? text.trimStart());
      }}
    />
  );
}

/** A field without an entry in strings.ts is shown by its name, below its section's. */
function labelOf({ path, chooses }: Field): string {
  const names = path.split('.');
  const named = chooses && names.length > 1 ? names.slice(0, -1) : names;
  return named.slice(named.length > 1 ? 1 : 0).join(' › ');
}

const choiceLabel = (choice: string): string =>
  (strings.results.metrics as Record<string, string>)[choice] ?? choice;
