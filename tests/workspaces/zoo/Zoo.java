package zoo;

public class Zoo extends Park implements Open {
    /** Feeds them. */
    @Override
    public static synchronized <T> int feed(List<T> food, int... times) throws IOException {
        int fed = 0;
        for (T item : food) {
            try {
                fed += eat(item) ? 1 : 0;
            } catch (HungerException e) {
                throw new IllegalStateException("hungry", e);
            }
        }
        return fed;
    }

    private static boolean eat(Object item) { return item != null; }

    void run() { Zoo.feed(null); }
}
