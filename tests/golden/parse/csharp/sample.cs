using System;
using System.Collections.Generic;
using static System.Math;
using Json = System.Text.Json.JsonSerializer;
global using Shop.Money;

namespace Shop.Orders
{
    /// <summary>Keeps items.</summary>
    [Serializable]
    public class Store<T> : Base, IReader<T> where T : class
    {
        // How many are kept.
        private const int Limit = 10, Step = 2;
        private readonly List<T> _items = new();

        public string Name { get; set; } = "x";
        public int Count => _items.Count;
        public T this[int index] => _items[index];
        public event EventHandler? Changed;

        public Store(string name, int limit = Limit) : base(name)
        {
            Name = name;
        }

        /// <summary>
        /// Finds one.
        /// </summary>
        [Obsolete("use Find")]
        public async Task<T?> GetAsync(
            string key,
            int count = 1)
        {
            var found = await _cache.Load<T>(key);
            Changed?.Invoke(this, EventArgs.Empty);
            Json.Serialize(new Item(key));
            return found;
        }

        public static Store<T> operator +(Store<T> a, T b) => a.With(b);

        ~Store() { }
    }

    public interface IReader<out T>
    {
        T Read(byte[] buffer);
        int Size { get; }
    }

    public record Point(int X, int Y);
    public struct Pair { public int A; public int B; }
    public enum Level { Low, High = 2 }
    public delegate void Handler(object sender);

    static class Tools
    {
        public static int Twice(this int value)
        {
            int Inner(int x) => x * 2;
            return Inner(value);
        }
    }
}
