// Every preset can be built.
import { describe, expect, it } from 'vitest';
import { blockNames } from '../../../common/model/architecture.js';
import { LabelSet } from '../../../common/model/labels.js';
import { TeacherDesign } from '../../../common/model/teacher.js';
import { PRESETS } from '../../../coordinator/distillation/presets/index.js';

describe.each(PRESETS)('the preset $name', ({ labels, student, teachers, losses }) => {
  it('names labels, designs and blocks that exist', () => {
    LabelSet.parse(labels);
    for (const { architecture, phases, attention, fused } of [
      { ...student, attention: false, fused: 0 },
      ...Object.values(teachers).flat(),
    ]) {
      TeacherDesign.parse({ architecture, attention, fused });
      for (const { trainFrom } of phases)
        expect(['all', ...blockNames(architecture)]).toContain(trainFrom);
    }
  });

  it('compares features and attention with one teacher only', () => {
    const ensembles = Object.values(teachers).filter((plans) => plans.length > 1);
    if (ensembles.length > 0) expect([losses.features, losses.attention]).toEqual([0, 0]);
  });
});
