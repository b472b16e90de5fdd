/**
 * LKMM as KCSAN looks at code: it takes plain accesses for atomic ones where the kernel says so, and then they race with
 * nothing and are ordered as READ_ONCE() and WRITE_ONCE() are. That is an assumption about compilers, which LKMM does not make.
 *
 * Sources: kernel/kcsan/core.c, is_atomic(): CONFIG_KCSAN_ASSUME_PLAIN_WRITES_ATOMIC (lib/Kconfig.kcsan, the default: "plain aligned
 * writes up to word size are atomic … and not subject to other unsafe compiler optimizations") and kcsan_atomic_next();
 * include/linux/seqlock.h, where a read section begins with kcsan_atomic_next(KCSAN_SEQLOCK_REGION_MAX) and ends with
 * kcsan_atomic_next(0); tools/memory-model/Documentation/access-marking.txt.
 */
import type {Model} from '../model.ts'
import {lkmm} from './lkmm.ts'

export const lkmmKcsan: Model = {
  ...lkmm,
  name: 'lkmm-kcsan',
  title: 'the Linux-kernel memory model, in which plain writes and the plain reads of seqlock sections are marked, as KCSAN assumes',
  sources: ['kernel/kcsan/core.c', 'lib/Kconfig.kcsan', 'include/linux/seqlock.h', ...lkmm.sources],
  plain: 'as KCSAN sees them',
}
