// Parameter names of another library, by the modules that they belong to.

/** "bn1.weight" → "features.0.1.weight" where the map has bn1 → features.0.1; else unchanged. */
export function renamed(name: string, modules: ReadonlyMap<string, string>): string {
  const dot = name.lastIndexOf('.');
  const module = modules.get(name.slice(0, dot));
  return module === undefined ? name : `${module}${name.slice(dot)}`;
}
