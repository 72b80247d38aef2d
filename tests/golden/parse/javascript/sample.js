import main, { start as begin, stop } from './engine.js';
import * as parts from "./parts";
import './side-effect';
const { open, close: shut } = require('./door');
const path = require('path');

/**
 * Counts things.
 */
export class Counter extends parts.Base {
  #hidden = 1;
  static limit = 10;
  onTick = () => { this.add(1); };

  constructor(start) { super(start); }

  // Adds.
  add(n) {
    return begin(this.#hidden + n);
  }

  static async *all() { yield* stop(); }
}

export const twice = async (x) => {
  return await new Counter(x).add(x);
};

const plain = 3, other = function (a, b) { return a ?? b; };
function* numbers() { yield plain; }
module.exports = { run: function () { main(); } };
export default twice;
export { plain as simple };
export { thing as item } from './thing';
export * from './all';
export * as tools from './tools';
