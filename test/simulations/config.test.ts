// A simulation's settings: those of the file, and the flags in their place.
import { describe, expect, it } from 'vitest';
import { SimulationConfig, SimulationFlags } from '../../simulations/config.js';

describe('the flags of a simulation', () => {
  it('that are not given set nothing, so that the settings of the file stay', () => {
    expect(SimulationFlags.parse({})).toEqual({});
  });
  it('name a strategy, which gets the defaults of its settings', () => {
    expect(SimulationFlags.parse({ strategy: 'fedavg' })).toEqual({ strategy: { name: 'fedavg' } });
  });
});

describe('the strategy of a simulation', () => {
  const settings = { data: 'synthetic:images=60', init: 'models/start' };
  it('is federated averaging by default, and is named or given with settings', () => {
    for (const strategy of [undefined, 'fedavg', { name: 'fedavg' }])
      expect(SimulationConfig.parse({ ...settings, strategy }).strategy).toEqual({
        name: 'fedavg',
      });
  });
  it('is refused by its name where there is none, and by its settings where it has no such', () => {
    expect(() => SimulationConfig.parse({ ...settings, strategy: 'fedmax' })).toThrow(
      /unknown strategy \\"fedmax\\": it is one of fedavg/,
    );
    expect(() =>
      SimulationConfig.parse({ ...settings, strategy: { name: 'fedavg', momentum: 0.9 } }),
    ).toThrow(/momentum/);
  });
});
