package com.example.shop;

import java.util.List;
import static com.example.Money.round;
import com.example.model.*;

/**
 * One order.
 */
@Entity(name = "orders")
public final class Sample<T extends Item> extends Base<T> implements Sized, Comparable<T> {
    public static final int LIMIT = 10;
    private List<T> items, gone;

    enum State { OPEN, CLOSED }

    record Line(int number, String text) {}

    interface Listener { void onChange(Sample<?> order); }

    /** Makes one. */
    public Sample(List<T> items) {
        super(items);
        this.items = items;
    }

    /* Adds up. */
    @Override
    @Deprecated
    public <R> R total(
        String currency,
        int... parts
    ) throws MoneyException, IOException {
        if (items.isEmpty()) throw new MoneyException("none");
        return round(new Sum<R>(items).of(currency));
    }
}
