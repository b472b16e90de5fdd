/**
 * Tests of our own that are judged before those that are asked about, so that V8 knows what the engine does when it
 * compiles it. What it has not seen yet, it compiles as impossible, and compiles again when it comes: over the 2,826 shared
 * tests that herd7 finishes, 118 times, and 60 times after these, which saves a twentieth of the time in all.
 */

/** Message passing in each vocabulary, which needs most of what every test needs: to load that is no part of the first test's time. */
const small = [`C warm-up
{}

P0(int *x, int *y)
{
	WRITE_ONCE(*x, 1);
	smp_store_release(y, 1);
}

P1(int *x, int *y)
{
	int r0 = smp_load_acquire(y);
	int r1 = READ_ONCE(*x);
}

exists (1:r0=1 /\\ 1:r1=0)
`, `C warm-up
{}

P0(atomic_int *x, atomic_int *y)
{
	atomic_store_explicit(x, 1, memory_order_relaxed);
	atomic_store_explicit(y, 1, memory_order_release);
}

P1(atomic_int *x, atomic_int *y)
{
	int r0 = atomic_load_explicit(y, memory_order_acquire);
	int r1 = atomic_load_explicit(x, memory_order_relaxed);
}

exists (1:r0=1 /\\ 1:r1=0)
`]

/** What is rarer, as much of it in each as leaves it with few executions. */
const rare = [
  // pointers and arrays, a loop that may never end, a long condition
  `C warm-up
{
	x = y;
	y = -3;
	int a[2] = {1, 2};
	0:r7 = x;
}

P0(volatile int *x, int **y, intptr_t *z)
{
	r1 = (int *)READ_ONCE(*x);
	if ((*x = 1)) {
		r2 = r1 == y ? 4 : 0;
	} else {
		r2 = 1;
	}
	WRITE_ONCE(*(intptr_t *)z, (r2 & 0x4) * (3 - 2) + (~r2 & 0) - (!r2));
}

P1(int *z, int *a)
{
	int r1, *r2 = a;
	do {
		r1 = READ_ONCE(*z);
	} while (r1 != 4);
	a[1] = a[0] << 2;
}

locations [x; 0:r7; a[1]]
filter (~(1:r1=17) /\\ true)
exists (0:r1=y /\\ 0:r2=4 /\\ (1:r1=4 => z=4) /\\ not (1:r1=0 \\/ 1:r1!=2))
`,
  // grace periods of RCU against its sections
  `C warm-up
{}

P0(int *x, int *y)
{
	rcu_read_lock();
	rcu_read_lock();
	int r0 = READ_ONCE(*x);
	rcu_read_unlock();
	WRITE_ONCE(*y, 1);
	rcu_read_unlock();
}

P1(int *y, int *z)
{
	int r0 = READ_ONCE(*y);
	synchronize_rcu();
	WRITE_ONCE(*z, 1);
}

P2(int *z, int *x)
{
	rcu_read_lock();
	int r0 = READ_ONCE(*z);
	WRITE_ONCE(*x, 1);
	rcu_read_unlock();
	int r1 = 4 / r0;
}

forall (0:r0=1 /\\ 1:r0=1 \\/ 2:r1=0)
`,
  // a section of SRCU that ends in another thread, a grace period of it in a section of RCU
  `C warm-up
{}

P0(int *x, int *c, int *f, struct srcu_struct *s)
{
	int r1 = srcu_down_read(s);
	WRITE_ONCE(*c, r1);
	int r0 = READ_ONCE(*x);
	smp_store_release(f, 1);
}

P1(int *y, int *c, int *f, struct srcu_struct *s)
{
	int r2 = smp_load_acquire(f);
	int r0 = READ_ONCE(*y);
	int r1 = READ_ONCE(*c);
	srcu_up_read(s, r1);
}

P2(int *x, int *y, struct srcu_struct *s)
{
	WRITE_ONCE(*x, 1);
	synchronize_srcu(s);
	WRITE_ONCE(*y, 1);
}

filter (1:r2=1)
exists (0:r0=0 /\\ 1:r0=1)
`,
  `C warm-up
{}

P0(int *x, struct srcu_struct *s)
{
	rcu_read_lock();
	synchronize_srcu(s);
	int r0 = READ_ONCE(*x);
	rcu_read_unlock();
}

P1(int *x, struct srcu_struct *s)
{
	int r1 = srcu_read_lock(s);
	WRITE_ONCE(*x, 1);
	srcu_read_unlock(s, r1);
}

exists (0:r0=1)
`,
  // locks: taken, tried, asked about, never released
  `C warm-up
{}

P0(int *x, spinlock_t *s, spinlock_t *t)
{
	spin_lock(s);
	smp_mb__after_spinlock();
	int r0 = *x;
	*x = r0 + 1;
	spin_unlock(s);
	spin_lock(t);
	smp_mb__after_unlock_lock();
}

P1(int *x, spinlock_t *s, spinlock_t *t)
{
	int r0 = spin_trylock(s);
	if (r0 == 1) {
		*x = 5;
		spin_unlock(s);
	}
	int r1 = spin_is_locked(t);
	if (r1 == 0) {
		spin_lock(t);
	}
}

forall (x=2)
`,
  // atomics that fail and that do not, fences in between
  `C warm-up
{
	atomic_t x = ATOMIC_INIT(0);
}

P0(atomic_t *x, int *y)
{
	int r0 = atomic_add_unless(x, 1, 7);
	smp_mb__after_atomic();
	if (atomic_cmpxchg_relaxed(x, 1, 3) == 1) {
		WRITE_ONCE(*y, 1);
	}
}

P1(atomic_t *x, int *y)
{
	int r0 = xchg_release(y, 2);
	atomic_inc(x);
	smp_rmb();
	int r1 = atomic_inc_return_relaxed(x);
	smp_wmb();
	*y = 3;
}

exists (0:r0=1 /\\ 1:r1=r0)
`,
  // store buffering and out of thin air, with all that C11 has
  `C warm-up
{}

P0(atomic_int *x, atomic_int *y, int *z)
{
	int r0 = atomic_load_explicit(x, memory_order_relaxed);
	atomic_store_explicit(y, r0, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	*z = 1;
}

P1(atomic_int *x, atomic_int *y, int *z, int *e)
{
	int r0 = atomic_load_explicit(y, memory_order_relaxed);
	atomic_store_explicit(x, r0, memory_order_relaxed);
	int r1 = atomic_fetch_add_explicit(x, 1, memory_order_seq_cst);
	int r2 = atomic_compare_exchange_strong_explicit(y, e, 2, memory_order_acq_rel, memory_order_acquire);
	int r3 = *z;
}

~exists (0:r0=1 /\\ 1:r0=1)
`,
  // more events than bits in a word
  `C warm-up
{}

P0(int *x, int *y, int *z)
{
${'\tWRITE_ONCE(*x, 1);\n\tWRITE_ONCE(*y, 1);\n'.repeat(16)}	WRITE_ONCE(*z, 1);
}

P1(int *y, int *z)
{
	int r0 = READ_ONCE(*z);
	smp_mb();
	WRITE_ONCE(*y, 2);
}

exists (1:r0=1 /\\ y=1)
`,
]

/** As many as it takes for what is rare to pay for itself. */
const many = 200

/** The texts of those to judge before this number of tests. */
export function warmUpTests(tests: number): readonly string[] {
  return tests < many ? small : [...small, ...rare, ...rare]
}
