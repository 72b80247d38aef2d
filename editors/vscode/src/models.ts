/** The model picker: what is here, what could be fetched, what this machine would get; and the fetching. */
import { setInterval } from 'node:timers/promises';
import * as vscode from 'vscode';
import { entries, megabytes, percent, type Entry, type ModelRow } from './modelRows';
import { parseOutput, run, type Cancellation } from './processes';

const POLL_MS = 2000;

interface ModelList {
  readonly models: readonly ModelRow[];
  readonly partial_bytes: number;
}

interface SettingList {
  readonly settings: readonly { readonly name: string; readonly value: unknown }[];
}

type Choice = vscode.QuickPickItem & { readonly row?: Entry['row'] };

const MEASURE: Choice = {
  label: '$(dashboard) How fast would each be here?',
  detail: 'Measures this machine, which takes about a minute',
  alwaysShow: true,
};

export class Models {
  constructor(
    private readonly findProgram: () => string,
    private readonly home: string,
    private readonly onWork: (text: string) => void,
    private readonly onChosen: () => Promise<void>,
  ) {}

  async pick(): Promise<void> {
    const picker = vscode.window.createQuickPick<Choice>();
    picker.title = 'edgewise: the model that completes';
    picker.placeholder = 'Sizes are of the file; memory is what this machine would need at the usual context';
    picker.matchOnDetail = true;
    picker.busy = true;
    picker.onDidHide(() => picker.dispose());
    picker.onDidAccept(() => {
      const chosen = picker.selectedItems[0];
      picker.hide();
      if (chosen !== undefined) {
        void (chosen.row === undefined ? this.measure() : this.choose(chosen.row)).catch(complain);
      }
    });
    picker.show();
    try {
      picker.items = await this.entries();
      picker.busy = false;
    } catch (error) {
      picker.hide();
      complain(error);
    }
  }

  private async entries(): Promise<Choice[]> {
    const [list, current] = await Promise.all([this.list(), this.current()]);
    const isMeasured = list.models.some((row) => row.forecast);
    return isMeasured ? entries(list.models, current) : [...entries(list.models, current), MEASURE];
  }

  /** What each model would do here follows from a few measured rates of this machine. */
  private async measure(): Promise<void> {
    const place = { location: vscode.ProgressLocation.Notification, title: 'edgewise: measuring this machine', cancellable: true };
    await vscode.window.withProgress(place, (_progress, token) => this.command(['model', 'bench', '--calibrate'], token));
    await this.pick();
  }

  private async command<T>(args: string[], cancellation?: Cancellation): Promise<T> {
    return parseOutput(await run(this.findProgram(), [...args, '--json'], this.home, cancellation)) as T;
  }

  private list(): Promise<ModelList> {
    return this.command(['model', 'list']);
  }

  private async current(): Promise<string> {
    const own = vscode.workspace.getConfiguration('edgewise').inspect<string>('model.name')?.globalValue;
    const { settings } = await this.command<SettingList>(['settings']);
    return own ?? String(settings.find((row) => row.name === 'model.name')?.value);
  }

  private async choose(row: ModelRow): Promise<void> {
    if (row.problem !== '') {
      throw new Error(row.problem);
    }
    if (row.path === '' && !(await this.pull(row))) {
      return;
    }
    await this.command(['model', 'use', row.name]);
    const configuration = vscode.workspace.getConfiguration('edgewise');
    if (configuration.inspect('model.name')?.globalValue !== undefined) {
      // VS Code's own setting would win over what was just chosen for every editor.
      await configuration.update('model.name', undefined, vscode.ConfigurationTarget.Global);
    }
    await this.onChosen();
  }

  /** False when it was cancelled. */
  private pull(row: ModelRow): Thenable<boolean> {
    const title = `edgewise: fetching ${row.name} (${row.size_bytes === 0 ? 'size not known' : megabytes(row.size_bytes)})`;
    const place = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    return vscode.window.withProgress(place, async (progress, token) => {
      let done = 0;
      const watching = new AbortController();
      void this.watch(row, watching.signal, (text, percentage) => {
        progress.report({ message: text, increment: Math.max(0, percentage - done) });
        done = Math.max(done, percentage);
        this.onWork(`fetching ${text}`);
      }).catch(() => undefined); // aborted
      try {
        await this.command(['model', 'pull', row.name], token);
        return true;
      } catch (error) {
        if (token.isCancellationRequested) {
          return false;
        }
        throw error;
      } finally {
        watching.abort();
        this.onWork('');
      }
    });
  }

  /** The command says nothing while it fetches: what it keeps on disk is counted. */
  private async watch(row: ModelRow, signal: AbortSignal, report: (text: string, percentage: number) => void): Promise<void> {
    for await (const _ of setInterval(POLL_MS, undefined, { signal })) {
      const bytes = await this.list().then((list) => list.partial_bytes, () => 0);
      if (signal.aborted) {
        return; // it ended while it was counted: the status is another's by now
      }
      const part = percent(bytes, row.size_bytes);
      report(part === undefined ? megabytes(bytes) : `${part} %`, part ?? 0);
    }
  }
}

function complain(error: unknown): void {
  void vscode.window.showErrorMessage(`edgewise: ${error instanceof Error ? error.message : String(error)}`);
}
