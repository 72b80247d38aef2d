/** Wires the parts together when VS Code starts the extension. No logic of its own. */
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { DidChangeConfigurationNotification } from 'vscode-languageclient/node';
import { Assist, sentenceOf } from './assist';
import { Cursor } from './cursor';
import { install } from './environment';
import { findProgram, type Found } from './executable';
import { showMenu } from './menu';
import { ACCEPTED, makeMiddleware } from './middleware';
import { Models } from './models';
import { Notices } from './notices';
import { Reader } from './reader';
import { toMarkdown } from './reports';
import { Review } from './review';
import { Server } from './server';
import { StatusBar } from './statusBar';
import type { Process } from './status';
import { Given } from './suggestion';
import { Switches } from './switches';

interface Manifest {
  readonly version: string;
  readonly contributes: { readonly configuration: { readonly properties: Record<string, { scope?: string }> } };
}

class Extension {
  private readonly log = vscode.window.createOutputChannel('edgewise', { log: true });
  private readonly bar = new StatusBar();
  private readonly switches = new Switches(this.bar);
  private readonly review = new Review();
  private readonly given = new Given();
  private readonly problems = new Notices((sentence, ...buttons) => vscode.window.showErrorMessage(sentence, ...buttons));
  private isRunning = false;
  private readonly environment: string;
  private readonly server: Server;
  private readonly models: Models;

  constructor(private readonly context: vscode.ExtensionContext) {
    const manifest = context.extension.packageJSON as Manifest;
    this.environment = path.join(context.globalStorageUri.fsPath, 'server');
    this.server = new Server(
      () => this.find(), homedir(), manifest.version, this.log, makeMiddleware(manifest, this.bar, this.given),
      { onProcess: (process) => this.onProcess(process), onTooOld: (program, version) => this.onTooOld(program, version, manifest.version) },
    );
    this.models = new Models(() => this.program(), homedir(), (text) => this.setWork(text), () => this.onModelChosen());
  }

  register(): vscode.Disposable[] {
    const commands: Record<string, (...args: unknown[]) => unknown> = {
      menu: () => showMenu(this.bar),
      model: () => this.models.pick(),
      why: () => this.report('Why was there no suggestion?', 'edgewise.why'),
      stats: () => this.report('Statistics', 'edgewise.stats'),
      log: () => this.log.show(true),
      restart: () => this.restart(),
      install: () => this.install(),
      settings: () => vscode.commands.executeCommand('workbench.action.openSettings', '@ext:edgewise.edgewise'),
      walkthrough: () => this.walkThrough(),
      trigger: () => vscode.commands.executeCommand('editor.action.inlineSuggest.trigger'),
      accepted: (id) => this.onTaken(id),
      rejected: () => this.onDropped(),
    };
    const registered = Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`edgewise.${name}`, run));
    const watching = vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('edgewise.vscode')) {
        void this.restart();
      }
    });
    const assist = new Assist(this.server, this.review).register();
    return [this.log, this.bar, this.server, this.review, watching, ...registered, ...this.switches.register(), ...new Cursor(this.server).register(), ...assist];
  }

  async start(): Promise<void> {
    this.switches.refreshOff();
    await this.server.start();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  private find(): Found {
    return findProgram({
      setting: vscode.workspace.getConfiguration('edgewise.vscode').get<string>('executable', '').trim(),
      environment: this.environment,
      pathVariable: process.env['PATH'] ?? '',
      home: homedir(),
      platform: process.platform,
      isProgram,
    });
  }

  private program(): string {
    const found = this.find();
    if ('problem' in found) {
      throw new Error(found.problem);
    }
    return found.program;
  }

  private onProcess(process: Process): void {
    this.bar.process = process;
    this.bar.refresh();
    this.setRunning(process.kind === 'running');
    if (process.kind === 'missing') {
      const sentence = `${process.problem}. Without its server there are no suggestions.`;
      void this.problems.tell('missing', sentence, {
        'Install…': () => this.install(),
        'Choose the Program…': () => vscode.commands.executeCommand('workbench.action.openSettings', 'edgewise.vscode.executable'),
      });
    } else if (process.kind === 'failed') {
      const buttons = { 'Show Log': () => this.log.show(true), Restart: () => this.restart() };
      void this.problems.tell('failed', `edgewise: ${process.problem}`, buttons);
    } else if (process.kind === 'running') {
      this.problems.forget('missing');
    }
  }

  private setRunning(isRunning: boolean): void {
    if (this.isRunning !== isRunning) {
      this.isRunning = isRunning;
      void vscode.commands.executeCommand('setContext', 'edgewise.isRunning', isRunning);
    }
  }

  private onTooOld(program: string, version: string, wanted: string): void {
    const sentence = `edgewise ${version} (${program}) is older than this extension (${wanted}): some commands will be missing.`;
    void this.problems.tell('too old', sentence, { 'Install the Matching Server…': () => this.install() });
  }

  private onTaken(id: unknown): void {
    this.given.take();
    this.count(ACCEPTED, id);
  }

  /** Escape has hidden what was given last. */
  private onDropped(): void {
    const id = this.given.take();
    if (id !== undefined) {
      this.count('edgewise.rejected', id);
    }
  }

  private count(command: string, id: unknown): void {
    this.server.execute(command, [id]).catch((error: unknown) => this.log.debug(sentenceOf(error)));
  }

  private async restart(): Promise<void> {
    this.problems.forget('failed');
    if (this.server.isRunning) {
      // The engine host too: it may be what a person wants to get rid of.
      await this.server.execute('edgewise.restart', []).catch((error: unknown) => this.log.warn(sentenceOf(error)));
    }
    await this.server.restart();
  }

  private async report(title: string, command: string): Promise<void> {
    const origin = vscode.window.activeTextEditor?.document.uri;
    const reader = new Reader(title, origin ?? this.context.extensionUri);
    try {
      reader.finish(toMarkdown(title, await this.server.execute(command, [{ uri: origin?.toString() }])));
    } catch (error) {
      reader.breakOff(sentenceOf(error));
    }
  }

  /** VS Code ticks a step at a change of its context, and what holds already when the page first opens is none. */
  private async walkThrough(): Promise<void> {
    await vscode.commands.executeCommand('workbench.action.openWalkthrough', 'edgewise.edgewise#start');
    if (this.isRunning) {
      await vscode.commands.executeCommand('setContext', 'edgewise.isSeenRunning', true);
    }
  }

  private async onModelChosen(): Promise<void> {
    if (this.server.isRunning) {
      await this.server.running.sendNotification(DidChangeConfigurationNotification.type, { settings: {} });
    }
  }

  private async install(): Promise<void> {
    const question = `Install the edgewise server into ${this.environment}? Its libraries (some 300 MB) are fetched from your Python package index.`;
    if ((await vscode.window.showInformationMessage(question, 'Install')) !== 'Install') {
      return;
    }
    const place = { location: vscode.ProgressLocation.Notification, title: 'edgewise', cancellable: true };
    try {
      await vscode.window.withProgress(place, (progress, token) => this.runInstallation(progress, token));
      await this.restart();
    } catch (error) {
      void vscode.window.showErrorMessage(`edgewise: ${sentenceOf(error)}`, 'Show Log').then((pressed) => pressed && this.log.show(true));
    } finally {
      this.setWork('');
    }
  }

  private async runInstallation(progress: vscode.Progress<{ message: string }>, token: vscode.CancellationToken): Promise<void> {
    await this.server.stop();
    await install({
      environment: this.environment,
      wheelFolder: vscode.Uri.joinPath(this.context.extensionUri, 'server').fsPath,
      home: homedir(),
      pathVariable: process.env['PATH'] ?? '',
      platform: process.platform,
      say: (message) => {
        progress.report({ message });
        this.setWork('installing');
      },
      log: (text) => this.log.info(text),
    }, token);
  }

  private setWork(text: string): void {
    this.bar.work = text;
    this.bar.refresh();
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

let extension: Extension | undefined;

export function activate(context: vscode.ExtensionContext): void {
  extension = new Extension(context);
  context.subscriptions.push(...extension.register());
  void extension.start(); // VS Code does not wait for a model
}

export async function deactivate(): Promise<void> {
  await extension?.stop();
}
