// What the coordinator told of the study's models, read again whenever it tells more.
import { useEffect, useState } from 'react';
import type { StudyModels } from '../../../common/protocol/study-models.js';
import { toldModels } from '../../participation/study-models.js';
import type { Session } from '../session/session.js';
import { useTakingPart } from '../session/taking-part.js';

export function useToldModels({ store, clinic }: Session): StudyModels | undefined {
  const news = useTakingPart(({ told }) => told);
  const [told, setTold] = useState<StudyModels>();
  useEffect(
    () =>
      void (
        clinic && toldModels({ store, enrolment: clinic.enrolment }).then(setTold, () => undefined)
      ),
    [store, clinic, news],
  );
  return told;
}
