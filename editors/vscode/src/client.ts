/**
 * The language client: vscode-languageclient, made silent. Knows the protocol; must not know status bar or commands.
 *
 * Silent: a failed request goes to the log. What a person must know is said once, by `server.ts`.
 */
import type * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  RevealOutputChannelOn,
  type DynamicFeature,
  type LanguageClientOptions,
  type Middleware,
  type StaticFeature,
} from 'vscode-languageclient/node';
import { LineLogger } from './serverLog';

/** Code lives in these; output panes, search editors and the old side of a diff get no suggestions. */
const SCHEMES = ['file', 'untitled', 'vscode-notebook-cell'];

export class QuietClient extends LanguageClient {
  /** The extension's own commands stand in for the server's: they exist before it runs, and after it died. */
  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const method = 'registrationType' in feature ? feature.registrationType.method : '';
    if (method !== ExecuteCommandRequest.method) {
      super.registerFeature(feature);
    }
  }

  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  override warn(message: string, data?: unknown): void {
    super.warn(message, data, false);
  }

  override info(message: string, data?: unknown): void {
    super.info(message, data, false);
  }
}

export function makeClient(
  program: string,
  home: string,
  log: vscode.LogOutputChannel,
  middleware: Middleware,
): QuietClient {
  const options: LanguageClientOptions = {
    documentSelector: SCHEMES.map((scheme) => ({ scheme })),
    outputChannel: log,
    traceOutputChannel: log,
    stdioOptions: {
      stdout: (input) => void input.resume(), // the protocol's own
      stderr: (input, channel) => {
        const logger = new LineLogger(channel);
        input.on('data', (text: Buffer | string) => logger.take(text.toString()));
      },
    },
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    middleware,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => ({ action: CloseAction.DoNotRestart, handled: true, message: 'The connection to the server closed.' }),
    },
    initializationFailedHandler: () => false,
  };
  // Not in the workspace: a program started there may take its libraries from there.
  const run = { command: program, args: ['serve'], options: { cwd: home } };
  return new QuietClient('edgewise', 'edgewise', run, options);
}
