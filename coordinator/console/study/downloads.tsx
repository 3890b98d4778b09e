// The study's downloads: its models, its metrics, its report, and the file that describes it.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconDownload, IconPrinter } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { stringify } from 'yaml';
import type { LiveStudy } from '../../../common/protocol/console.js';
import { api } from '../api.js';
import { strings } from '../strings/index.js';
import { attempt, Panel, save } from '../ui.js';
import { metricsCsv } from './csv.js';

const t = strings.downloads;

export function Downloads({ study }: { study: LiveStudy }) {
  const { id, best, completed, config } = study;
  const [busy, setBusy] = useState('');
  const stem =
    config.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'study';
  const model = async (which: 'best' | 'last', format: 'safetensors' | 'zip') => {
    setBusy(which + format);
    await attempt(async () =>
      save(`${stem}-${which}.${format}`, await api.model(id, which, format)),
    );
    setBusy('');
  };
  return (
    <Stack gap="lg">
      <Panel title={t.models} text={best ? t.modelsText : t.none}>
        {best && (
          <Stack gap="md">
            {(['best', 'last'] as const).map((which) => (
              <Group key={which} justify="space-between">
                <div>
                  <Text fw={600}>{t[which]}</Text>
                  <Text size="sm" c="dimmed">
                    {t.of(which === 'best' ? best.round : completed)}
                  </Text>
                </div>
                <Group gap="xs">
                  {(['zip', 'safetensors'] as const).map((format) => (
                    <Button
                      key={format}
                      variant={format === 'zip' ? 'filled' : 'light'}
                      leftSection={<IconDownload size={17} />}
                      loading={busy === which + format}
                      onClick={() => void model(which, format)}
                      aria-label={`${t[which]}: ${t[format]}`}
                      title={format === 'zip' ? t.zipText : t.safetensorsText}
                    >
                      {t[format]}
                    </Button>
                  ))}
                </Group>
              </Group>
            ))}
          </Stack>
        )}
      </Panel>
      <Panel
        title={t.metrics}
        text={t.metricsText}
        aside={
          <Button
            variant="light"
            leftSection={<IconDownload size={17} />}
            disabled={study.scores.length === 0}
            onClick={() =>
              save(`${stem}-metrics.csv`, new Blob([metricsCsv(study)], { type: 'text/csv' }))
            }
          >
            {t.csv}
          </Button>
        }
      >
        {null}
      </Panel>
      <Panel
        title={t.report}
        text={t.reportText}
        aside={
          <Button
            variant="light"
            component={Link}
            to={`/studies/${id}/report`}
            leftSection={<IconPrinter size={17} />}
          >
            {t.open}
          </Button>
        }
      >
        {null}
      </Panel>
      <Panel
        title={t.yaml}
        text={t.yamlText}
        aside={
          <Button
            variant="light"
            leftSection={<IconDownload size={17} />}
            onClick={() =>
              save(`${stem}.yaml`, new Blob([stringify(config)], { type: 'text/yaml' }))
            }
          >
            {strings.download}
          </Button>
        }
      >
        {null}
      </Panel>
    </Stack>
  );
}
