// Holds the dashboards against Grafana's own types: unknown keys, wrong enum values, missing members.
// In a copy of this folder: npm install --no-package-lock && node check.mjs FOLDER_WITH_DASHBOARDS
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Panel type → where its options are in the package, and whether fields have options of their own.
const PANELS = {
  stat: { module: 'stat/panelcfg/x/StatPanelCfg', custom: false },
  bargauge: { module: 'bargauge/panelcfg/x/BarGaugePanelCfg', custom: false },
  barchart: { module: 'barchart/panelcfg/x/BarChartPanelCfg', custom: true },
  timeseries: { module: 'timeseries/panelcfg/x/TimeSeriesPanelCfg', custom: true },
  'state-timeline': { module: 'statetimeline/panelcfg/x/StateTimelinePanelCfg', custom: true },
  table: { module: 'table/panelcfg/x/TablePanelCfg', custom: true },
  text: { module: 'text/panelcfg/x/TextPanelCfg', custom: false },
};

// Enums become their plain values; what a panel leaves out, Grafana fills with its plugin's defaults.
const TYPES = `
import type * as schema from '@grafana/schema';
type L<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? L<U>[] : { [K in keyof T]: L<T[K]> };
type Dashboard = L<Omit<schema.Dashboard, 'panels'>>;
type Row = L<schema.RowPanel>;
interface Query {
  refId: string; expr: string; legendFormat?: string; instant?: boolean; format?: 'table'; interval?: string;
}
// Words alone: no query, no fields.
type Words<Options> = Required<Pick<L<schema.Panel>, 'id' | 'title' | 'gridPos'>> & Pick<L<schema.Panel>, 'type'>
  & { options: L<Partial<Options>> };
type Panel<Options, Custom> =
  Required<Pick<L<schema.Panel>, 'id' | 'title' | 'description' | 'gridPos' | 'datasource'>>
  & Pick<L<schema.Panel>, 'type' | 'interval' | 'maxDataPoints' | 'transformations' | 'links'>
  & {
    targets: Query[];
    options: L<Partial<Options>>;
    fieldConfig: {
      defaults: Omit<L<schema.FieldConfig>, 'custom'> & { custom?: L<Partial<Custom>> };
      overrides: L<schema.FieldConfigSource>['overrides'];
    };
  };
`;

function importOf(type, index) {
  return `import type * as panel${index} from '@grafana/schema/dist/esm/raw/composable/${PANELS[type].module}_types.gen';`;
}

function typeOf(panel, types) {
  if (panel.type === 'row') return 'Row';
  if (!(panel.type in PANELS)) throw new Error(`panel type ${panel.type}: add it to PANELS in check.mjs`);
  const module = `panel${types.indexOf(panel.type)}`;
  if (panel.type === 'text') return `Words<${module}.Options>`;
  return `Panel<${module}.Options, ${PANELS[panel.type].custom ? `${module}.FieldConfig` : 'never'}>`;
}

function declarationsOf(name, { panels, ...rest }, types) {
  const named = panels.map((panel) =>
    `// ${name}.json, panel ${panel.id} "${panel.title}"\n` +
    `export const ${name}_${panel.id}: ${typeOf(panel, types)} = ${JSON.stringify(panel, null, 1)};`);
  return [`// ${name}.json`, `export const ${name}: Dashboard = ${JSON.stringify(rest, null, 1)};`, ...named].join('\n');
}

const folder = process.argv[2];
const types = Object.keys(PANELS);
const dashboards = readdirSync(folder).filter((file) => file.endsWith('.json'));
const declarations = dashboards.map((file) =>
  declarationsOf(file.slice(0, -'.json'.length), JSON.parse(readFileSync(join(folder, file), 'utf8')), types));
writeFileSync('dashboards.ts', [...types.map(importOf), TYPES, ...declarations].join('\n'));
const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
try {
  execFileSync(process.execPath, [tsc, '--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext',
    '--moduleResolution', 'bundler', '--target', 'es2022', 'dashboards.ts'], { stdio: 'inherit' });
} catch (error) {
  process.exit(error.status ?? 1);
}
console.log(`${dashboards.length} dashboards are what Grafana's types say`);
