const std = @import("std");
const money = @import("shop/money.zig");
const Money = @import("shop/money.zig").Money;
const ArrayList = std.ArrayList;
usingnamespace @import("c.zig");

pub const limit: usize = 10;
var count: u32 = 0;

/// Keeps items
/// in memory.
pub const Store = struct {
    name: []const u8,
    items: ArrayList(Money),

    const Self = @This();

    // Makes one.
    pub fn init(
        allocator: std.mem.Allocator,
        name: []const u8,
    ) !Self {
        const items = ArrayList(Money).init(allocator);
        return Store{ .name = name, .items = items };
    }

    fn deinit(self: *Self) void {
        self.items.deinit();
    }
};

pub const Level = enum { low, high };

const Value = union(enum) {
    int: i64,
    text: []const u8,
};

const Failure = error{ NotFound, Full };

export fn twice(x: u32) u32 {
    std.debug.print("{}\n", .{x});
    return helper(x) * 2;
}

fn helper(comptime x: u32) u32 {
    return x;
}

test "twice" {
    try std.testing.expect(twice(1) == 2);
}
