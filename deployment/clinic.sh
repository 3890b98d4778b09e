#!/bin/sh
# A clinic in a container, its home in /clinic: enrols once, with LENTIGO_INVITATION, then takes part until the study is over.
set -eu

if [ ! -e /clinic/enrolment.json ]; then
  if [ -z "${LENTIGO_INVITATION:-}" ]; then
    echo "This clinic is in no study yet: it takes the invitation that the study coordinator sent in LENTIGO_INVITATION." >&2
    exit 2
  fi
  lentigo clinic enrol "$LENTIGO_INVITATION" --home /clinic ${LENTIGO_CLINIC:+--name "$LENTIGO_CLINIC"}
fi

# Never synthetic lesions in place of photographs that can't be read: who names a folder trains on that folder.
if [ -n "${LENTIGO_PHOTOGRAPHS:-}" ]; then data=/photographs; else data=${LENTIGO_SYNTHETIC:?no folder of photographs was mounted}; fi

# Stopped, it stops the agent and waits for it. Ended by an error, it ends the same, and Docker starts it again.
trap 'kill "$child"; wait "$child" || true; exit 0' TERM INT
lentigo clinic run --home /clinic --data "$data" &
child=$!
wait "$child"

# It stays, or Docker would start it again and again.
echo "This container has nothing left to do."
sleep infinity &
child=$!
wait "$child"
