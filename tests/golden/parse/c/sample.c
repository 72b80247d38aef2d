#include "store.h"
#include <stdio.h>

#define LIMIT 10
#define MAX(a, b) ((a) > (b) ? (a) : (b))

typedef unsigned int count_t;
typedef int (*compare_fn)(const void *, const void *);

/* One item. */
typedef struct item {
    char *name;
    int sizes[4];
    struct item *next;
} item_t;

union value { int i; double d; };
enum level { LOW, HIGH = 2 };

extern int verbose;
static const char *names[] = {"a", "b"};

int store_add(struct store *s, item_t *item);

/**
 * Finds an item.
 */
static item_t *find(struct store *s,
                    const char *name)
{
    int n = 0;
    for (item_t *i = s->first; i; i = i->next)
        if (s->compare(i->name, name) == 0)
            return i;
    printf("%s\n", name);
    return NULL;
}
