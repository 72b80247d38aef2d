/** At most one notification for each cause, whatever happens how often. Knows no editor: it is given one. */

export type Show = (sentence: string, ...buttons: string[]) => Thenable<string | undefined>;

export class Notices {
  private readonly told = new Set<string>();

  constructor(private readonly show: Show) {}

  /** Tells a person once of `cause`; runs the button that was pressed. */
  async tell(cause: string, sentence: string, buttons: Readonly<Record<string, () => unknown>> = {}): Promise<void> {
    if (this.told.has(cause)) {
      return;
    }
    this.told.add(cause);
    const pressed = await this.show(sentence, ...Object.keys(buttons));
    if (pressed !== undefined) {
      await buttons[pressed]?.();
    }
  }

  /** The cause is gone: if it comes again, it is worth a word again. */
  forget(cause: string): void {
    this.told.delete(cause);
  }
}
