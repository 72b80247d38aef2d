@file:JvmName("Shop")

package shop.orders

import shop.money.Money
import shop.money.parse as read
import shop.tools.*

const val LIMIT = 10
val sizes = listOf(1, 2)
typealias Prices = List<Money>

/**
 * Keeps items.
 */
@Serializable
open class Store<T : Any>(
    val name: String,
    private val limit: Int = LIMIT,
) : Base(name), Reader<T> {
    private val items = mutableListOf<T>()
    var count: Int = 0
        private set

    init {
        check(limit)
    }

    constructor(name: String) : this(name, 1)

    // Finds one.
    override suspend fun get(
        key: String,
        count: Int = 1,
    ): T? {
        val found = cache.load(key) as T
        return found?.also { println(it) }
    }

    fun twice(x: Int) = x * 2

    companion object {
        fun of(name: String) = Store<Any>(name)
    }
}

interface Reader<T> {
    fun read(bytes: ByteArray): T
}

data class Point(val x: Int, val y: Int)
object Registry {
    val all = mapOf<String, Int>()
}

enum class Level {
    LOW, HIGH;

    fun next() = LOW
}

sealed class Result

fun String.shout(): String = uppercase()

fun main() {
    fun inner() = 1
    Store<Int>("x").get("k")
}
