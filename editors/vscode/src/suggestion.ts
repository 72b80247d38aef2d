/**
 * The suggestion that VS Code was given last, by the id under which the server counts it. Pure.
 *
 * VS Code tells an extension without proposed API of neither showing nor dropping. What was given last is what Escape
 * drops: each edit asks again, and an answer without a suggestion clears it.
 */

/** `result`: InlineCompletionItem[] or InlineCompletionList or nothing, whose items run the command `accepted` with the id. */
export function idOf(result: unknown, accepted: string): string | undefined {
  const items = Array.isArray(result) ? result : (result as { items?: unknown } | null | undefined)?.items;
  const first = Array.isArray(items) ? (items[0] as { command?: { command?: unknown; arguments?: unknown[] } } | undefined) : undefined;
  const id = first?.command?.command === accepted ? first.command.arguments?.[0] : undefined;
  return typeof id === 'string' ? id : undefined;
}

export class Given {
  private id: string | undefined;

  give(id: string | undefined): void {
    this.id = id;
  }

  /** The id, once. */
  take(): string | undefined {
    const id = this.id;
    this.id = undefined;
    return id;
  }
}
