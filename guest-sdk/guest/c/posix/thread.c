/* The locks of the one thread that there is. What waits for another, or makes one, is left to the linker to refuse. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

pthread_t pthread_self(void) { return (pthread_t)1; }
int(pthread_equal)(pthread_t one, pthread_t other) { return one == other; }
int pthread_once(pthread_once_t *once, void (*first)(void)) {
  if (*once == 0) *once = 1, first();
  return 0;
}

int pthread_mutex_init(pthread_mutex_t *__restrict lock, const pthread_mutexattr_t *__restrict how) {
  (void)how;
  *lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  return 0;
}
int pthread_mutex_destroy(pthread_mutex_t *lock) { return (void)lock, 0; }
int pthread_mutex_lock(pthread_mutex_t *lock) { return lock->__u.__i[0]++, 0; }
/* Held already: by this thread, which a lock that is no recursive one does not tell from another. */
int pthread_mutex_trylock(pthread_mutex_t *lock) { return lock->__u.__i[0] > 0 ? EBUSY : pthread_mutex_lock(lock); }
int pthread_mutex_unlock(pthread_mutex_t *lock) { return lock->__u.__i[0]--, 0; }
int pthread_mutexattr_init(pthread_mutexattr_t *how) { return (void)how, 0; }
int pthread_mutexattr_destroy(pthread_mutexattr_t *how) { return (void)how, 0; }
int pthread_mutexattr_settype(pthread_mutexattr_t *how, int type) { return (void)how, (void)type, 0; }

int pthread_cond_init(pthread_cond_t *__restrict at, const pthread_condattr_t *__restrict how) { return (void)at, (void)how, 0; }
int pthread_cond_destroy(pthread_cond_t *at) { return (void)at, 0; }
int pthread_cond_signal(pthread_cond_t *at) { return (void)at, 0; }
int pthread_cond_broadcast(pthread_cond_t *at) { return (void)at, 0; }

int pthread_rwlock_init(pthread_rwlock_t *__restrict at, const pthread_rwlockattr_t *__restrict how) { return (void)at, (void)how, 0; }
int pthread_rwlock_destroy(pthread_rwlock_t *at) { return (void)at, 0; }
int pthread_rwlock_rdlock(pthread_rwlock_t *at) { return (void)at, 0; }
int pthread_rwlock_wrlock(pthread_rwlock_t *at) { return (void)at, 0; }
int pthread_rwlock_unlock(pthread_rwlock_t *at) { return (void)at, 0; }

enum { KEYS = 128 };
static struct {
  int used;
  const void *value;
} keys[KEYS];

int pthread_key_create(pthread_key_t *key, void (*destroy)(void *)) {
  (void)destroy; /* It is for threads that end before the program does. */
  for (unsigned at = 0; at < KEYS; at++)
    if (!keys[at].used) return keys[at].used = 1, keys[at].value = NULL, *key = at, 0;
  return EAGAIN;
}
int pthread_key_delete(pthread_key_t key) { return key < KEYS ? (keys[key].used = 0) : EINVAL; }
void *pthread_getspecific(pthread_key_t key) { return key < KEYS ? (void *)keys[key].value : NULL; }
int pthread_setspecific(pthread_key_t key, const void *value) { return key < KEYS ? (keys[key].value = value, 0) : EINVAL; }
