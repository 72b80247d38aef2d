/**
 * Where the program `edgewise` is: the setting, then this extension's own virtual environment, then PATH.
 *
 * Pure but for the port `isProgram`. Nothing of a workspace is looked at: a repository must not choose what runs.
 */
import * as path from 'node:path';

export interface Places {
  /** The machine-scope setting, or "". */
  readonly setting: string;
  /** Folder of the virtual environment that this extension made, or would make. */
  readonly environment: string;
  readonly pathVariable: string;
  readonly home: string;
  readonly platform: NodeJS.Platform;
  isProgram(file: string): boolean;
}

export type Found = { readonly program: string } | { readonly problem: string };

export const NOT_INSTALLED = 'edgewise is not installed on this machine';

export function findProgram(places: Places): Found {
  if (places.setting !== '') {
    return fromSetting(places);
  }
  const program = [programIn(places.environment, places.platform), ...onPath('edgewise', places)].find(
    (candidate) => places.isProgram(candidate),
  );
  return program === undefined ? { problem: NOT_INSTALLED } : { program };
}

function fromSetting(places: Places): Found {
  const program = places.setting.replace(/^~(?=[\\/])/, () => places.home);
  if (!paths(places.platform).isAbsolute(program)) {
    return { problem: `The setting edgewise.vscode.executable is "${places.setting}", which is not an absolute path` };
  }
  if (!places.isProgram(program)) {
    return { problem: `The setting edgewise.vscode.executable names ${program}, which is not a program that can be run` };
  }
  return { program };
}

/** A program of a virtual environment. */
export function programIn(environment: string, platform: NodeJS.Platform, name = 'edgewise'): string {
  return platform === 'win32'
    ? path.win32.join(environment, 'Scripts', `${name}.exe`)
    : path.posix.join(environment, 'bin', name);
}

/** The candidates for a program on PATH. Relative entries would mean the current folder: they are left out. */
export function onPath(name: string, places: Pick<Places, 'pathVariable' | 'platform'>): string[] {
  const style = paths(places.platform);
  const file = places.platform === 'win32' ? `${name}.exe` : name;
  return places.pathVariable
    .split(style.delimiter)
    .filter((folder) => style.isAbsolute(folder))
    .map((folder) => style.join(folder, file));
}

function paths(platform: NodeJS.Platform): path.PlatformPath {
  return platform === 'win32' ? path.win32 : path.posix;
}
