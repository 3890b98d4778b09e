// The strategies that a study can name. A new one is a file here and a line below; a program's own
// is registered by itself.
import { z } from 'zod';
import { Registry, RegistryName } from '../../registry.js';
import type { Strategy, StrategyDefinition } from '../strategy.js';
import { fedAvg } from './fedavg.js';

const strategies = new Registry<StrategyDefinition>('strategy', 'LENTIGO_STRATEGY_UNKNOWN');

/** Makes a strategy known by its name: to study.yaml, the console's form, and every worker. */
export function registerStrategy<Settings extends z.ZodRawShape>(
  definition: StrategyDefinition<Settings>,
): void {
  strategies.register(definition.name, definition);
}

registerStrategy(fedAvg);

/**
 * A strategy as study.yaml names it, with the defaults of its settings: `fedavg`, or
 * `{ name: …, setting: value }`.
 */
export const StrategyChoice = z
  .preprocess(
    (value) => (typeof value === 'string' ? { name: value } : value),
    z.looseObject({ name: strategies.nameSchema() }),
  )
  .transform(({ name, ...given }, context): { name: string; [setting: string]: unknown } => {
    const settings = strategies.get(name).settings.safeParse(given);
    if (settings.success) return { name, ...settings.data };
    for (const issue of settings.error.issues)
      context.issues.push({ ...issue, input: given } as (typeof context.issues)[number]);
    return z.NEVER;
  })
  // What a JSON Schema, and with it the console's form, says of it: one shape for each strategy.
  .meta({
    get oneOf() {
      return strategies.values().map(({ name, settings }) =>
        z.toJSONSchema(z.strictObject({ name: z.literal(name), ...settings.shape }), {
          io: 'input',
        }),
      );
    },
  });
export type StrategyChoice = z.infer<typeof StrategyChoice>;

/** A choice by its form alone: the strategy need not be registered here. */
export const NamedStrategy = z.looseObject({ name: RegistryName });

/** @throws LENTIGO_STRATEGY_UNKNOWN */
export function strategyOf({ name, ...settings }: StrategyChoice): Strategy {
  return strategies.get(name).create(settings);
}
