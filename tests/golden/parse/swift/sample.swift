import Foundation
import struct Shop.Money
@testable import Shop

let limit = 10
var sizes: [Int] = [1, 2]
typealias Prices = [Money]

/// Keeps items.
/// In memory.
@available(macOS 12, *)
public final class Store<T: Item>: Base, Reader where T: Hashable {
    private var items: [T] = []
    static let shared = Store<Item>(name: "x")
    var count: Int { items.count }

    // Makes one.
    public init(name: String, limit: Int = 10) {
        self.name = name
        super.init()
    }

    deinit { close() }

    /** Finds one. */
    public func get(
        _ key: String,
        count: Int = 1
    ) async throws -> T? {
        let found = try await cache.load(key)
        guard let item = found?.first(where: { $0.isNew }) else { return nil }
        return item
    }

    subscript(index: Int) -> T { items[index] }

    static func + (a: Store, b: T) -> Store { a.with(b) }
}

protocol Reader: AnyObject {
    associatedtype Key
    var size: Int { get }
    func read(bytes: [UInt8]) -> Int
}

struct Point { let x: Int, y: Int }

enum Level: String {
    case low, high
    case other(Int)
    func next() -> Level { .low }
}

extension String {
    func shout() -> String { uppercased() }
}

actor Counter { var n = 0 }

func helper<T>(a: T) -> Point {
    func inner() {}
    return Point(x: 1, y: Store.twice(2))
}
