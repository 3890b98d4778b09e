// A round's aggregation: the accepted updates are opened where they lie on the disk, and go through
// the study's strategy.
import { fromBase64 } from '../../common/crypto/base64.js';
import { fileSource } from '../../common/crypto/byte-source.node.js';
import {
  openEnvelope,
  readEnvelope,
  verifyEnvelope,
  type OpenedUpdate,
} from '../../common/crypto/envelope.js';
import { LentigoError } from '../../common/errors.js';
import type { DeltaEncoding } from '../../common/update/delta-encoding.js';
import type { ParameterSet } from '../../common/update/parameter-set.js';
import type { Payload } from '../../common/federation/aggregate.js';
import { serverRound } from '../../common/federation/server-round.js';
import type { ServerStep, Strategy, StrategyState } from '../../common/federation/strategy.js';

/**
 * An accepted update: where its sealed bytes lie, whose they are (Ed25519 key, base64), and its
 * weight.
 */
export interface SealedUpdate {
  readonly clinic: string;
  readonly path: string;
  readonly samples: number;
  readonly clinicKey: string;
}

/** Updates opened at a time: hashing has threads of its own. */
const OPENED_AT_ONCE = 4;

/**
 * One round by its strategy: the rule over the sealed deltas, then the server's step. The result
 * depends neither on the order of `updates` nor on `valuesInMemory`, to the bit.
 * @param parameters the trainable ones, float32, that the deltas were trained from
 * @param valuesInMemory decoded values, over all clinics, that may lie in memory at once
 * @throws LENTIGO_UPDATE_SIGNATURE, LENTIGO_UPDATE_ALTERED or LENTIGO_UPDATE_LENGTH when an
 *   accepted update is no longer what was accepted; LENTIGO_STRATEGY_FAILED
 */
export async function aggregateUpdates({
  updates,
  roundSecretKey,
  round,
  parameters,
  state,
  name,
  strategy,
  encoding,
  valuesInMemory,
}: {
  readonly updates: readonly SealedUpdate[];
  readonly roundSecretKey: Uint8Array;
  readonly round: number;
  readonly parameters: ParameterSet;
  readonly state: StrategyState;
  /** The strategy's, for errors. */
  readonly name: string;
  readonly strategy: Strategy;
  readonly encoding: DeltaEncoding;
  readonly valuesInMemory?: number;
}): Promise<ServerStep> {
  const inOrder = updates.toSorted((a, b) => (a.clinic < b.clinic ? -1 : 1));
  const payloads: Payload[] = [];
  for (let at = 0; at < inOrder.length; at += OPENED_AT_ONCE) {
    const some = inOrder.slice(at, at + OPENED_AT_ONCE).map(async (update): Promise<Payload> => {
      const opened = await openUpdate(
        update,
        roundSecretKey,
        encoding.encodedBytes(parameters.length),
      );
      return { samples: update.samples, read: (start, end) => opened.read(start, end) };
    });
    payloads.push(...(await Promise.all(some)));
  }
  return serverRound({
    name,
    strategy,
    round,
    parameters,
    state,
    payloads,
    encoding,
    ...(valuesInMemory !== undefined && { valuesInMemory }),
  });
}

/**
 * Opens an update that was checked when it arrived; its signature is checked again, because it has
 * lain on a disk since.
 */
async function openUpdate(
  update: SealedUpdate,
  roundSecretKey: Uint8Array,
  payloadBytes: number,
): Promise<OpenedUpdate> {
  const envelope = await readEnvelope(await fileSource(update.path));
  await verifyEnvelope(envelope, fromBase64(update.clinicKey));
  const { clinic, samples, payload } = envelope.header;
  if (clinic !== update.clinic || samples !== update.samples) {
    throw new LentigoError(
      'LENTIGO_UPDATE_ALTERED',
      `${update.path} holds clinic ${clinic}'s update of ${samples} samples instead of clinic ${update.clinic}'s of ${update.samples}.`,
    );
  }
  if (payload.bytes !== payloadBytes)
    throw new LentigoError(
      'LENTIGO_UPDATE_LENGTH',
      `Clinic ${clinic}'s update has ${payload.bytes} bytes of payload instead of ${payloadBytes}.`,
    );
  return await openEnvelope(envelope, roundSecretKey);
}
