/** What happens between VS Code and the server: settings that were set, suggestions unless paused. */
import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';
import { collectSet, serverSettings } from './configuration';
import { isPaused } from './pause';
import type { StatusBar } from './statusBar';
import { idOf, type Given } from './suggestion';

/** What VS Code runs when a suggestion is taken, and what the server counts it by. */
export const ACCEPTED = 'edgewise.accepted';

interface Manifest {
  readonly contributes: { readonly configuration: { readonly properties: Record<string, { scope?: string }> } };
}

export function makeMiddleware(manifest: Manifest, bar: StatusBar, given: Given): Middleware {
  const { names, machine } = serverSettings(manifest.contributes.configuration.properties);
  return {
    workspace: {
      configuration: (params) =>
        params.items.map((item) =>
          item.section === 'edgewise' ? collectSet(names, machine, vscode.workspace.getConfiguration('edgewise')) : null,
        ),
    },
    provideInlineCompletionItems: async (document, position, context, token, next) => {
      if (isPaused(bar.pause, Date.now())) {
        return null;
      }
      const result = await bar.while(Promise.resolve(next(document, position, context, token)));
      if (!token.isCancellationRequested) {
        given.give(idOf(result, ACCEPTED));
      }
      return result;
    },
  };
}
