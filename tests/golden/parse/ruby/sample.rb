# frozen_string_literal: true

require "json"
require 'net/http'
require_relative "../lib/money"
load "tasks.rb"
autoload :Report, "shop/report"

# Everything about orders.
module Shop
  LIMIT = 10

  # Keeps items
  # in memory.
  class Store < Base
    include Enumerable
    extend Shop::Helpers

    attr_reader :name, :items
    attr_accessor :limit

    SIZES = [1, 2].freeze

    # Makes one.
    def initialize(name, limit: LIMIT, **options)
      @name = name
      @items = []
    end

    def each(&block)
      @items.each(&block)
      count = items.size
    end

    def self.load(path) = JSON.parse(File.read(path))

    class << self
      def build
        new("x")
      end
    end

    def empty?
      items.none? { |item| item.price.zero? }
    end

    alias_method :size, :count
  end

  class Shop::Order; end

  Point = Struct.new(:x, :y)
end

def helper(
  a,
  b = 1
)
  Shop::Store.new(a).each { puts b }
end
