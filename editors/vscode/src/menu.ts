/** The menu of the status bar item. */
import * as vscode from 'vscode';
import { isPaused } from './pause';
import type { StatusBar } from './statusBar';

interface Item extends vscode.QuickPickItem {
  readonly command?: string;
}

/** Commands that show nothing of their own. */
const SWITCHES = new Set(['pause', 'resume', 'snooze', 'toggleLanguage', 'restart'].map((name) => `edgewise.${name}`));

const SEPARATOR: Item = { label: '', kind: vscode.QuickPickItemKind.Separator };

export async function showMenu(bar: StatusBar): Promise<void> {
  const chosen = await vscode.window.showQuickPick(items(bar), {
    title: bar.view.text.replace(/^\$\([^)]*\)\s*/, ''),
    placeHolder: bar.view.brief,
  });
  if (chosen?.command !== undefined) {
    await vscode.commands.executeCommand(chosen.command);
    if (SWITCHES.has(chosen.command)) {
      // The click has left the focus in the status bar; a person wants to type on.
      await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    }
  }
}

function items(bar: StatusBar): Item[] {
  const language = vscode.window.activeTextEditor?.document.languageId;
  const isOff = bar.off.includes('disabled_languages');
  const { kind } = bar.process;
  return [
    ...(kind === 'missing' ? [item('$(desktop-download) Install the server…', 'install'), SEPARATOR] : []),
    isPaused(bar.pause, Date.now())
      ? item('$(debug-start) Resume suggestions', 'resume')
      : item('$(debug-pause) Pause suggestions', 'pause', 'in this window'),
    item('$(clock) Snooze…', 'snooze', 'for some minutes'),
    ...(language === undefined ? [] : [item(`$(circle-slash) Turn ${isOff ? 'on' : 'off'} for ${language}`, 'toggleLanguage')]),
    SEPARATOR,
    item('$(server-environment) Model…', 'model', modelOf(bar)),
    item('$(question) Why was there no suggestion?', 'why'),
    item('$(graph) Statistics', 'stats', 'counted on this machine only'),
    SEPARATOR,
    item('$(output) Log', 'log'),
    item('$(debug-restart) Restart', 'restart'),
    item('$(gear) Settings', 'settings'),
  ];
}

function item(label: string, name: string, description = ''): Item {
  return { label, command: `edgewise.${name}`, description };
}

function modelOf(bar: StatusBar): string {
  return bar.process.kind === 'running' ? (bar.process.status?.model ?? '') : '';
}
