package shop.orders

import shop.money.Money
import shop.money.{Amount, Rate => R, _}
import shop.tools.*
import java.util as ju

/** Keeps items. */
@deprecated("old")
class Store[T <: Item](val name: String, limit: Int = 10) extends Base(name) with Reader[T] {
  private val items = List.empty[T]
  var count: Int = 0
  type Key = String

  // Finds one.
  override def get(
      key: Key,
      count: Int = 1
  ): Option[T] = {
    val found = cache.load[T](key)
    found.map(println)
    new Wrapper(found)
  }

  def twice(x: Int): Int = x * 2
  def unset: Unit
}

object Store {
  val Limit = 10
  def apply(name: String): Store[Item] = new Store(name)
}

trait Reader[T] {
  def read(bytes: Array[Byte]): T
}

case class Point(x: Int, y: Int)
case object Empty

enum Level:
  case Low, High
  case Other(n: Int)

given ordering: Ordering[Point] = Ordering.by(_.x)

extension (s: String)
  def shout: String = s.toUpperCase

def helper(a: Int) = Store(a.toString)
val (left, right) = (1, 2)
