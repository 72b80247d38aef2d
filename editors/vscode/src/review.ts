/**
 * A proposed change as a diff beside nothing else: Enter takes it, Escape drops it.
 *
 * The proposal is a virtual document; the file changes only when it is taken, as one edit that can be undone.
 */
import * as vscode from 'vscode';
import { applyEdits, type Edit } from './answers';

const SCHEME = 'edgewise-proposal';
const CONTEXT = 'edgewise.isReviewing';

interface Proposal {
  readonly target: vscode.Uri;
  readonly version: number;
  readonly edits: readonly Edit[];
  readonly text: string;
  readonly shown: vscode.Uri;
}

export class Review implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private proposal: Proposal | undefined;
  private count = 0;
  private readonly parts: vscode.Disposable[];

  constructor() {
    this.parts = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.commands.registerCommand('edgewise.acceptProposal', () => this.accept()),
      vscode.commands.registerCommand('edgewise.dropProposal', () => this.close()),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => this.onClosed(closed)),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return uri.toString() === this.proposal?.shown.toString() ? this.proposal.text : '';
  }

  async show(title: string, target: vscode.Uri, edits: readonly Edit[]): Promise<void> {
    await this.close();
    const document = await vscode.workspace.openTextDocument(target);
    // The path ends as the file's does, so that the proposal has its language.
    const shown = target.with({ scheme: SCHEME, query: String(++this.count) });
    const text = applyEdits(document.getText(), edits);
    this.proposal = { target, version: document.version, edits, text, shown };
    await vscode.commands.executeCommand('setContext', CONTEXT, true);
    const heading = `${title}: Enter takes, Esc drops`;
    await vscode.commands.executeCommand('vscode.diff', target, shown, heading, { preview: true });
  }

  private async accept(): Promise<void> {
    const proposal = this.proposal;
    if (proposal === undefined) {
      return;
    }
    await this.close();
    const document = await vscode.workspace.openTextDocument(proposal.target);
    if (document.version !== proposal.version) {
      void vscode.window.showWarningMessage('edgewise: the file has changed since; the proposal was dropped. Ask again.');
      return;
    }
    const change = new vscode.WorkspaceEdit();
    for (const { range: { start, end }, newText } of proposal.edits) {
      change.replace(proposal.target, new vscode.Range(start.line, start.character, end.line, end.character), newText);
    }
    await vscode.workspace.applyEdit(change);
    await vscode.window.showTextDocument(document);
  }

  private async close(): Promise<void> {
    const shown = this.proposal?.shown.toString();
    await this.forget();
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    await vscode.window.tabGroups.close(tabs.filter((tab) => shown !== undefined && modifiedOf(tab) === shown));
  }

  private onClosed(tabs: readonly vscode.Tab[]): void {
    if (tabs.some((tab) => modifiedOf(tab) === this.proposal?.shown.toString())) {
      void this.forget();
    }
  }

  private async forget(): Promise<void> {
    this.proposal = undefined;
    await vscode.commands.executeCommand('setContext', CONTEXT, false);
  }

  dispose(): void {
    this.parts.forEach((part) => void part.dispose());
  }
}

function modifiedOf(tab: vscode.Tab): string {
  return tab.input instanceof vscode.TabInputTextDiff ? tab.input.modified.toString() : '';
}
