/** An amount. */
export interface Money {
  cents: number;
  currency: string;
}

export const parseMoney = (text: string): Money => {
  return { cents: Number(text) * 100, currency: 'EUR' };
};

export default class Wallet {
  constructor(private owner: string) {}
  put(money: Money): void {}
}

function hidden(): void {}
export { hidden as shown };
