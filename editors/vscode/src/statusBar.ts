/** The item in the status bar. What it says is decided in `status.ts`. */
import * as vscode from 'vscode';
import { RUNNING, type Pause } from './pause';
import { view, type Process, type View } from './status';

/** Answers that come sooner are not worth a moving icon. */
const COMPUTING_SHOWN_AFTER_MS = 200;

export class StatusBar implements vscode.Disposable {
  process: Process = { kind: 'starting' };
  pause: Pause = RUNNING;
  work = '';
  off = '';
  private shown = '';
  private nComputing = 0;
  private isComputing = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly item = vscode.window.createStatusBarItem('edgewise.status', vscode.StatusBarAlignment.Right, 100);

  constructor() {
    this.item.name = 'edgewise';
    this.item.command = 'edgewise.menu';
    this.refresh();
    this.item.show();
  }

  get view(): View {
    const { process, pause, work, off, isComputing } = this;
    return view({ process, pause, work, off, isComputing, now: Date.now() });
  }

  /** Each assignment is a message to the window: only what has changed is one. */
  refresh(): void {
    const { kind, text, detail } = this.view;
    const shown = JSON.stringify([kind, text, detail]);
    if (this.shown === shown) {
      return;
    }
    this.shown = shown;
    this.item.text = text;
    this.item.tooltip = detail;
    this.item.accessibilityInformation = { label: `edgewise, ${kind}: ${detail}` };
    this.item.backgroundColor = kind === 'failed' ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
  }

  /** Counts a request while it runs. */
  async while<T>(work: PromiseLike<T>): Promise<T> {
    this.nComputing++;
    this.timer ??= setTimeout(() => this.setComputing(true), COMPUTING_SHOWN_AFTER_MS);
    try {
      return await work;
    } finally {
      this.nComputing--;
      if (this.nComputing === 0) {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.setComputing(false);
      }
    }
  }

  private setComputing(isComputing: boolean): void {
    if (this.isComputing !== isComputing) {
      this.isComputing = isComputing;
      this.refresh();
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.item.dispose();
  }
}
