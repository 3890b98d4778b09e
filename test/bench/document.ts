// BENCHMARKS.md: one section per benchmark between markers, so that each can be measured again
// without the others.

const INTRODUCTION = `# Measurements

Each section says what it measured, with which command, when, and on which machine; \`npm run bench -- NAME\` measures one again and replaces its section, \`npm run bench\` the quick ones, \`npm run bench -- --list\` names all.
`;

const begin = (name: string) => `<!-- ${name} -->`;
const end = (name: string) => `<!-- /${name} -->`;

/**
 * The document with this section replaced, or inserted according to the order.
 * @param document '' if it doesn't exist yet
 * @param order the names of all sections
 */
export function withSection(
  document: string,
  name: string,
  section: string,
  order: readonly string[],
): string {
  const sections = new Map<string, string>();
  for (const known of order) {
    const [from, to] = [document.indexOf(begin(known)), document.indexOf(end(known))];
    if (from >= 0 && to > from) sections.set(known, document.slice(from, to + end(known).length));
  }
  sections.set(name, `${begin(name)}\n${section.trim()}\n${end(name)}`);
  return `${[INTRODUCTION.trim(), ...order.flatMap((known) => sections.get(known) ?? [])].join('\n\n')}\n`;
}
