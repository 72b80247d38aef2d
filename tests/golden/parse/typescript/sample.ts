import Main, { type Options, run as go } from './main';
import type { Shape } from '../shape';
import fs = require('fs');

/** What can be drawn. */
export interface Drawable<T> extends Shape {
  readonly name: string;
  draw(target: T, scale?: number): void;
}

export type Id = string | number;
export enum Mode { Fast, Slow = 2 }
declare function external(a: number): void;

export abstract class Panel<T> extends Main<T> implements Drawable<T>, Other {
  private static count = 0;
  name: string = 'panel';

  constructor(
    public readonly id: Id,
    private options: Options,
  ) {
    super();
  }

  abstract resize(): void;

  @log()
  draw(target: T, scale = 1): void {
    go<T>(target);
    this.options?.after(scale);
  }

  get size(): number { return measure(this).size; }
}

export const area = (width: number, height: number): number => width * height;
export default class extends Panel<string> {}
namespace Inner { export function deep() { return external(1); } }

class Injected {
  constructor(private readonly store: Store, public limit = 1, plain: string) {}
}
