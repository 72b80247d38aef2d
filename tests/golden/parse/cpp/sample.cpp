#include "store.hpp"

namespace shop::model {

using Key = std::string;
template <typename T> concept Sized = requires(T t) { t.size(); };

/// Keeps things.
template <typename T>
class Store : public Base<T>, private detail::Locked {
public:
    explicit Store(int limit = 10) : limit_(limit) {}
    virtual ~Store();
    /// Finds one.
    virtual const T *find(const Key &key) const override;
    T &operator[](int i) { return items_.at(i); }
    static int count;

private:
    int limit_;
    std::vector<T> items_;
    struct Node { Node *next; };
};

enum class Level { Low, High };

template <typename T>
const T *Store<T>::find(const Key &key) const
{
    auto hit = std::find_if(items_.begin(), items_.end(), [&](const T &t) { return t.key == key; });
    if (hit == items_.end())
        throw std::out_of_range("no");
    log<Level>(Level::Low);
    return new Wrapper<T>(*hit);
}

int free_function(int a, int b = 2);

}
