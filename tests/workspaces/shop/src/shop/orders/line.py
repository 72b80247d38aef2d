from shop.money import Money, parse_money


class Line:
    def __init__(self, name, price_text, count=1):
        self.name = name
        self.count = count
        self._price = parse_money(price_text)

    def price(self) -> Money:
        return Money(self._price.cents * self.count, self._price.currency)
