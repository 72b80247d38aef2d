export * from './button';
export { default as Purse } from '../money';
