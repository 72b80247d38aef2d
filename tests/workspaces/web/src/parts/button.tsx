export function Button({ label }: { label: string }): JSX.Element {
  return <button>{label}</button>;
}
