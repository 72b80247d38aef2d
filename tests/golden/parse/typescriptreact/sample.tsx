import React, { useState } from 'react';
import { Button } from './button';

interface Props { label: string; onPress(): void }

/** A counter. */
export function Counter({ label, onPress }: Props): JSX.Element {
  const [count, setCount] = useState(0);
  return <Button onClick={() => setCount(count + 1)}>{label}</Button>;
}
