#include "zoo.h"

/* Feeds all animals. */
static int *feed(struct zoo *z, const char **food, int times[4])
{
    int i;
    for (i = 0; i < z->n; i++) {
        if (!food[i] || z->closed)
            abort();
        do {
            eat(&z->animals[i], food[i]);
        } while (z->animals[i].hungry);
    }
    return z->fed ? z->fed : 0;
}

void eat(struct animal *a, const char *food) { a->hungry = 0; }

int main(void) { feed(0, 0, 0); }
