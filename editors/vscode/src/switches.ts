/** Switching suggestions off and on: for this window, for a while, for a language, for files of a pattern. */
import * as vscode from 'vscode';
import { FOR_GOOD, isPaused, RUNNING, SNOOZE_MINUTES, snooze, type Pause } from './pause';
import type { StatusBar } from './statusBar';

const TICK_MS = 15_000;

export class Switches implements vscode.Disposable {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly bar: StatusBar) {}

  register(): vscode.Disposable[] {
    const { registerCommand } = vscode.commands;
    return [
      this,
      registerCommand('edgewise.pause', () => this.set({ kind: 'paused', until: FOR_GOOD })),
      registerCommand('edgewise.resume', () => this.set(RUNNING)),
      registerCommand('edgewise.snooze', (minutes?: unknown) => this.snooze(minutes)),
      registerCommand('edgewise.toggleLanguage', () => toggleLanguage()),
      registerCommand('edgewise.excludeFiles', () => excludeFiles()),
      vscode.window.onDidChangeActiveTextEditor(() => this.refreshOff()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('edgewise.completion')) {
          this.refreshOff();
        }
      }),
    ];
  }

  private set(pause: Pause): void {
    clearTimeout(this.timer);
    this.bar.pause = pause;
    const isOn = isPaused(pause, Date.now());
    void vscode.commands.executeCommand('setContext', 'edgewise.isPaused', isOn);
    if (isOn) {
      void vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
      this.watch(pause);
    }
    this.bar.refresh();
  }

  /** The minutes that are left are shown; at its end a snooze is over, and the status bar says so at once. */
  private watch(pause: Pause): void {
    const left = pause.kind === 'paused' ? pause.until - Date.now() : 0;
    this.timer = setTimeout(() => {
      if (isPaused(pause, Date.now())) {
        this.bar.refresh();
        this.watch(pause);
      } else {
        this.set(RUNNING);
      }
    }, Math.min(TICK_MS, left));
  }

  private async snooze(minutes: unknown): Promise<void> {
    if (typeof minutes === 'number') {
      this.set(snooze(Date.now(), minutes));
      return;
    }
    const choices = SNOOZE_MINUTES.map((length) => ({ label: `${length} minutes`, length }));
    const chosen = await vscode.window.showQuickPick(choices, { placeHolder: 'No suggestions in this window for' });
    if (chosen !== undefined) {
      this.set(snooze(Date.now(), chosen.length));
    }
  }

  refreshOff(): void {
    this.bar.off = whyOff(vscode.window.activeTextEditor?.document);
    this.bar.refresh();
  }

  dispose(): void {
    clearTimeout(this.timer);
  }
}

function whyOff(document: vscode.TextDocument | undefined): string {
  const settings = vscode.workspace.getConfiguration('edgewise.completion', document);
  if (settings.get<boolean>('enabled') === false) {
    return 'edgewise.completion.enabled is off.';
  }
  const language = document?.languageId ?? '';
  const isOff = settings.get<string[]>('disabled_languages')?.includes(language) === true;
  return isOff ? `edgewise.completion.disabled_languages holds ${language}.` : '';
}

async function toggleLanguage(): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  if (language !== undefined) {
    await update('disabled_languages', (list) =>
      list.includes(language) ? list.filter((name) => name !== language) : [...list, language],
    );
  }
}

async function excludeFiles(): Promise<void> {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const value = uri === undefined ? '' : vscode.workspace.asRelativePath(uri, false);
  const pattern = await vscode.window.showInputBox({
    title: 'Suggest nothing in files of this gitignore pattern',
    value,
    prompt: 'edgewise.completion.disabled_globs',
  });
  if (pattern !== undefined && pattern !== '') {
    await update('disabled_globs', (list) => [...new Set([...list, pattern])]);
  }
}

async function update(name: string, change: (list: string[]) => string[]): Promise<void> {
  const settings = vscode.workspace.getConfiguration('edgewise.completion');
  await settings.update(name, change(settings.get<string[]>(name) ?? []), vscode.ConfigurationTarget.Global);
}
