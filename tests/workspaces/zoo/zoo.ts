export class Cache<T> implements Store<T> {
  private readonly items = new Map<string, T>();

  /** Finds or makes. */
  @logged
  async get(key: string, make: (key: string) => Promise<T>, ttl?: number): Promise<T> {
    const known = this.items.get(key);
    if (known !== undefined && !this.isOld(key, ttl ?? 60)) return known;
    const made = await make(key);
    this.items.set(key, made);
    return made;
  }

  private isOld(key: string, ttl: number): boolean { return ttl < 0; }
}
