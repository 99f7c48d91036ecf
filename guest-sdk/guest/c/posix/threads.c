/* Linked into what asks for threads (-pthread), so that it is refused by the name of what makes one. */
extern int pthread_create(void *, const void *, void *(*)(void *), void *);
int (*const cloudlet_threads)(void *, const void *, void *(*)(void *), void *) __attribute__((used, visibility("default"))) = pthread_create;
