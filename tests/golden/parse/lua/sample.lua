local json = require("json")
local money = require "shop.money"
local read = require("shop.files").read
dofile("setup.lua")

local LIMIT, STEP = 10, 2
VERSION = "1.0"

--- Keeps items
-- in memory.
local Store = {}
Store.__index = Store
Store.size = 0

--[[ Makes one. ]]
function Store.new(name, limit)
  local self = setmetatable({ name = name, limit = limit or LIMIT }, Store)
  return self
end

-- Adds an item.
function Store:add(item)
  table.insert(self.items, item)
  self:changed(item)
  local count = #self.items
end

local function helper(a, ...)
  return json.encode({ a = a })
end

Store.remove = function(self, item)
  helper(item)
end

local twice = function(x) return x * 2 end

return Store
