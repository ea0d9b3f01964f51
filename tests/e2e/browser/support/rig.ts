// Starts the rig: a real daemon on simulated pools with a real directory server, everything on free ports of this machine.
// It ends when its standard input closes, so nothing stays behind even when this process is killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const REPOSITORY = resolve(import.meta.dirname, '../../../..');

/** The pools of the demo, as they were recorded. */
export const POOLS = ['xs56-singlehost-8vms-15snaps', 'xs56fp1-pool2-bonds-vlans-tunnels'] as const;

export interface Person {
  name: string;
  password: string;
}

export interface Simulator {
  url: string;
  /** Where faults are asked for. */
  control: string;
  fingerprint: string;
}

export interface Directory {
  host: string;
  port: number;
  startTlsPort: number;
  /** PEM of the authority that signed the server's certificate, and of one that did not. */
  ca: string;
  otherCa: string;
  base: string;
  bindDn: string;
  bindPassword: string;
  users: Person[];
}

/** What the rig prints when it is ready. */
export interface Ready {
  url: string;
  user: string;
  password: string;
  pid: number;
  log: string;
  sims: Simulator[];
  ldap: Directory;
}

/** The first file that exists; else the last, so that the error names what to build. */
function firstFile(candidates: (string | undefined)[]): string {
  const known = candidates.filter((candidate) => candidate !== undefined);
  return known.find((candidate) => existsSync(candidate)) ?? known.at(-1) ?? '';
}

function program(): string {
  const { XYLEM_RIG: named, XYLEM_BIN: daemon, CARGO_TARGET_DIR: target } = process.env;
  if (named) return named;
  return firstFile([
    daemon && join(dirname(daemon), 'rig'),
    target && join(target, 'debug/rig'),
    join(REPOSITORY, 'target/debug/rig'),
  ]);
}

/** Whether the programs were built for speed. */
export const optimised = (): boolean => !program().includes('/debug/');

/** Where built plugins lie: the folders that the caller names, else where cargo leaves them. */
function pluginSources(): string[] {
  const { XYLEM_PLUGINS: plugins, XYLEM_HOSTILE: hostile } = process.env;
  if (plugins) return hostile ? [plugins, hostile] : [plugins];
  return [join(REPOSITORY, 'plugins/target/wasm32-wasip2/release')];
}

/** Puts plugins into one folder, under the names they are installed by: `auth_ldap.wasm` of cargo is `auth-ldap.wasm`. */
function install(folder: string, hostile: boolean): void {
  mkdirSync(folder, { recursive: true });
  for (const source of pluginSources()) {
    for (const file of readdirSync(source).filter((name) => name.endsWith('.wasm'))) {
      if (!hostile && file.startsWith('hostile')) continue;
      copyFileSync(join(source, file), join(folder, file.replaceAll('_', '-')));
    }
  }
}

/** How long a cold start may take: the daemon compiles every plugin once. */
const START_LIMIT = 80_000;

export interface Rig extends Ready {
  admin: Person;
  stop: () => Promise<void>;
}

export interface RigOptions {
  /** Install the plugins that misbehave, too. */
  hostile: boolean;
  /** A made-up fleet instead of the recorded pools: a number of VMs. */
  fleet: number | undefined;
}

export async function startRig({ hostile, fleet }: RigOptions): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'xylem-browser-'));
  const plugins = join(folder, 'plugins');
  install(plugins, hostile);
  const pools = fleet === undefined ? ['--pools', POOLS.join(','), '--slapd'] : ['--fleet', String(fleet)];
  const words = ['serve', ...pools, '--plugins', plugins];
  const child = spawn(program(), words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<string>((done) => {
    child.once('error', (error) => done(error.message));
    child.once('exit', (code, signal) => done(`it ended with ${signal ?? code}`));
  });
  const stop = async () => {
    child.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const ready = await within(START_LIMIT, firstLine(child), ended);
    return { ...ready, admin: { name: ready.user, password: ready.password }, stop };
  } catch (error) {
    await stop();
    throw new Error(`the rig ${program()} did not start; build it with \`cargo build -p rig -p cli\``, {
      cause: error,
    });
  }
}

async function firstLine(child: ChildProcess): Promise<Ready> {
  if (!child.stdout) throw new Error('the rig has no standard output');
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as Ready;
  throw new Error('the rig printed nothing');
}

async function within<T>(limit: number, wanted: Promise<T>, ended: Promise<string>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not ready after ${limit} ms`)), limit);
  });
  const gone = ended.then((reason) => Promise.reject(new Error(reason)));
  return Promise.race([wanted, late, gone]).finally(() => clearTimeout(timer));
}

/** Sends a command to a simulator: a fault, or a change that somebody makes on the pool itself. */
export async function control(sim: Simulator, command: string, parameters: object = {}): Promise<void> {
  const response = await fetch(`${sim.control}/${command}`, { method: 'POST', body: JSON.stringify(parameters) });
  if (!response.ok) throw new Error(`${command}: ${await response.text()}`);
}

/** Returns the current records of a class: `VM` by reference. */
export async function records(sim: Simulator, kind: string): Promise<Record<string, Record<string, unknown>>> {
  const response = await fetch(`${sim.control}/records/${kind}`);
  return ((await response.json()) as { ok: Record<string, Record<string, unknown>> }).ok;
}

export interface RecordedVm {
  name: string;
  state: string;
}

/** The VMs of a recorded pool, without templates, snapshots and control domains. */
export function recordedVms(pool: (typeof POOLS)[number]): RecordedVm[] {
  const file = join(REPOSITORY, 'tests/xapi-sim/data', `${pool}.json`);
  const dump = JSON.parse(readFileSync(file, 'utf8')) as { VM: Record<string, Record<string, unknown>> };
  return Object.values(dump.VM)
    .filter((vm) => !vm['is_a_template'] && !vm['is_a_snapshot'] && !vm['is_control_domain'])
    .map((vm) => ({ name: String(vm['name_label']), state: String(vm['power_state']) }));
}

/** The name of a recorded pool. */
export function recordedPoolName(pool: (typeof POOLS)[number]): string {
  const file = join(REPOSITORY, 'tests/xapi-sim/data', `${pool}.json`);
  const dump = JSON.parse(readFileSync(file, 'utf8')) as { pool: Record<string, { name_label: string }> };
  return Object.values(dump.pool)[0]?.name_label ?? '';
}

/** The records of a class in a recorded pool. */
export function recorded(pool: (typeof POOLS)[number], type: string): Record<string, unknown>[] {
  const file = join(REPOSITORY, 'tests/xapi-sim/data', `${pool}.json`);
  const dump = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, Record<string, unknown>>>;
  return Object.values(dump[type] ?? {});
}
