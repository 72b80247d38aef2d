/** Explain, document, tests, fix: asks the server about a range and shows what it answers. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { ProgressType, ResponseError } from 'vscode-languageclient/node';
import { parseAnswer } from './answers';
import { Reader } from './reader';
import type { Review } from './review';
import type { Server } from './server';

/** What a code action of the server hands over; a command of the palette has none. */
interface Target {
  readonly uri: string;
  readonly range: { readonly start: vscode.Position; readonly end: vscode.Position };
  readonly diagnostics?: readonly object[];
}

interface Piece {
  readonly value?: unknown;
}

const PROPOSALS: Readonly<Record<string, string>> = {
  'edgewise.document': 'Document',
  'edgewise.tests': 'Write tests',
  'edgewise.fix': 'Fix',
};

export class Assist {
  constructor(
    private readonly server: Server,
    private readonly review: Review,
  ) {}

  register(): vscode.Disposable[] {
    const proposals = Object.entries(PROPOSALS).map(([command, title]) =>
      vscode.commands.registerCommand(command, (argument?: unknown) => this.propose(command, title, argument)),
    );
    return [vscode.commands.registerCommand('edgewise.explain', (argument?: unknown) => this.explain(argument)), ...proposals];
  }

  private async explain(argument: unknown): Promise<void> {
    const target = findTarget(argument);
    if (target === undefined || !this.isServed()) {
      return;
    }
    const uri = vscode.Uri.parse(target.uri);
    const reader = new Reader(`Explain ${uri.path.split('/').at(-1) ?? ''}`, uri);
    const token = randomUUID();
    const client = this.server.running;
    const listening = client.onProgress(new ProgressType<Piece>(), token, ({ value }) => {
      if (typeof value === 'string') {
        reader.append(value);
      }
    });
    try {
      const answer = parseAnswer(await this.server.execute('edgewise.explain', [{ ...target, partialResultToken: token }], reader.token));
      reader.finish(answer.kind === 'markdown' ? answer.markdown : 'The server had nothing to say.');
    } catch (error) {
      reader.breakOff(reader.token.isCancellationRequested ? 'Stopped.' : sentenceOf(error));
    } finally {
      listening.dispose();
    }
  }

  private async propose(command: string, title: string, argument: unknown): Promise<void> {
    const target = findTarget(argument);
    if (target === undefined || !this.isServed()) {
      return;
    }
    try {
      await this.showAnswer(title, target, await this.ask(command, title, target));
    } catch (error) {
      void vscode.window.showInformationMessage(`edgewise: ${sentenceOf(error)}`);
    }
  }

  private ask(command: string, title: string, target: Target): Thenable<unknown> {
    const place = { location: vscode.ProgressLocation.Window, title: `edgewise: ${title}` };
    return vscode.window.withProgress(place, (_progress, token) => this.server.execute(command, [target], token));
  }

  private async showAnswer(title: string, target: Target, value: unknown): Promise<void> {
    const answer = parseAnswer(value);
    const uri = vscode.Uri.parse(target.uri);
    if (answer.kind === 'edits') {
      await this.review.show(title, answer.uri === undefined ? uri : vscode.Uri.parse(answer.uri), answer.edits);
    } else if (answer.kind === 'markdown') {
      new Reader(title, uri).finish(answer.markdown);
    } else {
      void vscode.window.showInformationMessage(`edgewise: ${answer.sentence}`);
    }
  }

  private isServed(): boolean {
    if (!this.server.isRunning) {
      void vscode.commands.executeCommand('edgewise.menu');
    }
    return this.server.isRunning;
  }
}

/** The code action's own target; else the selection of the editor, an empty one being the function at the cursor. */
function findTarget(argument: unknown): Target | undefined {
  if (typeof argument === 'object' && argument !== null && 'uri' in argument && 'range' in argument) {
    return argument as Target;
  }
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    void vscode.window.setStatusBarMessage('edgewise: put the cursor into some code first', 5000);
    return undefined;
  }
  const { document, selection } = editor;
  const { start, end } = selection;
  return { uri: document.uri.toString(), range: { start, end }, diagnostics: diagnosticsOf(document, selection) };
}

/** Those of the selected lines, as the protocol has them. */
function diagnosticsOf(document: vscode.TextDocument, { start, end }: vscode.Range): object[] {
  const lines = new vscode.Range(start.line, 0, end.line, document.lineAt(end.line).text.length);
  return vscode.languages
    .getDiagnostics(document.uri)
    .filter(({ range }) => range.intersection(lines) !== undefined)
    .map(({ message, range, source }) => ({ message, range: { start: range.start, end: range.end }, source }));
}

export function sentenceOf(error: unknown): string {
  if (error instanceof ResponseError || error instanceof Error) {
    return error.message;
  }
  return String(error);
}
