/**
 * A readable document beside the code: Markdown that grows while it is written, with links into files.
 *
 * A web view without network, with one script of its own; text of a workspace is never HTML in it.
 */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { parseLink, toHtml } from './markdown';

const STYLE = `
  body { font: var(--vscode-font-weight) var(--vscode-font-size)/1.55 var(--vscode-font-family); max-width: 46em; padding: 0 1.5em 3em; }
  h1 { font-size: 1.5em; font-weight: 600; border-bottom: 1px solid var(--vscode-panel-border); padding-bottom: .35em; }
  code, pre { font-family: var(--vscode-editor-font-family); font-size: var(--vscode-editor-font-size); }
  code { background: var(--vscode-textCodeBlock-background); padding: .1em .3em; border-radius: 3px; }
  h1 code { background: none; padding: 0; font-size: inherit; }
  pre { background: var(--vscode-textCodeBlock-background); padding: .8em 1em; border-radius: 4px; white-space: pre-wrap; }
  pre code { padding: 0; background: none; }
  blockquote { margin: 1em 0; padding: .1em 1em; border-left: 3px solid var(--vscode-textBlockQuote-border); }
  hr { border: 0; border-top: 1px solid var(--vscode-panel-border); }
  a { color: var(--vscode-textLink-foreground); }
  table { border-collapse: collapse; }
  th, td { padding: .2em 1.5em .2em 0; border-bottom: 1px solid var(--vscode-panel-border); text-align: right; font-variant-numeric: tabular-nums; }
  :is(th, td):first-child { text-align: left; }
  li { margin: .2em 0; }
  #stop { position: fixed; top: .8em; right: 1em; border: 0; padding: .35em .9em; border-radius: 2px; cursor: pointer;
    color: var(--vscode-button-foreground); background: var(--vscode-button-background); }
  [hidden] { display: none; }`;

const SCRIPT = `
  const host = acquireVsCodeApi(), text = document.getElementById('text'), stop = document.getElementById('stop');
  window.addEventListener('message', ({ data }) => {
    text.innerHTML = data.html; text.dataset.done = String(data.isDone); stop.hidden = data.isDone; });
  // Before VS Code's own handler, which in a browser would open the link as a page of the server it came from.
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a'); if (!link) return;
    event.preventDefault(); event.stopImmediatePropagation();
    host.postMessage({ open: link.getAttribute('href') }); }, { capture: true });
  stop.addEventListener('click', () => host.postMessage({ stop: true }));
  host.postMessage({ ready: true });`;

function page(): string {
  const nonce = randomUUID();
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; form-action 'none'`;
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${policy}"><style nonce="${nonce}">${STYLE}</style></head>
    <body><button id="stop">Stop</button><main id="text"></main><script nonce="${nonce}">${SCRIPT}</script></body></html>`;
}

interface Message {
  readonly open?: unknown;
  readonly stop?: unknown;
  readonly ready?: unknown;
}

/** One document. Closing it, or its Stop button, cancels `token`. */
export class Reader {
  private readonly panel: vscode.WebviewPanel;
  private readonly source = new vscode.CancellationTokenSource();
  private markdown = '';
  private isDone = false;
  private isOpen = true;

  /** `origin`: the document that relative links are about. */
  constructor(title: string, private readonly origin: vscode.Uri) {
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    this.panel = vscode.window.createWebviewPanel('edgewise.reader', title, place, {
      enableScripts: true,
      enableFindWidget: true,
      retainContextWhenHidden: true,
      localResourceRoots: [],
    });
    this.panel.webview.onDidReceiveMessage((message: Message) => this.onMessage(message));
    this.panel.onDidDispose(() => {
      this.isOpen = false;
      this.source.cancel();
    });
    this.panel.webview.html = page();
  }

  get token(): vscode.CancellationToken {
    return this.source.token;
  }

  append(markdown: string): void {
    this.markdown += markdown;
    this.publish();
  }

  /** The whole text, which replaces what was streamed. */
  finish(markdown: string): void {
    this.markdown = markdown;
    this.isDone = true;
    this.publish();
  }

  /** No more comes; `why` is put below what there is. */
  breakOff(why: string): void {
    this.finish(`${this.markdown}${this.markdown === '' ? '' : '\n\n---\n\n'}_${why}_\n`);
  }

  private publish(): void {
    if (this.isOpen) {
      void this.panel.webview.postMessage({ html: toHtml(this.markdown), isDone: this.isDone });
    }
  }

  private onMessage(message: Message): void {
    if (message.ready === true) {
      this.publish();
    } else if (message.stop === true) {
      this.source.cancel();
    } else if (typeof message.open === 'string') {
      void openLink(message.open, this.origin);
    }
  }
}

async function openLink(href: string, origin: vscode.Uri): Promise<void> {
  const link = parseLink(href);
  const uri = link && resolve(link.path, origin);
  if (link === undefined || uri === undefined) {
    return;
  }
  const selection = new vscode.Range(link.line - 1, 0, link.line - 1, 0);
  try {
    const document = await vscode.workspace.openTextDocument(uri);
    const column = vscode.window.visibleTextEditors.find((editor) => editor.document.uri.scheme !== 'output')?.viewColumn;
    await vscode.window.showTextDocument(document, { selection, viewColumn: column ?? vscode.ViewColumn.One });
  } catch {
    void vscode.window.setStatusBarMessage(`edgewise: ${link.path} cannot be opened`, 5000);
  }
}

/** Only what lies in the workspace, or is the document itself: a name in a file must not open any file there is. */
function resolve(path: string, origin: vscode.Uri): vscode.Uri | undefined {
  const folder = vscode.workspace.getWorkspaceFolder(origin)?.uri ?? vscode.Uri.joinPath(origin, '..');
  const uri = /^([a-z]:)?[\\/]/i.test(path) ? origin.with({ path: vscode.Uri.file(path).path }) : vscode.Uri.joinPath(folder, path);
  const isInside = vscode.workspace.getWorkspaceFolder(uri) !== undefined || uri.path.startsWith(`${folder.path}/`);
  return isInside || uri.path === origin.path ? uri : undefined;
}
