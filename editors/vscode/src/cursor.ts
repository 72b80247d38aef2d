/**
 * Tells the server where the cursor was put, so that what it needs there is ready before anything is typed. Not while
 * a person types: an edit says where the cursor is by itself.
 */
import * as vscode from 'vscode';
import type { Server } from './server';

const CURSOR_MOVED = 'edgewise/cursorMoved';

export class Cursor {
  private seen = '';

  constructor(private readonly server: Server) {}

  register(): vscode.Disposable[] {
    return [
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.onMoved(textEditor)),
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.onMoved(editor)),
    ];
  }

  private onMoved({ document, selection }: vscode.TextEditor): void {
    const uri = document.uri.toString();
    const text = `${document.version} ${uri}`;
    const isTyped = text !== this.seen && this.seen.endsWith(` ${uri}`);
    this.seen = text;
    if (!isTyped && this.server.isRunning) {
      const { line, character } = selection.active;
      void this.server.running.sendNotification(CURSOR_MOVED, { textDocument: { uri }, position: { line, character } });
    }
  }
}
