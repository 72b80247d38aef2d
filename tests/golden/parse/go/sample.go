// Package store keeps things.
package store

import (
	"fmt"
	str "strings"
	. "example.com/shop/money"
	_ "example.com/driver"
)

// Limit and Step are bounds.
const Limit, Step = 10, 2

var (
	cache map[string]int
	size  = 3
)

// Store keeps items
// in memory.
type Store[K comparable] struct {
	Name  string `json:"name"`
	items map[K]Item
	Base
}

type Reader interface {
	Read(p []byte) (n int, err error)
}

type Key = string
type Level int

// Get finds one.
func (s *Store[K]) Get(key K) (Item, error) {
	item, ok := s.items[key]
	if !ok {
		return Item{}, fmt.Errorf("no %v", key)
	}
	return item, nil
}

func New[K comparable](
	name string,
	options ...Option,
) *Store[K] {
	str.ToLower(name)
	return &Store[K]{Name: name}
}
