/**
 * What the server is told of VS Code's settings: only what a person set. The defaults of `package.json` are for the
 * settings editor; sent to the server they would hide the user's own config.toml.
 *
 * Pure. `edgewise.vscode.*` is this extension's own and stays here.
 */

/** What `WorkspaceConfiguration.inspect` says of one setting. */
export interface Inspected {
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

export interface Configuration {
  get(name: string): unknown;
  inspect(name: string): Inspected | undefined;
}

/** A machine-scope setting counts only when the user's own configuration holds it. */
export function collectSet(
  names: Iterable<string>,
  machine: ReadonlySet<string>,
  configuration: Configuration,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const found = configuration.inspect(name);
    if (machine.has(name)) {
      if (found?.globalValue !== undefined) {
        values[name] = found.globalValue;
      }
    } else if ([found?.globalValue, found?.workspaceValue, found?.workspaceFolderValue].some((v) => v !== undefined)) {
      values[name] = configuration.get(name);
    }
  }
  return values;
}

interface Property {
  readonly scope?: string;
}

/** The server's settings, without `edgewise.`, as the generated block of package.json lists them. */
export function serverSettings(properties: Readonly<Record<string, Property>>): {
  names: string[];
  machine: Set<string>;
} {
  const own = Object.keys(properties).filter((name) => !name.startsWith('edgewise.vscode.'));
  const names = own.map((name) => name.replace(/^edgewise\./, ''));
  const machine = names.filter((name) => properties[`edgewise.${name}`]?.scope === 'machine');
  return { names, machine: new Set(machine) };
}
