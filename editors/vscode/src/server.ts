/**
 * The server process: found, started, watched, started again with a limit. Says what happened through `Listener`.
 *
 * Must not know the status bar or any command.
 */
import * as vscode from 'vscode';
import { ExecuteCommandRequest, State, type Middleware } from 'vscode-languageclient/node';
import { makeClient, type QuietClient } from './client';
import type { Found } from './executable';
import { Restarts } from './restarts';
import type { Process, ServerStatus } from './status';
import { isOlder } from './versions';

export interface Listener {
  onProcess(process: Process): void;
  onTooOld(program: string, version: string): void;
}

export class Server implements vscode.Disposable {
  private client: QuietClient | undefined;
  private readonly restarts = new Restarts();
  private timer: NodeJS.Timeout | undefined;
  /** Grows with each start: what an earlier process still has to say is not heard. */
  private generation = 0;

  constructor(
    private readonly find: () => Found,
    private readonly home: string,
    private readonly wantedVersion: string,
    private readonly log: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
    private readonly listener: Listener,
  ) {}

  async start(): Promise<void> {
    const generation = ++this.generation;
    clearTimeout(this.timer);
    const found = this.find();
    if ('problem' in found) {
      this.listener.onProcess({ kind: 'missing', problem: found.problem });
      return;
    }
    this.listener.onProcess({ kind: 'starting' });
    const client = makeClient(found.program, this.home, this.log, this.middleware);
    this.client = client;
    client.onNotification('edgewise/status', (status: ServerStatus) => {
      if (generation === this.generation) {
        this.listener.onProcess({ kind: 'running', status });
      }
    });
    client.onDidChangeState((change) => {
      if (change.newState === State.Stopped) {
        this.onEnded(generation, found.program);
      }
    });
    await this.begin(client, generation, found.program);
  }

  private async begin(client: QuietClient, generation: number, program: string): Promise<void> {
    try {
      await client.start();
    } catch (error) {
      this.log.error(`The server did not start: ${String(error)}`);
      this.onEnded(generation, program);
      return;
    }
    const version = client.initializeResult?.serverInfo?.version ?? '0';
    if (isOlder(version, this.wantedVersion)) {
      this.listener.onTooOld(program, version);
    }
  }

  /** A process that was not asked to end has ended. */
  private onEnded(generation: number, program: string): void {
    if (generation !== this.generation) {
      return;
    }
    this.generation++;
    this.client = undefined;
    const delay = this.restarts.next(Date.now());
    if (delay === undefined) {
      const problem = `the server ${program} ended five times in three minutes and is not started again: see the log, then choose Restart`;
      this.listener.onProcess({ kind: 'failed', problem });
      return;
    }
    this.log.warn(`The server ended; it is started again in ${delay} ms.`);
    this.listener.onProcess({ kind: 'starting' });
    this.timer = setTimeout(() => void this.start(), delay);
  }

  /** Because a person asked: the limit starts anew. */
  async restart(): Promise<void> {
    this.restarts.forget();
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    this.generation++;
    clearTimeout(this.timer);
    const client = this.client;
    this.client = undefined;
    try {
      await client?.stop();
    } catch (error) {
      this.log.warn(`The server did not stop in order: ${String(error)}`);
    }
  }

  get isRunning(): boolean {
    return this.client?.isRunning() ?? false;
  }

  get running(): QuietClient {
    if (this.client === undefined || !this.client.isRunning()) {
      throw new Error('The edgewise server is not running: the status bar says why.');
    }
    return this.client;
  }

  /** One of the server's own commands. */
  async execute(command: string, args: unknown[], token?: vscode.CancellationToken): Promise<unknown> {
    const params = { command, arguments: args };
    const answer: unknown = await this.running.sendRequest(ExecuteCommandRequest.type, params, token);
    return answer;
  }

  dispose(): void {
    void this.stop();
  }
}
