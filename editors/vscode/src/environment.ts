/**
 * The virtual environment that this extension makes for the server, when a person agrees: outside of any workspace,
 * from the wheel that is packed with the extension. Its dependencies come from the user's package index.
 */
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import * as path from 'node:path';
import { onPath, programIn } from './executable';
import { run, type Cancellation } from './processes';

const PYTHONS = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];
const IS_NEW_ENOUGH = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))';

export interface Installation {
  /** The folder to make the environment in. */
  readonly environment: string;
  readonly wheelFolder: string;
  readonly home: string;
  readonly pathVariable: string;
  readonly platform: NodeJS.Platform;
  say(step: string): void;
  log(text: string): void;
}

/** Raises an error whose message says what to do. */
export async function install(plan: Installation, cancellation: Cancellation): Promise<void> {
  const wheel = (await readdir(plan.wheelFolder).catch(() => [])).find((file) => file.endsWith('.whl'));
  if (wheel === undefined) {
    throw new Error('this build of the extension holds no server: install edgewise with `pip install` from its repository');
  }
  const python = await findPython(plan);
  plan.say('making a virtual environment');
  await step(plan, python, ['-m', 'venv', '--clear', plan.environment], cancellation);
  plan.say('installing the server and its libraries');
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', path.join(plan.wheelFolder, wheel)];
  await step(plan, programIn(plan.environment, plan.platform, 'python'), pip, cancellation);
}

async function findPython(plan: Installation): Promise<string> {
  for (const candidate of PYTHONS.flatMap((name) => onPath(name, plan))) {
    const isProgram = await access(candidate, constants.X_OK).then(() => true, () => false);
    if (isProgram && (await run(candidate, ['-c', IS_NEW_ENOUGH], plan.home)).code === 0) {
      return candidate;
    }
  }
  throw new Error('there is no Python 3.11 or newer with venv on PATH: install one (on Debian: python3-venv), then try again');
}

async function step(plan: Installation, program: string, args: string[], cancellation: Cancellation): Promise<void> {
  const { code, output, errors } = await run(program, args, plan.home, cancellation);
  plan.log(output + errors);
  if (code !== 0) {
    const reason = (errors.trim().split('\n').at(-1) ?? '').slice(0, 300);
    throw new Error(`${path.basename(program)} ${args.slice(0, 3).join(' ')} failed (${reason}): see the log`);
  }
}
